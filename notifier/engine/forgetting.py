"""`notifier forget`: what is stored of one number is erased; that the person wants no texts stays, as a keyed hash.

The wish stands in the ledger until it is carried out, which goes on a batch's worth at a time, so that a tenant with a
hundred thousand keys delays nobody. What waits is cancelled. What Twilio may have is followed to its end and goes then;
what is in doubt is not repeated.
"""

from __future__ import annotations

from msgspec.structs import replace

from notifier.domain.events import Person
from notifier.domain.phone_numbers import hash_number, normalise
from notifier.engine.entities import Forgetting, KeyState, OptOut
from notifier.engine.finishing import finish
from notifier.engine.ledger import has_room
from notifier.engine.parking import drop, is_parked
from notifier.engine.preparing import person_name
from notifier.engine.refusals import ANY_SENDER, keep_refusal
from notifier.engine.state import State
from notifier.engine.table import consent_key, forgetting_key, key_key, opt_out_key, opt_out_parts, touch

FORGOTTEN = "forgotten"
AT_ONCE = 100  # some 10 ms
_TELLING_DIGITS = 4  # of a number, looked for before anything is parsed


def forget(state: State, tenant: str, number: str) -> None:
    """Note the wish, and begin."""
    key = forgetting_key(tenant, number)
    if key not in state.forgetting:
        state.forgetting[key] = Forgetting(tenant=tenant, phone=number)
        touch(state, key, bound=True)
        begin(state, key)


def begin(state: State, key: str) -> None:
    """Put down what has to be looked at; the refusals come last, with the end of the wish."""
    tenant = state.forgetting[key].tenant
    state.to_forget.extend((key, "n/" + name) for name in state.by_tenant.get(tenant, ()))
    prefix = key_key(tenant, "")
    state.to_forget.extend((key, name) for name in state.keys.names() if name.startswith(prefix))
    state.to_forget.append((key, ""))


def goes_on(state: State) -> bool:
    """There is more to look at, and room for what that writes."""
    return bool(state.to_forget) and has_room(state) and not state.ledger.draining


def go_on(state: State, now: float) -> None:
    for _ in range(AT_ONCE):
        if not goes_on(state):
            return
        key, name = state.to_forget.popleft()
        wish = state.forgetting[key]
        if name.startswith("n/"):
            _forget_notification(state, name[2:], wish.phone, now)
        elif name:
            _forget_in_key(state, name, wish.phone)
        else:
            _keep_refusals_hashed(state, wish.tenant, wish.phone)
            del state.forgetting[key]
            touch(state, key, bound=True)
        state.rest()


def _forget_notification(state: State, notification_id: str, number: str, now: float) -> None:
    n = state.notifications.get(notification_id)
    if n is None or n.to != number:
        return
    if n.stage in ("held", "waiting"):
        finish(state, n, "cancelled", now, reason="cancelled_by_event", detail=FORGOTTEN)
    elif is_parked(n, now):
        drop(state, n.id, now)
    elif n.stage != "final":
        n.forgotten = True
        n.cancel = "cancelled_by_event" if n.stage != "handed" else None
        touch(state, "n/" + n.id, bound=True)


def _forget_in_key(state: State, name: str, number: str) -> None:
    known = state.keys.get(name)
    if known is None:
        return
    tenant = state.catalog.tenants.get(known.tenant)
    region = tenant.document.default_region if tenant is not None else None
    persons = known.key.persons
    gone = {person_name(one, place) for place, one in enumerate(persons) if _has_number(one, number, region)}
    left = {
        destination: shared
        for destination, shared in known.shared.items()
        if destination != number and not gone.intersection((shared.person, shared.told))
    }
    if gone or len(left) < len(known.shared):
        known.shared = left
        known.key = replace(known.key, persons=_without(known, gone))
        touch(state, name, bound=True)


def _has_number(person: Person, number: str, region: str | None) -> bool:
    digits = "".join(filter(str.isdigit, person.phone or ""))
    return number[-_TELLING_DIGITS:] in digits and normalise(person.phone or "", region) == number


def _without(known: KeyState, gone: set[str]) -> tuple[Person, ...]:
    return tuple(
        Person(id=person.id) if person_name(person, position) in gone else person
        for position, person in enumerate(known.key.persons)
    )


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
        withdrawn = OptOut(at=consent.at, source="consent.withdrawn")
        keep_refusal(state, opt_out_key(tenant, ANY_SENDER, hashed), withdrawn)
    for name, refusal in [item for item in state.opt_outs.items() if item[0].endswith(f"/{number}")]:
        of, sender, _ = opt_out_parts(name)
        if of == tenant:
            del state.opt_outs[name]
            touch(state, name, bound=True)
            keep_refusal(state, opt_out_key(tenant, sender, hashed), refusal)
