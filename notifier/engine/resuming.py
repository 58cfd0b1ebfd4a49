"""After a restore: everything that waits finds its place again, and what is in doubt is followed (rules 4 and 10)."""

from __future__ import annotations

from notifier.engine.configuring import reconsider_all
from notifier.engine.doubts import enter_doubt, follow_doubt
from notifier.engine.entities import Notification
from notifier.engine.evidence import keep_for_doubts
from notifier.engine.finishing import retire_when_done
from notifier.engine.forgetting import begin
from notifier.engine.holding import new_versions, restored_hold
from notifier.engine.lanes import enqueue, hold_lane
from notifier.engine.parking import look_once_more
from notifier.engine.pausing import release_if_resumed
from notifier.engine.remembering import watch_pages
from notifier.engine.sending import follow
from notifier.engine.state import Restore, State


def resume(state: State, now: float) -> None:
    """Set everything in motion that the restore found; late timers fire behind it, a batch's worth at a time."""
    watch_pages(state, now)
    living = [notification_id for _, _, notification_id in sorted(state.restore.living)]
    state.restore = Restore()
    for notification_id in living:
        final = state.notifications.stage(notification_id) == "final"
        n = None if final else state.notifications.get(notification_id)
        if n is not None:
            _resume(state, n, now)
        state.rest()
    for notification_id in living:
        if state.notifications.stage(notification_id) == "final":
            _resume_final(state, notification_id, now)
            state.rest()
    for key in [*("r/" + run for run in state.runs), *state.notes]:
        retire_when_done(state, key, now)
    new_versions(state, now)
    for key in state.forgetting:
        begin(state, key)
    if state.catalog.offset > state.positions.configured:
        reconsider_all(state)
    state.timers.at(now, "heartbeat")
    state.timers.meaningful = len(state.timers.heap)  # all of these mean something


def _resume(state: State, n: Notification, now: float) -> None:
    if n.stage != "handed":
        state.timers.at(n.deadline, "expire", n.id)
    match n.stage:
        case "sending":
            enter_doubt(state, n, "takeover", now, inherited=True)
        case "doubt":
            follow_doubt(state, n, now)
        case "handed":
            follow(state, n, now)
        case "waiting":
            _wait_again(state, n, now)
        case "held":
            if n.hold in ("connection_broken", "sender_held"):
                restored_hold(state, n, now)
            release_if_resumed(state, n, now)  # its release is not written before its turn comes


def _resume_final(state: State, notification_id: str, now: float) -> None:
    """Behind all others, since what is in doubt says which of them are still needed."""
    n = state.notifications.get(notification_id)
    if n is None:
        return
    keep_for_doubts(state, n)
    if n.parked_until is not None:
        state.timers.at(n.parked_until, "unpark", n.id)
        look_once_more(state, n, now)
    retire_when_done(state, "n/" + n.id, now)


def _wait_again(state: State, n: Notification, now: float) -> None:
    if n.attempt > 0:
        hold_lane(state, n, now)  # in retry: it keeps its place, counted from the CLAIM
    enqueue(state, n, now)
