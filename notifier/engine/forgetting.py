"""`notifier forget`: what is stored of one number is erased; that the person wants no texts stays, as a keyed hash.

What waits is cancelled. What Twilio may have is followed to its end and goes then; what is in doubt is not repeated.
"""

from __future__ import annotations

from msgspec.structs import replace

from notifier.domain.events import Person
from notifier.domain.phone_numbers import hash_number, normalise
from notifier.engine.entities import KeyState, OptOut
from notifier.engine.finishing import finish
from notifier.engine.parking import drop, is_parked
from notifier.engine.preparing import ANY_SENDER
from notifier.engine.state import State
from notifier.engine.table import consent_key, opt_out_key, opt_out_parts, touch

FORGOTTEN = "forgotten"


def forget(state: State, tenant: str, number: str, now: float) -> None:
    for notification_id in tuple(state.by_tenant.get(tenant, ())):
        _forget_notification(state, notification_id, number, now)
        state.rest()
    for name in [name for name in state.keys.names() if name.startswith(f"k/{tenant}/")]:
        known = state.keys.get(name)
        if known is not None and _forget_in_key(state, known, number):
            touch(state, name, bound=True)
        state.rest()
    _keep_refusals_hashed(state, tenant, number)


def _forget_notification(state: State, notification_id: str, number: str, now: float) -> None:
    n = state.notifications.get(notification_id)
    if n is None or n.to != number:
        return
    if n.stage in ("held", "waiting"):
        finish(state, n, "cancelled", now, reason="cancelled_by_event", detail=FORGOTTEN)
    elif n.stage in ("sending", "doubt"):
        n.cancel = "cancelled_by_event"
        touch(state, "n/" + n.id, bound=True)
    elif is_parked(n, now):
        drop(state, n.id, now)


def _forget_in_key(state: State, known: KeyState, number: str) -> bool:
    tenant = state.catalog.tenants.get(known.tenant)
    region = tenant.document.default_region if tenant is not None else None
    gone = [normalise(person.phone or "", region) == number for person in known.key.persons]
    shared = known.shared.pop(number, None)
    if not any(gone):
        return shared is not None
    persons = tuple(
        Person(id=person.id) if forgotten else person for person, forgotten in zip(known.key.persons, gone, strict=True)
    )
    known.key = replace(known.key, persons=persons)
    return True


def _keep_refusals_hashed(state: State, tenant: str, number: str) -> None:
    """Without a key for the hash they stay as they are: to forget a refusal would be worse."""
    hashed = hash_number(number, state.config.hash_key) if state.config.hash_key else None
    name = consent_key(tenant, number)
    consent = state.consents.get(name)
    if consent is not None and (consent.given or hashed is not None):
        del state.consents[name]
        touch(state, name, bound=True)
    if hashed is None:
        return
    if consent is not None and not consent.given:
        _keep(state, opt_out_key(tenant, ANY_SENDER, hashed), OptOut(at=consent.at, source="consent.withdrawn"))
    for name, opt_out in [item for item in state.opt_outs.items() if item[0].endswith(f"/{number}")]:
        of, sender, _ = opt_out_parts(name)
        if of == tenant:
            del state.opt_outs[name]
            touch(state, name, bound=True)
            _keep(state, opt_out_key(tenant, sender, hashed), opt_out)


def _keep(state: State, name: str, opt_out: OptOut) -> None:
    state.opt_outs[name] = opt_out
    touch(state, name, bound=True)
