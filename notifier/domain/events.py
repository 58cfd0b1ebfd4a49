"""Events as they lie in `notifier.inbox`: validated, tenant found, source position carried along.

Rules: a struct here is what the producers' contract (contract.md section 4) says, no more; unknown fields are ignored,
times keep their offset. Nothing in this file reads a clock or decides anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Platform = Literal["pms", "care"]

Name = Annotated[str, msgspec.Meta(min_length=1)]
AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]
Version = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]

PMS_EVENT_TYPES = frozenset(
    {
        "key.ready",
        "key.updated",
        "doorcode.changed",
        "key.revoked",
        "reservation.checked_in",
        "reservation.cancelled",
        "credentials.shared",
    }
)


class EventRef(msgspec.Struct, frozen=True, rename="camel"):
    """How an outcome names the event that caused it; `(source, id)` is the event's identity."""

    id: str
    source: str
    type: str


class SourcePosition(msgspec.Struct, frozen=True):
    """Where a record stood in its source topic; `timestamp` is Kafka's, in milliseconds.

    `partition` is its number and, behind an @, the id of the topic where the brokers tell one: a topic that was made
    anew has other partitions than the old one. `incarnation` is 0 until ingest saw that without an id (the partition
    shrank), then the time of that discovery.
    """

    topic: str
    partition: str
    offset: int
    timestamp: int
    incarnation: int = 0


class InboxEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The value of an inbox record. `data` are the producer's own bytes, already validated by ingest."""

    id: str
    source: str
    type: str
    platform: Platform
    tenant: str
    data: msgspec.Raw
    time: AwareTime | None = None
    subject: str | None = None
    traceparent: str | None = None
    configOffset: int = 0  # the configuration that ingest knew; the engine waits until it knows as much

    @property
    def ref(self) -> EventRef:
        return EventRef(self.id, self.source, self.type)


class Person(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One holder of a key; without `id` the position in the list identifies the person."""

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None


class Credentials(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    door_code: str | None = None
    magic_link: str | None = None


class Reservation(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    id: Name
    status: Literal["reserved", "in_house", "checked_out", "cancelled", "no_show"]
    reference_number: str | None = None
    checked_in_at: AwareTime | None = None
    check_in_method: Literal["front_desk", "online"] | None = None


class Key(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A PMS key, always whole, as it now stands (contract 4.1)."""

    id: Name
    version: Version
    origin: Literal["pms", "manual"]
    status: Literal["upcoming", "active", "past", "revoked"]
    starts_at: AwareTime
    ends_at: AwareTime
    persons: tuple[Person, ...]
    credentials: Credentials = Credentials()
    space_name: str | None = None
    doors: tuple[str, ...] = ()
    reservation: Reservation | None = None

    @property
    def has_credential(self) -> bool:
        """A door code or a magic link is allocated."""
        return bool(self.credentials.door_code or self.credentials.magic_link)


class Share(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What staff chose when they pressed Share Credential."""

    channel: Literal["sms", "email"]
    destination: Name
    staff_id: Name
    alternative: bool = False
    person_id: str | None = None


class KeyData(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of every PMS event."""

    key: Key
    share: Share | None = None


class ConsentData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`data` of `consent.given` and `consent.withdrawn` on the care topic (contract section 5)."""

    phone: Name
    source: Name
    at: AwareTime
    wording: str | None = None
