"""Share Credential: what staff send by hand, to whom they choose (seed-systems.md 1.10, A16 to A18).

A share is an act, not a state of the key: it is carried out on the newest key that is known, whatever version it came
with. The toggles do not block it, and automatic messages neither count for its limit nor are blocked by it.
"""

from __future__ import annotations

from notifier.domain.catalog import TenantConfig
from notifier.domain.channel_rules import (
    SHARE_INTERVAL,
    SHARE_RULE,
    decide_share,
    destination_of,
    sharer_of,
)
from notifier.domain.events import InboxEvent, Share
from notifier.domain.identifiers import notification_id
from notifier.domain.outcomes import Cause, TemplateRef
from notifier.engine.arriving import address, arrive, event_time, skip
from notifier.engine.emitting import rfc3339
from notifier.engine.entities import KeyState, Notification, Shared
from notifier.engine.finishing import finish
from notifier.engine.placing import place
from notifier.engine.preparing import person_name
from notifier.engine.state import State

MOST_REMEMBERED = 100  # destinations of a key
LONGEST_NAME = 256  # characters of a person's id that is remembered with each of them
_FORMS = {"sms": "phone number", "email": "e-mail address"}


def share(
    state: State, tenant: TenantConfig, known: KeyState, event: InboxEvent, wish: Share, *, inbox: int, order: int,
    now: float,
) -> None:  # fmt: skip
    """Begin the notification that staff asked for, or say why not."""
    destination = destination_of(tenant, wish)
    number = destination if wish.channel == "sms" else None
    part = decide_share(tenant, known.key, wish.channel, number, now, alternative=wish.alternative)
    found = sharer_of(tenant, known.key, wish)
    name = wish.person_id or "" if found is None else person_name(found[1], found[0])
    n = Notification(
        id=notification_id(tenant.name, event.source, event.id, SHARE_RULE, name, wish.channel), tenant=tenant.name,
        event=event.ref, inbox=inbox, order=order, accepted=now, event_time=event_time(event),
        traceparent=event.traceparent, key_id=known.key.id, rule=SHARE_RULE, person=name,
        person_id=wish.person_id if found is None else found[1].id, alternative=wish.alternative, channel=wish.channel,
        class_=part.template.class_ if part.template else "code",
        template=TemplateRef(part.template.name, part.template.version) if part.template else None,
        due=now,
    )  # fmt: skip
    arrive(state, n)
    address(state, n, number)
    if destination is None:
        skip(state, n, "invalid_recipient", now, f"data.share.destination: is no {_FORMS[wish.channel]}")
        return
    pressed = event.time.timestamp() if event.time is not None else now
    before = known.shared.get(destination)
    if before is not None and abs(pressed - before.at) < SHARE_INTERVAL:
        skip(state, n, "rate_limited", now, f"again from {rfc3339(before.at + SHARE_INTERVAL)}")
        return
    on_file = found is not None and not wish.alternative and len(name) <= LONGEST_NAME
    shared = Shared(at=pressed, notification=n.id, person=name if on_file else None)
    if before is not None:
        shared.at, shared.told = max(pressed, before.at), before.person or before.told
        _supersede(state, before.notification, event, now)
    _remember(known, destination, shared)
    place(state, tenant, known, n, part, now)


def _supersede(state: State, notification_id: str, event: InboxEvent, now: float) -> None:
    """Staff pressed again while the former text still waits to be begun: one is enough."""
    n = state.notifications.get(notification_id)
    if n is not None and n.stage in ("held", "waiting") and n.attempt == 0:
        n.cause = Cause(event=event.ref)
        finish(state, n, "cancelled", now, reason="superseded")


def _remember(known: KeyState, destination: str, shared: Shared) -> None:
    known.shared.pop(destination, None)
    known.shared[destination] = shared
    if len(known.shared) > MOST_REMEMBERED:
        del known.shared[next(iter(known.shared))]


def was_shared_with(known: KeyState, person: str) -> bool:
    """Staff told this person: a first message went out, or is on its way (seed A10)."""
    return any(person in (shared.person, shared.told) for shared in known.shared.values())
