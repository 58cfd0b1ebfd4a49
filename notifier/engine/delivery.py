"""Following a text to its end: callbacks, polls and Twilio's list.

Rules (twilio.md section 2): a status only rises, the first final one wins, an unknown one changes
nothing; any callback for an attempt proves that it was created, also one that overtakes the answer to its own POST.
"""

from __future__ import annotations

from notifier.domain.answers import Accepted, MessageMatch
from notifier.domain.failures import classify_delivery
from notifier.domain.signals import DeliveryStatus
from notifier.engine.commands import Measured, Poll
from notifier.engine.configuring import still_wanted
from notifier.engine.doubts import LOOK_AGAIN, absence_counts_at, look_again, policy_of
from notifier.engine.emitting import emit
from notifier.engine.entities import AnswerFact, Notification
from notifier.engine.evidence import unclaimed
from notifier.engine.finishing import doubt_over, finish
from notifier.engine.inputs import Looked, Polled
from notifier.engine.lanes import slot_unused
from notifier.engine.parking import is_parked, looked_once_more, resolve
from notifier.engine.refusals import remember_refusal
from notifier.engine.sending import hand_over, retry
from notifier.engine.state import State
from notifier.engine.table import touch

RANKS = {
    "queued": 0, "accepted": 0, "scheduled": 0, "sending": 1, "sent": 2,
    "delivered": 3, "partially_delivered": 3, "read": 3, "undelivered": 3, "failed": 3, "canceled": 3,
}  # fmt: skip
DELIVERED = frozenset({"delivered", "partially_delivered", "read"})


def status_callback(state: State, signal: DeliveryStatus, now: float) -> None:
    n = state.notifications.get(signal.notification_id)
    if n is None or n.tenant != signal.tenant or n.connection != signal.connection:
        _count(state, "unknown")
        return
    if is_parked(n, now):
        _count(state, "resolved")
        shown = MessageMatch(sid=signal.message_sid, status=signal.message_status, error_code=signal.error_code)
        resolve(state, n, "callback", shown, now)
        return
    if n.stage == "final":
        _count(state, "late")
        return
    if n.stage != "handed":
        if n.stage == "sending" and signal.attempt < n.attempt and n.id not in state.intending:
            _count(state, "other_attempt")  # the repeat is under way already: nothing can take it back
            state.commands.append(Measured("doubts_total", ("repeated", "doubled")))
            return
        created(state, n, signal.message_sid, signal.message_status, now)
    if signal.message_sid != n.sid:
        _count(state, "other_attempt")
        return
    _count(state, "applied")
    apply_status(state, n, signal.message_status, signal.error_code, now)


def _count(state: State, result: str) -> None:
    state.commands.append(Measured("callbacks_total", (result,)))


def created(state: State, n: Notification, sid: str, status: str, now: float) -> None:
    """Evidence that it was created, from wherever: nothing is to be sent any more."""
    if state.intending.pop(n.id, None) is not None:
        slot_unused(state, n.connection or "")
    n.answer = AnswerFact(n.attempt, Accepted(sid=sid, status=status))
    hand_over(state, n, sid, "queued", now)


def apply_status(state: State, n: Notification, status: str, error_code: int | None, now: float) -> None:
    rank = RANKS.get(status)
    if rank is None:
        _count(state, "unknown_status")
        return
    if n.stage != "handed" or rank <= RANKS.get(n.provider_status or "queued", 0):
        return
    n.provider_status = status
    if rank < 3:
        if status == "sent":
            emit(state, n, "sent", now)
        else:
            touch(state, "n/" + n.id)
        return
    state.commands.append(Measured("delivery_seconds", (), now - (n.handed_over or now)))
    if status in DELIVERED:
        finish(state, n, "delivered", now)
        return
    n.error_code = error_code
    n.error_class = classify_delivery(status, error_code)
    if n.error_class == "suppressed":
        remember_refusal(state, n, now)
    finish(state, n, "undelivered" if status == "undelivered" else "failed", now, reason=n.error_class)


def looked(state: State, result: Looked, now: float) -> None:
    """Twilio's list was asked for a message in doubt. Absence is acted on no earlier than the class allows."""
    n = state.notifications.get(result.notification_id)
    if n is None or n.attempt != result.attempt:
        return
    if n.stage == "final":
        looked_once_more(state, n, result.matches, now)
    if n.stage != "doubt" or n.doubt is None:
        return
    if result.matches is None:
        look_again(state, n, now + LOOK_AGAIN)
        return
    match = unclaimed(state, n, result.matches) if state.config.safe("settlement") else None
    if match is not None:
        _found(state, n, match, now)
        return
    at = absence_counts_at(state, n, now)
    if now < at:
        look_again(state, n, at)
        return
    n.others = [match.sid for match in result.matches]
    settle_without_evidence(state, n, now)


def _found(state: State, n: Notification, match: MessageMatch, now: float) -> None:
    created(state, n, match.sid, match.status, now)
    apply_status(state, n, match.status, match.error_code, now)


def settle_without_evidence(state: State, n: Notification, now: float) -> None:
    """Nothing shows that it was created. A cancellation, an expiry or a later text forbids the repeat."""
    cause = n.doubt.cause if n.doubt is not None else "takeover"
    if n.cancel is not None or now >= n.deadline or not still_wanted(state, n, now):
        _park(state, n, cause, "too_late_to_repeat", now)
    elif policy_of(state, n) == "park":
        _park(state, n, cause, "unresolved", now)
    else:
        state.commands.append(Measured("doubts_total", (cause, "resent_without_evidence")))
        n.doubt = None
        doubt_over(state, n, now)
        retry(state, n, now, None, detail="resent_without_evidence")


def _park(state: State, n: Notification, cause: str, reason: str, now: float) -> None:
    state.commands.append(Measured("doubts_total", (cause, "parked")))
    state.commands.append(Measured("parked_total"))
    finish(state, n, "parked", now, reason=reason)


def poll(state: State, n: Notification, now: float) -> None:
    """No callback came; from now on it is asked for, further and further apart, until it counts as unconfirmed."""
    if n.stage != "handed":
        return
    if n.id not in state.polls:
        state.polls[n.id] = state.config.poll_after
        state.timers.at((n.handed_over or now) + state.config.unconfirmed_after, "unconfirmed", n.id)
    if n.sid is not None:
        state.commands.append(Poll(n.id, n.connection or "", n.sid))


def polled(state: State, result: Polled, now: float) -> None:
    n = state.notifications.get(result.notification_id)
    if n is None or n.stage != "handed" or n.sid != result.sid:
        return
    if result.state is not None:
        apply_status(state, n, result.state.status, result.state.error_code, now)
    if n.id in state.polls:  # else that ended it, or it was asked before a restore and is asked again anyway
        interval = min(state.polls[n.id] * 2, state.config.poll_at_most_every)
        state.polls[n.id] = interval
        state.timers.at(now + interval, "poll", n.id)


def never_confirmed(state: State, n: Notification, now: float) -> None:
    """The carrier took it and never said more (contract section 6)."""
    if n.stage == "handed" and now >= (n.handed_over or now) + state.config.unconfirmed_after:
        finish(state, n, "unconfirmed", now)
