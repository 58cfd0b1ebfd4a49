"""Doubts: an intent without answer. Evidence settles it wherever there is any, else the policy of its class, openly.

Order of things (contract section 6, "In doubt"): publish `unknown`; after a takeover wait for the quarantine; read all
signals written until then; ask Twilio's list; then act on absence no earlier than the class says.
"""

from __future__ import annotations

from notifier.domain.answers import DoubtCause, LookRequest
from notifier.domain.documents import DoubtPolicy
from notifier.engine.commands import FindSignalsEnd, Look
from notifier.engine.emitting import emit
from notifier.engine.entities import Doubt, Notification
from notifier.engine.evidence import doubted, next_attempt
from notifier.engine.lanes import hold_lane
from notifier.engine.state import State
from notifier.engine.table import touch

LOOK_AGAIN = 5.0  # seconds until Twilio's list is asked once more when it did not answer


def enter_doubt(state: State, n: Notification, cause: DoubtCause, now: float, *, inherited: bool = False) -> None:
    n.stage = "doubt"
    n.doubt = Doubt(cause=cause, since=n.attempt_at or now, inherited=inherited)
    emit(state, n, "unknown", now, reason=cause, bound=not inherited)
    follow_doubt(state, n, now)


def follow_doubt(state: State, n: Notification, now: float) -> None:
    """Keep the lane, and look as soon as that means anything; also for a doubt that a restore brought."""
    doubt = n.doubt
    if doubt is None:
        return
    hold_lane(state, n, now)
    doubted(state, n)
    begin = now
    if doubt.inherited and state.config.safe("quarantine"):
        begin = max(now, state.ledger.claimed_at + state.config.quarantine)
    state.timers.at(begin, "investigate", n.id)


def investigate(state: State, n: Notification, now: float) -> None:
    """Ask how far the signals go now; the list is asked when all of them are read."""
    if n.stage != "doubt" or _is_asking(state, n):
        return
    if not state.config.safe("signals_first"):
        state.settling[n.id] = 0
        look_when_read(state)
        return
    state.wants_signals_end[n.id] = None


def _is_asking(state: State, n: Notification) -> bool:
    return n.id in state.wants_signals_end or n.id in state.asked_signals_end or n.id in state.settling


def ask_signals_end(state: State) -> None:
    """For all who want to know, unless an answer is awaited: that may have been read before they wanted it."""
    epoch = state.ledger.epoch
    if state.wants_signals_end and not state.asked_signals_end and epoch is not None:
        state.asked_signals_end, state.wants_signals_end = state.wants_signals_end, {}
        state.commands.append(FindSignalsEnd(epoch))


def signals_end(state: State, offset: int) -> None:
    asked, state.asked_signals_end = state.asked_signals_end, {}
    for notification_id in asked:
        state.settling[notification_id] = offset
    look_when_read(state)


def look_when_read(state: State) -> None:
    """Every doubt whose signals are read asks the list."""
    if not state.settling:
        return
    read = state.positions.signals or 0
    for notification_id in [key for key, end in state.settling.items() if end <= read]:
        del state.settling[notification_id]
        n = state.notifications.get(notification_id)
        if n is None or n.stage != "doubt" or n.doubt is None:
            continue
        look(state, n, n.doubt.since, until=next_attempt(state, n))


def look(state: State, n: Notification, since: float, *, until: float | None) -> None:
    """Ask Twilio's list for the message of the last attempt: begun at `since`, and not created from `until` on."""
    sender = n.sender or ""
    service = sender.startswith("MG")
    request = LookRequest(
        connection=n.connection or "", to=n.to or "", body=n.body or "",
        from_=None if service else sender, messaging_service_sid=sender if service else None, since=since,
        until=until,
    )  # fmt: skip
    state.commands.append(Look(n.id, n.attempt, request))


def policy_of(state: State, n: Notification) -> DoubtPolicy:
    tenant = state.catalog.tenants.get(n.tenant)
    return tenant.policy(n.class_) if tenant is not None else "park"


def absence_counts_at(state: State, n: Notification, now: float) -> float:
    """When a list without the message may be acted on. `now` is the time of the first look that was answered."""
    doubt = n.doubt
    if doubt is None:
        return now
    if doubt.settle_at is None:
        if policy_of(state, n) == "resend":
            doubt.settle_at = max(now + state.config.second_look, doubt.since + state.config.resend_after)
        else:
            doubt.settle_at = now + state.config.list_lag
        touch(state, "n/" + n.id)
    return doubt.settle_at


def look_again(state: State, n: Notification, at: float) -> None:
    state.timers.at(at, "investigate", n.id)
