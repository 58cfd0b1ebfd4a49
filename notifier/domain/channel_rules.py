"""Who is told of a key, by which channel: the decision table of seed-systems.md 4.1.1, as data.

Rules: the first row that fits decides; the checks around the table run in its order (live, toggles, key active, table,
credential). A part that is held or skipped keeps the channel that the table gave it, so that it stays the same
notification when it is decided again. Which reason: contract section 6.
"""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, datetime
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from notifier.domain.catalog import BUILTIN_TEMPLATES, ConnectionConfig, TemplateConfig, TenantConfig
from notifier.domain.events import Key, Person, Share
from notifier.domain.outcomes import Channel
from notifier.domain.phone_numbers import normalise

Action = Literal["send", "delegate", "skip", "hold"]
Phone = Literal["valid", "invalid", "none"]
Result = Literal[
    "email", "own_sms", "builtin_sms",
    "no_contact", "no_phone", "invalid_recipient", "sms_disabled", "notifications_disabled",
]  # fmt: skip

SHARE_RULE = "credentials_shared"  # what staff send by hand; its text is that of key_is_ready (seed A16)
SHARE_INTERVAL = 180.0  # seconds per key and destination (seed A17)
LONGEST_ADDRESS = 254  # characters (RFC 5321)

_EMAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One notification of a person. `to`: E.164, wherever it is known. `reason`: None for `send` alone."""

    channel: Channel
    action: Action
    reason: str | None = None
    to: str | None = None
    connection: ConnectionConfig | None = None
    template: TemplateConfig | None = None


class Decision(msgspec.Struct, frozen=True):
    """One part; under policy `both` two for a person who has both contacts, the e-mail first."""

    parts: tuple[Part, ...]


class Situation(msgspec.Struct, frozen=True):
    """What the table asks. `connected`: the tenant has a Connection of its own."""

    email_toggle: bool
    sms_toggle: bool
    has_email: bool
    phone: Phone
    connected: bool


class Row(msgspec.Struct, frozen=True):
    """None in a column means any."""

    email_toggle: bool | None
    sms_toggle: bool | None
    has_email: bool | None
    phone: Phone | None
    connected: bool | None
    result: Result


# seed-systems.md 4.1.1, with contract section 6 for a phone that is no number.
TABLE = (
    # e-mail on, SMS on, has e-mail, phone, own connection -> result
    Row(True, None, True, None, None, "email"),
    Row(True, True, False, "valid", True, "own_sms"),
    Row(True, True, False, "valid", False, "builtin_sms"),
    Row(True, True, False, "invalid", None, "invalid_recipient"),
    Row(True, True, False, "none", None, "no_contact"),
    Row(True, False, False, None, None, "sms_disabled"),
    Row(False, True, None, "valid", True, "own_sms"),
    Row(False, True, None, "valid", False, "builtin_sms"),
    Row(False, True, None, "invalid", None, "invalid_recipient"),
    Row(False, True, None, "none", None, "no_phone"),
    Row(False, False, None, None, None, "notifications_disabled"),
)


def decide(tenant: TenantConfig, key: Key, person: Person, template_name: str, now: float) -> Decision:
    """What is to be done for one person of a key, now (wall time in seconds)."""
    number = normalise(person.phone or "", tenant.document.default_region)
    results = _results(tenant, person, number)
    parts = tuple([_part(result, tenant, number, template_name) for result in results])
    if not tenant.document.live:
        return Decision(tuple(replace(part, action="hold", reason="not_live") for part in parts))
    if results == ("notifications_disabled",):
        return Decision(parts)
    if not is_active(key, now):
        return Decision(tuple(replace(part, action="skip", reason="key_not_active") for part in parts))
    return Decision(tuple([part if part.action != "send" else _ready(part, key) for part in parts]))


def decide_share(
    tenant: TenantConfig, key: Key, channel: Channel, to: str | None, now: float, *, alternative: bool
) -> Part:
    """What is to be done when staff share a credential; `to`: E.164, for SMS.

    Toggles govern automatic messages only (seed A18), and a guest with an e-mail address gets an SMS when staff choose
    it. Without a credential only an alternative destination is served (seed A16); another waits for the credential.
    """
    if channel == "email":
        part = Part(channel="email", action="delegate", reason="shared_by_email")
    else:
        part = _part("own_sms" if tenant.connection is not None else "builtin_sms", tenant, to, "key_is_ready")
    if not tenant.document.live:
        return replace(part, action="hold", reason="not_live")
    if not is_active(key, now):
        return replace(part, action="skip", reason="key_not_active")
    return part if part.action != "send" else _ready(part, key, without_credential=alternative)


def destination_of(tenant: TenantConfig, share: Share) -> str | None:
    """An E.164 number or a lower-case e-mail address; None for what is neither."""
    if share.channel == "sms":
        return normalise(share.destination, tenant.document.default_region)
    address = share.destination.strip().lower()
    return address if len(address) <= LONGEST_ADDRESS and _EMAIL_ADDRESS.fullmatch(address) else None


def sharer_of(tenant: TenantConfig, key: Key, share: Share) -> tuple[int, Person] | None:
    """The person of the key whom a share is for, with its position: the one that staff named, else the one who has
    that destination on file, else the only one."""
    for position, person in enumerate(key.persons):
        if share.person_id is not None:
            if person.id == share.person_id:
                return position, person
        elif not share.alternative and destination_of(tenant, share) in _destinations(tenant, person):
            return position, person
    return (0, key.persons[0]) if share.person_id is None and len(key.persons) == 1 else None


def _destinations(tenant: TenantConfig, person: Person) -> tuple[str | None, str | None]:
    number = normalise(person.phone or "", tenant.document.default_region)
    return number, (person.email or "").strip().lower() or None


def is_active(key: Key, now: float) -> bool:
    """Neither withdrawn nor over, and its guest is expected."""
    if key.status in ("past", "revoked") or key.ends_at.timestamp() <= now:
        return False
    return key.reservation is None or key.reservation.status not in ("cancelled", "no_show")


@cache
def find_row(situation: Situation) -> Row:
    """The first row that fits; the table leaves no situation out."""
    return next(row for row in TABLE if _fits(row, situation))


def _fits(row: Row, situation: Situation) -> bool:
    return (
        row.email_toggle in (None, situation.email_toggle)
        and row.sms_toggle in (None, situation.sms_toggle)
        and row.has_email in (None, situation.has_email)
        and row.phone in (None, situation.phone)
        and row.connected in (None, situation.connected)
    )


def _results(tenant: TenantConfig, person: Person, number: str | None) -> tuple[Result, ...]:
    channels = tenant.document.channels
    given = (person.phone or "").strip()
    phone: Phone = "valid" if number is not None else "invalid" if given else "none"
    situation = Situation(
        email_toggle=channels.email,
        sms_toggle=channels.sms,
        has_email=_EMAIL_ADDRESS.fullmatch((person.email or "").strip()) is not None,
        phone=phone,
        connected=tenant.connection is not None,
    )
    result = find_row(situation).result
    if result == "email" and channels.policy == "both" and channels.sms and phone != "none":
        return result, find_row(replace(situation, email_toggle=False)).result
    return (result,)


def _part(result: Result, tenant: TenantConfig, number: str | None, template_name: str) -> Part:
    match result:
        case "email":
            return Part(channel="email", action="delegate", reason=tenant.document.channels.policy)
        case "own_sms":
            own = tenant.templates.get(template_name) or BUILTIN_TEMPLATES.get(template_name)
            return Part(channel="sms", action="send", to=number, connection=tenant.connection, template=own)
        case "builtin_sms":  # seed A4: the tenant's own templates belong to its own connection
            default = BUILTIN_TEMPLATES.get(template_name)
            return Part(channel="sms", action="send", to=number, connection=tenant.builtin, template=default)
    return Part(channel="sms", action="skip", reason=result, to=number)


def _ready(part: Part, key: Key, *, without_credential: bool = False) -> Part:
    """What else a text needs. It waits for its credential first: a missing sender may be there by then."""
    if not key.has_credential and not without_credential:
        return replace(part, action="hold", reason="awaiting_credential")
    if part.template is None:
        return replace(part, action="skip", reason="no_template")
    if part.connection is None:
        return replace(part, action="skip", reason="sms_provider_not_connected")
    if not part.connection.senders:
        return replace(part, action="skip", reason="no_sender")
    return part


def variables(tenant: TenantConfig, key: Key, person: Person) -> dict[str, str]:
    """What the key templates may use; a value that is absent is empty.

    Reference, dates and space are filled only for a stay that came through a PMS (seed-systems.md A15). Dates stand in
    the tenant's zone and form.
    """
    stay = key.reservation if key.origin == "pms" else None
    link, form = (key.credentials.magic_link or "").strip(), tenant.document.date_time_format
    return {
        "firstName": (person.first_name or "").strip(),
        "lastName": (person.last_name or "").strip(),
        "propertyName": tenant.document.name,
        "startDate": _local(key.starts_at, tenant.zone, form) if stay else "",
        "endDate": _local(key.ends_at, tenant.zone, form) if stay else "",
        "referenceNumber": (stay.reference_number or "").strip() if stay else "",
        "spaceName": (key.space_name or "").strip() if stay else "",
        "doorCode": (key.credentials.door_code or "").strip(),
        "magicLink": link,
        "appLink": link,
    }


def _local(moment: datetime, zone: ZoneInfo, form: str) -> str:
    if not MINYEAR < moment.year < MAXYEAR:
        return ""  # "no end" written as the last day of the calendar: a zone could carry it over the edge
    return _written(moment, zone, form)


@lru_cache(maxsize=4096)  # guests of one house come and go at the same hours
def _written(moment: datetime, zone: ZoneInfo, form: str) -> str:
    return moment.astimezone(zone).strftime(form)
