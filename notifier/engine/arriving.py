"""A new notification enters the state, at its place: finished at once, held, timed, or in its lane."""

from __future__ import annotations

from notifier.domain.events import InboxEvent
from notifier.domain.phone_numbers import hash_number, mask
from notifier.engine.commands import Measured
from notifier.engine.emitting import emit
from notifier.engine.entities import Notification
from notifier.engine.finishing import finish
from notifier.engine.lanes import enqueue
from notifier.engine.remembering import index
from notifier.engine.state import State
from notifier.engine.table import touch


def address(state: State, n: Notification, number: str | None) -> None:
    """Whom it goes to; outcomes carry only the masked number and the keyed hash."""
    n.to = number
    if number is not None:
        n.masked = mask(number)
        n.hash = hash_number(number, state.config.hash_key) if state.config.hash_key else None


def event_time(event: InboxEvent) -> float | None:
    return event.time.timestamp() if event.time is not None else None


def arrive(state: State, n: Notification) -> None:
    state.notifications.put(n.id, n)
    index(state, n)
    touch(state, "n/" + n.id, bound=True)


def expires(state: State, n: Notification, deadline: float) -> None:
    """Until when it is of use; on its own it is skipped then."""
    if n.deadline != deadline or n.status is None:
        n.deadline = deadline
        state.timers.at(deadline, "expire", n.id)


def skip(state: State, n: Notification, reason: str, now: float, detail: str | None = None) -> None:
    finish(state, n, "skipped", now, reason=reason, detail=detail)


def wait(state: State, n: Notification, now: float) -> None:
    """It may be sent, now or at its time."""
    n.stage, n.hold = "waiting", None
    if n.due > now:
        emit(state, n, "scheduled", now, reason="lead_time", bound=True)
        state.timers.at(n.due, "due", n.id)
    else:
        enqueue(state, n, now)


def hold(state: State, n: Notification, reason: str, now: float) -> None:
    """Wait for something other than time: a credential, a tenant that goes live."""
    n.stage = "held"
    if n.hold != reason or n.status != "held":
        n.hold = reason
        emit(state, n, "held", now, reason=reason, bound=True)


def due(state: State, n: Notification, now: float) -> None:
    if n.stage == "waiting" and max(n.due, n.retry_at) <= now:
        state.commands.append(Measured("timer_lateness_seconds", (), now - max(n.due, n.retry_at)))
        enqueue(state, n, now)


def expire(state: State, n: Notification, now: float) -> None:
    """Past its use. What is under way or in doubt is settled first; there the expiry only forbids the repeat."""
    if now >= n.deadline and n.stage in ("held", "waiting"):
        skip(state, n, "not_live" if n.stage == "held" and n.hold == "not_live" else "expired", now)
