"""What the producers of these tests say, and to whom it is about."""

from __future__ import annotations

from typing import Any

CLINIC = "clinic"


def key_ready(tenant: str, number: int, phone: str, **key: object) -> dict[str, object]:
    """A key whose credential is there and whose guest has only a phone: texted at once."""
    return {
        "specversion": "1.0", "id": f"evt-{number}", "source": f"/pms/{tenant}", "type": "key.ready", "tenant": tenant,
        "data": {"key": {
            "id": f"key-{number}", "version": 1, "origin": "pms", "status": "upcoming",
            "startsAt": "2026-01-01T15:00:00+01:00", "endsAt": "2099-01-01T10:00:00+01:00", "spaceName": "Room 1",
            "persons": [{"id": "p1", "firstName": "Mara", "phone": phone}],
            "credentials": {"doorCode": f"{number:06d}"},
            "reservation": {"id": f"res-{number}", "status": "reserved"}, **key,
        }},
    }  # fmt: skip


def phone(number: int) -> str:
    return f"+1202{2000000 + number}"


def key_event(type_: str, number: int, version: int, tenant: str = "t0", **key: object) -> dict[str, Any]:
    """What became of key `number`, as an event with an id of its own."""
    event = key_ready(tenant, number, phone(number), version=version, **key)
    return {**event, "id": f"evt-{number}-{version}", "type": type_}


def care_event(type_: str, number: int, **data: object) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"{type_}-{number}", "source": "/care/clinic", "type": type_, "tenant": CLINIC,
        "data": data,
    }  # fmt: skip


def order(number: int, **data: object) -> dict[str, Any]:
    return care_event("order.shipped", number, id=number, customer={"phone": phone(number)}, **data)
