"""Documents as staff write them, events as platforms publish them: whatever a test does not care about is filled in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from notifier.domain.documents import Document
from notifier.domain.events import InboxEvent, Platform

HOTEL, CLINIC = "hotel", "clinic"
START = 1_800_000_000.0  # seconds; 2027-01-15 08:00 UTC
DAY = 86_400.0
PHONE, OTHER_PHONE = "+12025550143", "+12025550199"


def _document(given: dict[str, Any]) -> Document:
    document: Document = msgspec.convert(given, Document)
    return document


def tenant(name: str = HOTEL, *, platform: Platform = "pms", **fields: Any) -> Document:  # Any: fields as staff write
    given = {"kind": "Tenant", "tenant": name, "platform": platform, "name": name, "version": 1}
    return _document({**given, "consent": {"required": False}, **fields})


def connection(owner: str = HOTEL, *, version: int = 1, rate: float = 50.0, senders: int = 1) -> Document:
    numbers = [{"from": f"+1555000000{n}", "segmentsPerSecond": rate} for n in range(senders)]
    given = {"kind": "Connection", "tenant": owner, "version": version, "provider": "twilio"}
    return _document({**given, "accountSid": "AC" + "0" * 32, "authToken": "t", "senders": numbers})


def workflow(name: str = "shipped", *, owner: str = CLINIC, message: str = "Order {{n}}", **fields: Any) -> Document:
    step = {
        "number": 1, "kind": "adapter", "adapter": "twilio", "function": "sendSMS",
        "parameters": {"message": message, "toPhone": "{{customer.phone}}"},
    }  # fmt: skip
    given = {"kind": "Workflow", "tenant": owner, "name": name, "version": 1, "trigger": {"type": f"order.{name}"}}
    return _document({**given, "steps": [step], **fields})


def hotel_and_clinic() -> list[Document]:
    return [tenant(), connection(), tenant(CLINIC, platform="care"), connection(CLINIC), workflow()]


def person(name: str = "p1", **fields: Any) -> dict[str, Any]:
    return {"id": name, "firstName": "Ann", "phone": PHONE, **fields}


def time_of(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def key(
    version: int = 1, *, name: str = "k1", code: str | None = "1234", persons: list[dict[str, Any]] | None = None,
    starts: float = START, ends: float = START + 3 * DAY, **fields: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": name, "version": version, "origin": "pms", "status": "active", "startsAt": time_of(starts),
        "endsAt": time_of(ends), "persons": persons if persons is not None else [person()],
        "credentials": {"doorCode": code} if code else {}, **fields,
    }  # fmt: skip


def inbox_event(id_: str, type_: str, data: dict[str, Any], name: str, time: float | None = None) -> InboxEvent:
    """Whose name begins like the clinic's is a care platform, everybody else a property."""
    platform: Platform = "care" if name.startswith(CLINIC) else "pms"
    raw = msgspec.Raw(msgspec.json.encode(data))
    at = None if time is None else datetime.fromtimestamp(time, UTC)
    return InboxEvent(id=id_, source="/test", type=type_, platform=platform, tenant=name, data=raw, time=at)
