"""What a person decides on a parked notification, and evidence that comes after it was parked (contract section 6).

A resend is looked for once more, is refused where there is evidence, and else begins a new notification whose `cause`
names the old one. The wish is kept in the ledger until it is carried out.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from notifier.domain.answers import MessageMatch
from notifier.domain.compiling import WORKFLOW_EXPIRY
from notifier.domain.failures import classify_delivery
from notifier.domain.identifiers import notification_id
from notifier.domain.outcomes import Cause
from notifier.engine.arriving import arrive, expires, skip, wait
from notifier.engine.doubts import LOOK_AGAIN, look
from notifier.engine.emitting import emit_resolved
from notifier.engine.entities import KeyState, Notification
from notifier.engine.evidence import keep_for_doubts, unclaimed
from notifier.engine.finishing import finish, mark_told
from notifier.engine.placing import decide_again
from notifier.engine.refusals import remember_refusal
from notifier.engine.state import State
from notifier.engine.table import key_key, touch


def is_parked(n: Notification, now: float) -> bool:
    """A person may still decide on it."""
    return n.status == "parked" and (n.parked_until or 0.0) > now


def ask_resend(state: State, notification_id: str, now: float) -> None:
    """`notifier parked resend`. What is not parked any more is left as it is."""
    n = state.notifications.get(notification_id)
    if n is not None and is_parked(n, now) and not n.resend_asked:
        n.resend_asked = True
        touch(state, "n/" + n.id, bound=True)
        look_once_more(state, n, now)


def look_once_more(state: State, n: Notification, now: float) -> None:
    """The list is believed when it had the time to show the message. What was created when its last POST could not be
    under way any more is another one's."""
    if not n.resend_asked or not is_parked(n, now):
        return
    believed = _list_is_believed(state, n)
    if now < believed:
        state.timers.at(believed, "resend", n.id)
    else:
        look(state, n, n.attempt_at or n.accepted, until=(n.final_at or now) + state.config.quarantine)


def _list_is_believed(state: State, n: Notification) -> float:
    return (n.attempt_at or n.accepted) + state.config.list_lag


def looked_once_more(state: State, n: Notification, matches: tuple[MessageMatch, ...] | None, now: float) -> None:
    if not n.resend_asked or not is_parked(n, now) or now < _list_is_believed(state, n):
        return
    if matches is None:
        state.timers.at(now + LOOK_AGAIN, "resend", n.id)
        return
    match = unclaimed(state, n, tuple(match for match in matches if match.sid not in n.others))
    if match is not None:
        resolve(state, n, "list", match, now)
    else:
        _send_again(state, n, now)


def resolve(
    state: State, n: Notification, evidence: Literal["callback", "list"], shown: MessageMatch, now: float
) -> None:
    """It had been created after all: nobody needs to decide on it any more, and its person was told."""
    n.sid, n.provider_status = shown.sid, shown.status
    state.by_sid[shown.sid] = n.id
    failed = shown.status in ("failed", "undelivered")
    if failed and classify_delivery(shown.status, shown.error_code) == "suppressed":
        remember_refusal(state, n, now)
    emit_resolved(state, n, evidence, now)
    keep_for_doubts(state, n)
    if n.key_id is not None:
        mark_told(state, n, went_out=not failed)
    _close(state, n)


def drop(state: State, notification_id: str, now: float) -> None:
    """`notifier parked drop`: nobody will send it again."""
    n = state.notifications.get(notification_id)
    if n is not None and is_parked(n, now):
        _close(state, n)


def _close(state: State, n: Notification) -> None:
    n.parked_until, n.resend_asked, n.body = None, False, None
    touch(state, "n/" + n.id, bound=True)


def _send_again(state: State, old: Notification, now: float) -> None:
    """A new notification with the old one's text; that of a key is rendered anew from the key as it stands."""
    new_id = notification_id(old.tenant, old.event.source, old.event.id, f"resend/{old.id}", old.person, old.channel)
    if new_id not in state.notifications:
        new = replace(
            old, id=new_id, accepted=now, due=now, retry_at=0.0, stage="waiting", hold=None, status=None, seq=0,
            attempt=0, poster=None, attempt_at=None, answer=None, cancel=None, cause=Cause(notification=old.id),
            run_ended=True, error_code=None, error_class=None, final_at=None, parked_until=None, parked_reason=None,
            resend_asked=False, others=[], outcomes=[],
        )  # fmt: skip
        arrive(state, new)
        expires(state, new, now + WORKFLOW_EXPIRY[old.class_])
        _begin(state, old, new, now)
    _close(state, old)


def _begin(state: State, old: Notification, new: Notification, now: float) -> None:
    """As things stand by now."""
    tenant = state.catalog.tenants.get(new.tenant)
    known = state.keys.get(key_key(new.tenant, new.key_id or ""))
    if tenant is None:
        finish(state, new, "cancelled", now, reason="tenant_removed")
    elif new.workflow is not None and not tenant.runs(new.workflow.name):
        finish(state, new, "cancelled", now, reason="workflow_removed")
    elif new.workflow is not None and not tenant.document.live:
        skip(state, new, "not_live", now)
    elif new.workflow is not None:
        wait(state, new, now)
    elif known is None:
        skip(state, new, "key_not_active", now)
    else:
        _take_its_place(state, known, old, new, now)
        decide_again(state, tenant, known, new, now)


def _take_its_place(state: State, known: KeyState, old: Notification, new: Notification, now: float) -> None:
    """The key remembers the new one where it remembered the old one."""
    told = known.told.get(new.person)
    if told is not None and told.first == old.id:
        told.first = new.id
    for shared in known.shared.values():
        if shared.notification == old.id:
            shared.notification, shared.at = new.id, max(now, shared.at)
    touch(state, key_key(new.tenant, known.key.id), bound=True)
