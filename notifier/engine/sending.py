"""From whose turn it is to what Twilio said: intent before POST, and the four ways in which a POST ends.

Rules (design section 2, rule 3): the intent is acknowledged with the fence held, within the intent deadline, else its
attempt is closed as not sent and the next begins; attempt numbers are never used twice.
"""

from __future__ import annotations

from hashlib import blake2b

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendRequest, SendResult
from notifier.domain.channel_rules import SHARE_RULE
from notifier.engine.commands import Measured, Send
from notifier.engine.configuring import reconsider_one
from notifier.engine.doubts import enter_doubt
from notifier.engine.emitting import emit
from notifier.engine.entities import AnswerFact, Notification
from notifier.engine.evidence import doubted
from notifier.engine.finishing import doubt_over, end_run_as_accepted, finish
from notifier.engine.holding import come_back, got_through, hold_for, put_on_hold, refused
from notifier.engine.lanes import (
    SEPARATOR,
    account_of,
    enqueue,
    free_lane,
    hold_lane,
    leave_line,
    offer,
    refill,
    reoffer,
    slot_unused,
    take_turn,
    taken,
)
from notifier.engine.ledger import has_room
from notifier.engine.pausing import pause
from notifier.engine.preparing import refusal, render_from_key
from notifier.engine.refusals import remember_refusal
from notifier.engine.state import SenderQueue, State
from notifier.engine.table import touch

FIRST_RETRY = 0.2  # seconds, doubling; twilio.md 3.1 suggests 100 ms for a 429
LONGEST_RETRY = 30.0
LONGEST_VALIDITY = 36_000  # Twilio's maximum, seconds


def pump(state: State, now: float) -> None:
    """Begin what can begin now, at every sender where something changed."""
    if state.ledger.phase != "owning" or state.ledger.draining:
        return
    while state.runnable and has_room(state):
        key = next(iter(state.runnable))
        del state.runnable[key]
        queue = state.senders.get(key)
        if queue is not None:
            _pump_sender(state, queue, now)


def _pump_sender(state: State, queue: SenderQueue, now: float) -> None:
    account = account_of(state, queue.owner)
    while (n := take_turn(state, queue, now)) is not None:
        if not has_room(state):
            state.runnable[(queue.owner, queue.name)] = None
            return
        if n.id in state.reconsider:
            reconsider_one(state, n.id, now)
            continue
        if state.catalog.is_paused(n.tenant):
            lane = leave_line(queue)
            pause(state, n, now)
            offer(state, lane, now)
            continue
        held = hold_for(state, queue.owner, queue.name)
        if held is not None and held[1].probe != n.id:
            lane = leave_line(queue)
            put_on_hold(state, n, held[1], now)
            offer(state, lane, now)
            continue
        if account.in_flight >= int(account.limit):
            return
        wait = refill(queue, now)
        if wait > 0.0:
            state.timers.at(now + wait, "pump", SEPARATOR.join((queue.owner, queue.name)))
            return
        reason = refusal(state, n, now) or (render_from_key(state, n) if n.key_id and n.body is None else None)
        if reason is not None:
            lane = leave_line(queue)
            finish(state, n, "skipped", now, reason=reason)
            offer(state, lane, now)
            continue
        lane = taken(queue, n)
        intend(state, n, now)
        offer(state, lane, now)


def intend(state: State, n: Notification, now: float) -> None:
    n.stage = "sending"
    n.attempt += 1
    n.poster, n.attempt_at, n.answer = state.ledger.epoch, now, None
    state.intending[n.id] = n.attempt
    account_of(state, n.connection or "").in_flight += 1
    hold_lane(state, n, now)
    doubted(state, n)
    _overtake(state, n, now)
    touch(state, "n/" + n.id, bound=True)


def _overtake(state: State, n: Notification, now: float) -> None:
    """An earlier text of the same key and person, in doubt or in retry, is not repeated behind this one."""
    for other_id in tuple(state.by_key.get(n.key_id or "", ())):
        other = state.notifications.get(other_id)
        if other is None or other is n or other.tenant != n.tenant or other.person != n.person:
            continue
        if (other.inbox, other.order) > (n.inbox, n.order) or other.cancel is not None:
            continue
        if SHARE_RULE in (n.rule, other.rule) and n.to != other.to:
            continue  # staff sent it elsewhere
        if other.stage == "doubt":
            other.cancel = "superseded"
            touch(state, "n/" + other.id, bound=True)
        elif other.stage == "waiting" and other.attempt > 0:
            finish(state, other, "cancelled", now, reason="superseded")


def intent_acknowledged(state: State, notification_id: str, attempt: int, now: float) -> None:
    """The intent stands in the ledger and nobody else wrote: POST, if that is still what the state says and in time."""
    n = state.notifications.get(notification_id)
    epoch = state.ledger.epoch
    if n is None or epoch is None or n.stage != "sending" or n.attempt != attempt or n.poster != epoch:
        return
    late = now - (n.attempt_at or now) > state.config.intent_deadline
    paused = state.catalog.is_paused(n.tenant)
    if late or paused or state.ledger.draining or n.cancel is not None:
        _close_attempt(state, n, now, "paused" if paused else "intent_late")
        return
    state.posted[n.id] = n.connection or ""
    sender = n.sender or ""
    service = sender.startswith("MG")
    request = SendRequest(
        connection=n.connection or "", tenant=n.tenant, notification_id=n.id, attempt=attempt, to=n.to or "",
        body=n.body or "", from_=None if service else sender, messaging_service_sid=sender if service else None,
        validity_period=max(1, min(LONGEST_VALIDITY, int(n.deadline - now))),
    )  # fmt: skip
    state.commands.append(Send(epoch, request))


def _close_attempt(state: State, n: Notification, now: float, why: str) -> None:
    """Never send on an old intent: nothing was posted for this attempt, the next begins."""
    slot_unused(state, n.connection or "")
    doubt_over(state, n, now)
    n.answer = AnswerFact(n.attempt, NotSent())
    if _is_over(state, n, now):
        return
    n.stage = "waiting"
    come_back(state, n)
    emit(state, n, "scheduled", now, reason="retry", detail=why, attempt=n.attempt + 1)
    enqueue(state, n, now)


def apply_answer(state: State, n: Notification, fact: AnswerFact, now: float) -> None:
    """What a POST ended in, told by its own poster, by a void record or by evidence. Acts once per attempt."""
    if fact.attempt != n.attempt or n.stage not in ("sending", "doubt"):
        return
    inherited = n.doubt
    match fact.result:
        case Accepted(sid=sid, status=status):
            n.answer = fact
            hand_over(state, n, sid, status, now)
        case NotSent(error_code=code, retry_after=retry_after):
            n.answer, n.error_code = fact, code
            _doubt_ends(state, n, now, "not_sent")
            retry(state, n, now, retry_after)
        case Rejected():
            n.answer = fact
            _doubt_ends(state, n, now, "rejected")
            reject(state, n, fact.result, now)
        case InDoubt(cause=cause) if inherited is None:
            enter_doubt(state, n, cause, now)
            reoffer(state, (n.tenant, n.to or ""), now)


def _doubt_ends(state: State, n: Notification, now: float, ending: str) -> None:
    if n.doubt is not None:
        state.commands.append(Measured("doubts_total", (n.doubt.cause, ending)))
        n.doubt = None
    doubt_over(state, n, now)


def hand_over(state: State, n: Notification, sid: str, status: str, now: float) -> None:
    """Twilio has it; what remains is to follow it to its end."""
    _doubt_ends(state, n, now, "created")
    n.stage, n.cancel = "handed", None
    n.sid, n.provider_status = sid, status
    state.by_sid[sid] = n.id
    n.error_code = n.error_class = None
    n.handed_over = now
    n.body = None
    emit(state, n, "accepted", now, bound=True)
    state.commands.append(Measured("handover_seconds", (), now - max(n.due, n.event_time or 0.0)))
    state.commands.append(Measured("segments_total", (n.tenant,), float(n.segments or 1)))
    end_run_as_accepted(state, n, now)
    got_through(state, n, now)
    follow(state, n, now)
    free_lane(state, n, now)


def follow(state: State, n: Notification, now: float) -> None:
    """Ask for its status when no callback came, at once should it count as unconfirmed by then."""
    unconfirmed = (n.handed_over or now) + state.config.unconfirmed_after
    state.timers.at(max(now, min(now + state.config.poll_after, unconfirmed)), "poll", n.id)


def retry(state: State, n: Notification, now: float, retry_after: float | None, detail: str | None = None) -> None:
    """Certainly not sent, and to be repeated while it is of use."""
    if _is_over(state, n, now):
        return
    n.stage = "waiting"
    n.retry_at = now + _backoff(n.id, n.attempt, retry_after)
    n.body = n.body if n.key_id is None else None  # from the key as it stands by then
    come_back(state, n)
    emit(state, n, "scheduled", now, reason="retry", detail=detail, attempt=n.attempt + 1)
    enqueue(state, n, now)
    reoffer(state, (n.tenant, n.to or ""), now)


def _is_over(state: State, n: Notification, now: float) -> bool:
    """Not to be begun again: a cancellation that came meanwhile wins, and what is of no use any more is skipped."""
    if n.cancel is not None:
        finish(state, n, "cancelled", now, reason=n.cancel)
    elif now >= n.deadline:
        finish(state, n, "skipped", now, reason="expired")
    return n.stage == "final"


def _backoff(notification_id: str, attempt: int, retry_after: float | None) -> float:
    """Exponential with jitter; the jitter is drawn from the id, so that every restart computes the same."""
    exponential = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(attempt - 1, 10))
    digest = blake2b(f"{notification_id}:{attempt}".encode(), digest_size=4).digest()
    jittered = exponential * (0.5 + int.from_bytes(digest, "big") / 2**33)
    return max(jittered, retry_after or 0.0)


def reject(state: State, n: Notification, result: Rejected, now: float) -> None:
    n.error_code, n.error_class = result.error_code, result.error_class
    if result.error_class in ("hold_account", "hold_sender"):
        if n.cancel is not None:
            finish(state, n, "cancelled", now, reason=n.cancel)
        else:
            refused(state, n, result, now)
        return
    if result.error_class == "suppressed":
        remember_refusal(state, n, now)
    got_through(state, n, now)
    finish(state, n, "failed", now, reason=result.error_class, detail=result.detail)


def congestion(result: SendResult) -> tuple[bool, bool]:
    """What an answer says of the account's limit: (a 429, an acceptance)."""
    return isinstance(result, NotSent) and result.congested, isinstance(result, Accepted)
