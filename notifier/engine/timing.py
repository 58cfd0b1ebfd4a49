"""The engine's own timers: what comes due is decided by the state then, not by what it was when the timer was set.

Nobody takes a timer back, so those that mean nothing any more are swept when they may be half of all.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable

from notifier.engine import arriving, delivery, doubts
from notifier.engine.entities import Notification, Stage
from notifier.engine.finishing import retire_when_done
from notifier.engine.holding import probe
from notifier.engine.keys import key_ended
from notifier.engine.lanes import SEPARATOR, lane_wait_over
from notifier.engine.ledger import expire_claims, has_room
from notifier.engine.parking import look_once_more
from notifier.engine.remembering import drop_page, write_page
from notifier.engine.state import State
from notifier.engine.table import positions_key, touch

SWEPT_ABOVE = 5_000  # timers
DEFLATED_AT_ONCE, DEFLATE_EVERY = 300, 0.3  # some 5 ms; seconds

_BEFORE_TWILIO: frozenset[Stage] = frozenset({"held", "waiting", "sending", "doubt"})
_MEANT_IN: dict[str, frozenset[Stage]] = {
    "due": _BEFORE_TWILIO,
    "expire": _BEFORE_TWILIO,
    "investigate": frozenset({"doubt"}),
    "poll": frozenset({"handed"}),
    "unconfirmed": frozenset({"handed"}),
    "unpark": frozenset({"final"}),
    "resend": frozenset({"final"}),
}


def fire(state: State, now: float) -> None:
    """Everything that is due, oldest first, while there is room for what it writes."""
    heap = state.timers.heap
    while heap and heap[0][0] <= now and has_room(state):
        _, _, kind, key = heapq.heappop(heap)
        _TIMERS[kind](state, key, now)
        state.rest()


def next_at(state: State) -> float | None:
    """When `fire` is wanted next; None when an acknowledgement comes before, since there is no room until then."""
    heap = state.timers.heap
    return heap[0][0] if heap and has_room(state) else None


def sweep(state: State) -> None:
    """Drop the timers of what is gone, and those set twice.

    Not while a line of hundreds of thousands builds up, whose timers all mean something: to look through them would
    stop everybody for a quarter of a second.
    """
    timers = state.timers
    if len(timers.heap) <= 2 * timers.meaningful + SWEPT_ABOVE:
        return
    living = len(state.notifications) + len(state.keys) + len(state.lanes) + len(state.identities.pages)
    if len(timers.heap) <= 2 * living:
        timers.meaningful = living
        return
    kept = {(time, kind, key): order for time, order, kind, key in timers.heap if _still_means(state, kind, key)}
    timers.heap[:] = sorted((time, order, kind, key) for (time, kind, key), order in kept.items())
    timers.meaningful = len(timers.heap)


def _still_means(state: State, kind: str, key: str) -> bool:
    stages = _MEANT_IN.get(kind)
    if stages is not None:
        return state.notifications.stage(key) in stages
    if kind == "key_end":
        return key in state.keys
    if kind == "lane":
        tenant, _, number = key.partition(SEPARATOR)
        return (tenant, number) in state.lanes
    return True


def _for_notification(act: Callable[[State, Notification, float], None]) -> Callable[[State, str, float], None]:
    def act_on(state: State, key: str, now: float) -> None:
        n = state.notifications.get(key)
        if n is not None:
            act(state, n, now)

    return act_on


def _pump(state: State, key: str, _now: float) -> None:
    owner, _, name = key.partition(SEPARATOR)
    state.runnable[(owner, name)] = None


def _heartbeat(state: State, _key: str, now: float) -> None:
    """An owner appends at least every 60 s, so that it sees a newer CLAIM."""
    if now - state.ledger.written_at >= state.config.heartbeat_every:
        touch(state, positions_key(state.ledger.epoch), bound=True)
    expire_claims(state, now)
    state.timers.at(now + state.config.heartbeat_every / 3, "heartbeat")


def _deflate(state: State, _key: str, now: float) -> None:
    if state.deflate_some(DEFLATED_AT_ONCE):
        deflate_later(state, now)


def deflate_later(state: State, now: float) -> None:
    """After a restore: what was read takes its small form, a few milliseconds' worth at a time."""
    state.timers.at(now + DEFLATE_EVERY, "deflate")


_TIMERS: dict[str, Callable[[State, str, float], None]] = {
    "due": _for_notification(arriving.due),
    "expire": _for_notification(arriving.expire),
    "investigate": _for_notification(doubts.investigate),
    "poll": _for_notification(delivery.poll),
    "unconfirmed": _for_notification(delivery.never_confirmed),
    "unpark": lambda state, key, now: retire_when_done(state, "n/" + key, now),
    "resend": _for_notification(look_once_more),
    "lane": lane_wait_over,
    "pump": _pump,
    "probe": probe,
    "page": lambda state, key, _now: drop_page(state, key),
    "write_page": lambda state, _key, now: write_page(state, now),
    "key_end": key_ended,
    "deflate": _deflate,
    "heartbeat": _heartbeat,
}
