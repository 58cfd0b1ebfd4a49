"""The end of a notification: one terminal outcome, the run behind it, and nothing kept that is not needed any more."""

from __future__ import annotations

from notifier.domain.channel_rules import SHARE_RULE
from notifier.domain.identifiers import identity_of
from notifier.domain.outcomes import Status
from notifier.engine.emitting import emit, emit_run
from notifier.engine.entities import EventNote, KeyState, Notification, Run, Shared
from notifier.engine.evidence import is_kept, keep_for_doubts, no_longer_doubted
from notifier.engine.lanes import free_lane
from notifier.engine.remembering import remove, retire
from notifier.engine.state import State
from notifier.engine.table import entity, key_key, touch

_RETIRING = ("n/", "r/", "e/")
WENT_OUT = frozenset({"delivered", "unconfirmed", "undelivered", "delegated"})


def finish(
    state: State, n: Notification, status: Status, now: float, *, reason: str | None = None, detail: str | None = None
) -> None:
    """Give `n` its terminal outcome; body and number go, unless a person may still decide on it."""
    emit(state, n, status, now, reason=reason, detail=detail, bound=True)
    n.stage, n.hold, n.doubt, n.cancel = "final", None, None, None
    for index in (state.intending, state.polls, state.settling):
        index.pop(n.id, None)
    _end_run(state, n, status, reason, now)
    if n.key_id is not None:
        mark_told(state, n, went_out=n.handed_over is not None or status in WENT_OUT)
    keep_for_doubts(state, n)
    doubt_over(state, n, now)
    free_lane(state, n, now)
    if status == "parked" and not n.forgotten:
        n.parked_until, n.parked_reason = now + state.config.parked_for, reason
        state.timers.at(n.parked_until, "unpark", n.id)
        return
    n.body = None


def doubt_over(state: State, n: Notification, now: float) -> None:
    """The notifications that were kept to tell their messages from this one's may be forgotten."""
    for notification_id in no_longer_doubted(state, n):
        retire_when_done(state, "n/" + notification_id, now)


def mark_told(state: State, n: Notification, *, went_out: bool) -> None:
    """Who got no first message, on no channel, is not told of a changed door code (seed A10)."""
    key = key_key(n.tenant, n.key_id or "")
    known = state.keys.get(key)
    if known is None:
        return
    if n.rule == SHARE_RULE and not went_out and n.status != "parked":  # nobody knows that
        _unshare(state, key, known, n)
    told = known.told.get(n.person)
    if n.rule != "key_is_ready" or told is None:
        return
    before = told.silent, told.mailed
    if n.channel == "email":
        told.mailed = told.mailed or went_out
    if told.first == n.id:
        told.silent = not went_out
    told.silent = told.silent and not told.mailed
    if (told.silent, told.mailed) != before:
        touch(state, key, bound=True)


def _unshare(state: State, key: str, known: KeyState, n: Notification) -> None:
    """Nobody got it: staff may share again at once. Whom an earlier share told there is told of a changed code."""
    for destination, shared in tuple(known.shared.items()):
        if shared.notification == n.id:
            del known.shared[destination]
            if shared.told is not None:
                known.shared[destination] = Shared(at=0.0, notification="", person=shared.told)
            touch(state, key, bound=True)


def end_run_as_accepted(state: State, n: Notification, now: float) -> None:
    """The sendSMS step ends when Twilio has the text (contract section 6)."""
    _end_run(state, n, "accepted", None, now)


def _end_run(state: State, n: Notification, status: Status, reason: str | None, now: float) -> None:
    if n.workflow is None or n.run_ended:
        return
    n.run_ended = True
    match status:
        case "failed" | "undelivered" | "parked":
            ending = "failed"
        case "cancelled":
            ending = "cancelled"
        case _:
            ending, reason = "completed", None
    emit_run(
        state, n.workflow, n.event, n.tenant, now, ending=ending, reason=reason, inbox=n.inbox,
        traceparent=n.traceparent,
    )  # fmt: skip


def retire_when_done(state: State, key: str, now: float) -> None:
    """Nothing is needed of this entity any more: its identity goes into a page, then it is tombstoned (rule 6)."""
    if not key.startswith(_RETIRING) or (key.startswith("n/") and state.notifications.stage(key[2:]) != "final"):
        return  # without unpacking what lives on
    match value := entity(state, key):
        case Notification():
            parked = value.status == "parked" and (value.parked_until or 0.0) > now
            if not value.outcomes and not parked and not is_kept(state, value):
                retire(state, key, identity_of(value.event), now)
        case Run() if not value.outcomes:
            if _identity_carried(state, value):
                remove(state, key)
            else:
                retire(state, key, identity_of(value.event), now)
        case EventNote() if not value.outcomes:
            retire(state, key, bytes.fromhex(value.identity), now)


def _identity_carried(state: State, run: Run) -> bool:
    """Another entity of the same event is alive and remembers it."""
    return state.identities.live.get(identity_of(run.event), 0) > 1
