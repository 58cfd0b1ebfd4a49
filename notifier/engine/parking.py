"""What a person decides on a parked notification, and evidence that comes after it was parked (contract section 6).

A resend is looked for once more, is refused where there is evidence, and else begins a new notification whose `cause`
names the old one. The wish is kept in the ledger until it is carried out.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from notifier.domain.answers import MessageMatch
from notifier.domain.compiling import WORKFLOW_EXPIRY
from notifier.domain.identifiers import notification_id
from notifier.domain.outcomes import Cause
from notifier.engine.arriving import arrive, wait
from notifier.engine.doubts import LOOK_AGAIN, look
from notifier.engine.emitting import emit_resolved
from notifier.engine.entities import KeyState, Notification
from notifier.engine.evidence import unclaimed
from notifier.engine.placing import decide_again
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
    """What was created when its last POST could not be under way any more is another one's."""
    if n.resend_asked and is_parked(n, now):
        look(state, n, n.attempt_at or n.accepted, until=(n.final_at or now) + state.config.quarantine)


def looked_once_more(state: State, n: Notification, matches: tuple[MessageMatch, ...] | None, now: float) -> None:
    if not n.resend_asked or not is_parked(n, now):
        return
    if matches is None:
        state.timers.at(now + LOOK_AGAIN, "resend", n.id)
        return
    match = unclaimed(state, n, tuple(match for match in matches if match.sid not in n.others))
    if match is not None:
        resolve(state, n, "list", match.sid, match.status, now)
    else:
        _send_again(state, n, now)


def resolve(
    state: State, n: Notification, evidence: Literal["callback", "list"], sid: str, status: str, now: float
) -> None:
    """It had been created after all: nobody needs to decide on it any more."""
    n.sid, n.provider_status = sid, status
    state.by_sid[sid] = n.id
    emit_resolved(state, n, evidence, now)
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
        known = state.keys.get(key_key(old.tenant, old.key_id or ""))
        new = replace(
            old, id=new_id, key_id=old.key_id if known is not None else None, accepted=now, due=now, retry_at=0.0,
            deadline=now + WORKFLOW_EXPIRY[old.class_], stage="waiting", hold=None, status=None, seq=0, attempt=0,
            poster=None, attempt_at=None, answer=None, cancel=None, cause=Cause(notification=old.id), run_ended=True,
            error_code=None, error_class=None, final_at=None, parked_until=None, parked_reason=None,
            resend_asked=False, others=[], outcomes=[],
        )  # fmt: skip
        arrive(state, new)
        if known is None:
            wait(state, new, now)
        else:
            _send_again_of_key(state, known, old, new, now)
    _close(state, old)


def _send_again_of_key(state: State, known: KeyState, old: Notification, new: Notification, now: float) -> None:
    told = known.told.get(new.person)
    if told is not None and told.first == old.id:
        told.first = new.id  # now this one is to be the person's first message
        touch(state, key_key(new.tenant, known.key.id), bound=True)
    tenant = state.catalog.tenants.get(new.tenant)
    if tenant is not None:
        decide_again(state, tenant, known, new, now)
