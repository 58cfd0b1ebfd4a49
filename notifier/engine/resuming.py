"""After a restore: everything that waits finds its place again, and what is in doubt is followed (rules 4 and 10)."""

from __future__ import annotations

from notifier.domain.identifiers import identity_of
from notifier.engine import configuring
from notifier.engine.arriving import expire
from notifier.engine.doubts import enter_doubt, follow_doubt
from notifier.engine.entities import Notification
from notifier.engine.finishing import retire_when_done
from notifier.engine.holding import restored_hold
from notifier.engine.lanes import enqueue, hold_lane
from notifier.engine.restoring import index_pages
from notifier.engine.state import State


def resume(state: State, now: float) -> None:
    index_pages(state, now)
    for key, known in state.keys.items():
        state.timers.at(known.key.ends_at.timestamp() + 1.0, "key_end", key)
    _count_identities(state)
    living = sorted(state.notifications.values(), key=lambda n: (n.inbox, n.order))
    for n in living:
        _index(state, n)
    for n in living:
        _resume(state, n, now)
    for key in ("r/" + run for run in tuple(state.runs)):
        retire_when_done(state, key, now)
    for key in tuple(state.notes):
        retire_when_done(state, key, now)
    configuring.configure(state, state.catalog, now)
    state.timers.at(now, "heartbeat")


def _index(state: State, n: Notification) -> None:
    state.by_tenant.setdefault(n.tenant, set()).add(n.id)
    if n.key_id is not None:
        state.by_key.setdefault(n.key_id, set()).add(n.id)


def _count_identities(state: State) -> None:
    live = state.identities.live
    identities = [identity_of(n.event) for n in state.notifications.values()]
    identities += [identity_of(run.event) for run in state.runs.values()]
    identities += [bytes.fromhex(note.identity) for note in state.notes.values()]
    for identity in identities:
        live[identity] = live.get(identity, 0) + 1


def _resume(state: State, n: Notification, now: float) -> None:
    match n.stage:
        case "sending":
            enter_doubt(state, n, "takeover", now, inherited=True)
        case "doubt":
            follow_doubt(state, n, now)
        case "handed":
            _follow(state, n, now)
        case "waiting":
            _wait_again(state, n, now)
        case "held":
            state.timers.at(n.deadline, "expire", n.id)
            if n.hold in ("connection_broken", "sender_held"):
                restored_hold(state, n, now)
        case "final":
            if n.parked_until is not None:
                state.timers.at(n.parked_until, "unpark", n.id)
            retire_when_done(state, "n/" + n.id, now)


def _wait_again(state: State, n: Notification, now: float) -> None:
    if n.attempt > 0:
        hold_lane(state, n, now)  # in retry: it keeps its place, counted from the CLAIM
    state.timers.at(n.deadline, "expire", n.id)
    at = max(n.due, n.retry_at)
    if at > now:
        state.timers.at(at, "due", n.id)
    else:
        enqueue(state, n, now)
    expire(state, n, now)


def _follow(state: State, n: Notification, now: float) -> None:
    since = n.handed_over or now
    state.polls[n.id] = state.config.poll_after
    state.timers.at(max(now, since) + state.config.poll_after, "poll", n.id)
    state.timers.at(max(now, since + state.config.unconfirmed_after), "unconfirmed", n.id)
