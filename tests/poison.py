"""Records that must end in the dead letters, several kinds for every reason of contract section 7, and good ones.

Used by unit tests of `read_event` and by tests that put them on a real topic among good events. Every record speaks of
a tenant of `TENANTS`, unless its tenant is its fault; `MAX_EVENT_BYTES` is the limit that `too_large` is meant for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

MAX_EVENT_BYTES = 262_144
PMS_TENANT, CARE_TENANT = "harbour-house", "north-clinic"
TENANTS = {PMS_TENANT: "pms", CARE_TENANT: "care"}

Topic = Literal["pms", "care"]
Headers = tuple[tuple[str, bytes], ...]
Event = dict[str, Any]  # Any: JSON, broken on purpose

STRUCTURED: Headers = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class Record:
    """`reason` None: a good record."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    topic: Topic
    reason: str | None


def pms_event(event_id: str = "evt-0001", **changes: object) -> Event:
    """The example of contract section 4.1; `changes` replace attributes, and `None` removes one."""
    event: Event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/pms/harbour",
        "type": "key.ready",
        "time": "2026-12-01T09:13:02Z",
        "tenant": PMS_TENANT,
        "subject": "key_5510",
        "datacontenttype": "application/json",
        "data": {"key": key()},
    }
    return _changed(event, changes)


def care_event(event_id: str = "evt-0002", **changes: object) -> Event:
    event: Event = {
        "specversion": "1.0",
        "id": event_id,
        "source": "/care/orders",
        "type": "order.shipped",
        "tenant": CARE_TENANT,
        "data": {
            "_id": "6a10f2c57db04aefb2d71001",
            "id": 10421,
            "status": "shipped",
            "customer": {"firstName": "Ada", "phone": "+12025550118"},
        },
    }
    return _changed(event, changes)


def key(**changes: object) -> Event:
    whole: Event = {
        "id": "key_5510",
        "version": 3,
        "origin": "pms",
        "status": "upcoming",
        "startsAt": "2026-12-04T15:00:00+01:00",
        "endsAt": "2026-12-07T10:00:00+01:00",
        "spaceName": "Room 204",
        "doors": ["Room 204", "Main entrance"],
        "reservation": {
            "id": "res_88121",
            "referenceNumber": "HBR-88121",
            "status": "reserved",
            "checkedInAt": None,
            "checkInMethod": None,
        },
        "persons": [{"id": "p1", "firstName": "Mara", "lastName": "Lind", "email": None, "phone": "+12025550143"}],
        "credentials": {"doorCode": "482915", "magicLink": "https://guest.example.com/k/5510-f3a9"},
    }
    return _changed(whole, changes)


def _changed(value: Event, changes: dict[str, object]) -> Event:
    return {name: part for name, part in {**value, **changes}.items() if name not in changes or part is not None}


def encode(event: object) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def structured(name: str, event: object, topic: Topic, reason: str | None) -> Record:
    return Record(name, b"key", encode(event), STRUCTURED, topic, reason)


def raw(name: str, value: bytes | None, topic: Topic, reason: str) -> Record:
    return Record(name, b"key", value, STRUCTURED, topic, reason)


def binary(name: str, attributes: dict[str, bytes], data: bytes | None, topic: Topic, reason: str | None) -> Record:
    headers = tuple((f"ce_{attribute}", value) for attribute, value in attributes.items())
    return Record(name, None, data, (*headers, ("content-type", b"application/json")), topic, reason)


_PMS_ATTRIBUTES = {
    "specversion": b"1.0", "id": b"evt-0003", "source": b"/pms/harbour", "type": b"key.ready",
    "tenant": PMS_TENANT.encode(),
}  # fmt: skip
_KEY_DATA = encode({"key": key()})
_CARE_JSON = encode(care_event())


def _broken(text: bytes) -> bytes:
    """A care event with `text` as the value of a field deep in `data`, where no type would look at it."""
    return _CARE_JSON.replace(b'"shipped"', text, 1)


def _nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def _pms(name: str, reason: str, **changes: object) -> Record:
    return structured(name, pms_event(f"bad-{name}", **changes), "pms", reason)


def _care(name: str, reason: str, **changes: object) -> Record:
    return structured(name, care_event(f"bad-{name}", **changes), "care", reason)


def _key(name: str, **changes: object) -> Record:
    return _pms(name, "invalid_data", data={"key": key(**changes)})


def _consent(name: str, **changes: object) -> Record:
    data = {"phone": "+12025550118", "source": "form", "at": "2026-12-01T09:13:02Z"}
    return _care(name, "invalid_data", type="consent.given", data=_changed(data, changes))


TOO_LARGE = (
    _care("long text in data", "too_large", data={"note": "x" * MAX_EVENT_BYTES}),
    _pms("long name of a person", "too_large", data={"key": key(spaceName="x" * MAX_EVENT_BYTES)}),
    raw("too large and no JSON", b"\xff" * (MAX_EVENT_BYTES + 1), "pms", "too_large"),
    binary("too large in binary mode", _PMS_ATTRIBUTES, b" " * (MAX_EVENT_BYTES + 1), "pms", "too_large"),
)

NOT_JSON = (
    raw("null value", None, "pms", "not_json"),
    raw("empty value", b"", "care", "not_json"),
    raw("blank value", b" \n", "care", "not_json"),
    raw("plain words", b"key is ready", "pms", "not_json"),
    raw("cut in the middle", encode(pms_event())[:-20], "pms", "not_json"),
    raw("two values", b"{} {}", "pms", "not_json"),
    raw("byte order mark", b"\xef\xbb\xbf" + _CARE_JSON, "care", "not_json"),
    raw("UTF-16", _CARE_JSON.decode().encode("utf-16"), "care", "not_json"),
    raw("Latin-1 in data", _broken(b'"M\xfcller"'), "care", "not_json"),
    raw("encoded surrogate in data", _broken(b'"\xed\xa0\x80"'), "care", "not_json"),
    raw("overlong zero in data", _broken(b'"\xc0\x80"'), "care", "not_json"),
    raw("NaN in data", _broken(b"NaN"), "care", "not_json"),
    raw("Infinity in data", _broken(b"-Infinity"), "care", "not_json"),
    raw("number out of range", _broken(b"1e999"), "care", "not_json"),
    raw("number of 5000 digits", _broken(b"1" * 5000), "care", "not_json"),
    raw("lone high surrogate before text", _broken(rb'"\ud800abcd"'), "care", "not_json"),
    raw("lone high surrogate at the end", _broken(rb'"\ud800"'), "care", "not_json"),
    raw("lone low surrogate", _broken(rb'"\udc00"'), "care", "not_json"),
    raw("high surrogate before a letter", _broken(rb'"\ud800\u0041"'), "care", "not_json"),
    raw("two high surrogates", _broken(rb'"\ud800\ud800"'), "care", "not_json"),
    raw("lone surrogate in a name", _broken(rb'{"\udfff": 1}'), "care", "not_json"),
    raw("nesting of 101 in data", _broken(_nested(99)), "care", "not_json"),
    raw("nesting without end", b"[" * 100_000, "care", "not_json"),
    raw("single quotes", b"{'specversion': '1.0'}", "care", "not_json"),
    raw("control character in a text", _broken(b'"a\x00b"'), "care", "not_json"),
    binary("binary mode with text", _PMS_ATTRIBUTES, b"key is ready", "pms", "not_json"),
    binary("binary mode without value", _PMS_ATTRIBUTES, None, "pms", "not_json"),
)

NOT_A_CLOUDEVENT = (
    raw("a list", b"[]", "pms", "not_a_cloudevent"),
    raw("a number", b"42", "care", "not_a_cloudevent"),
    raw("null as JSON", b"null", "care", "not_a_cloudevent"),
    raw("an empty object", b"{}", "care", "not_a_cloudevent"),
    structured("data without envelope", care_event()["data"], "care", "not_a_cloudevent"),
    _pms("no specversion", "not_a_cloudevent", specversion=None),
    _pms("specversion 0.3", "not_a_cloudevent", specversion="0.3"),
    _pms("specversion as number", "not_a_cloudevent", specversion=1.0),
    structured("no id", pms_event(id=None), "pms", "not_a_cloudevent"),
    structured("empty id", pms_event(id=""), "pms", "not_a_cloudevent"),
    structured("id as number", pms_event(id=7), "pms", "not_a_cloudevent"),
    _care("no source", "not_a_cloudevent", source=None),
    _care("source as object", "not_a_cloudevent", source={}),
    _care("source longer than all that is made of it allows", "not_a_cloudevent", source="/" * 257),
    _care("id that is longer only as JSON", "not_a_cloudevent", id="\x01" * 43),
    _care("no type", "not_a_cloudevent", type=None),
    _care("time without offset", "not_a_cloudevent", time="2026-12-01T09:13:02"),
    _care("time in words", "not_a_cloudevent", time="yesterday"),
    _care("subject as number", "not_a_cloudevent", subject=7),
    binary("ce_ header in Latin-1", {**_PMS_ATTRIBUTES, "subject": b"M\xfcller"}, _KEY_DATA, "pms", "not_a_cloudevent"),
    binary("ce_id is empty", {**_PMS_ATTRIBUTES, "id": b""}, _KEY_DATA, "pms", "not_a_cloudevent"),
    binary("only ce_id", {"id": b"evt-0003"}, _KEY_DATA, "pms", "not_a_cloudevent"),
)

UNKNOWN_EVENT_TYPE = (
    _pms("PMS type of nobody", "unknown_event_type", type="key.lost"),
    _pms("PMS type in other letters", "unknown_event_type", type="Key.Ready"),
    _pms("care type on the PMS topic", "unknown_event_type", type="order.shipped"),
    _pms("unknown type without tenant", "unknown_event_type", type="key.lost", tenant=None, data=None),
    _care("one word", "unknown_event_type", type="shipped"),
    _care("ends in a dot", "unknown_event_type", type="order."),
    _care("two dots", "unknown_event_type", type="order..shipped"),
    _care("a blank in it", "unknown_event_type", type="order.shipped now"),
    _care("a line end behind it", "unknown_event_type", type="order.shipped\n"),
)

NO_TENANT = (
    _pms("PMS without tenant", "no_tenant", tenant=None),
    _care("care without tenant", "no_tenant", tenant=None),
    _care("tenant is empty", "no_tenant", tenant=""),
    _care("tenant as number", "no_tenant", tenant=7),
    _care("organization as object", "no_tenant", tenant=None, data={"organization": {}}),
    _pms("no tenant and no data", "no_tenant", tenant=None, data=None),
    binary(
        "binary mode without tenant",
        {name: value for name, value in _PMS_ATTRIBUTES.items() if name != "tenant"}, _KEY_DATA, "pms", "no_tenant",
    ),
)  # fmt: skip

UNKNOWN_TENANT = (
    _pms("tenant of nobody", "unknown_tenant", tenant="no-such-house"),
    _care("tenant in other letters", "unknown_tenant", tenant=CARE_TENANT.upper()),
    _care("tenant of the other platform", "unknown_tenant", tenant=PMS_TENANT),
    _care("organization of nobody", "unknown_tenant", tenant=None, data={"organization": "no-such-clinic"}),
)

INVALID_DATA = (
    _pms("PMS without data", "invalid_data", data=None),
    _pms("data without key", "invalid_data", data={}),
    _pms("key as text", "invalid_data", data={"key": "key_5510"}),
    _key("key without id", id=None),
    _key("key with empty id", id=""),
    _key("version as text", version="3"),
    _key("version below 0", version=-1),
    _key("version beyond 64 bits", version=2**70),
    _key("origin of nobody", origin="import"),
    _key("status of nobody", status="lost"),
    _key("no end", endsAt=None),
    _key("start without offset", startsAt="2026-12-04T15:00:00"),
    _key("end beyond the calendar", endsAt="9999-12-31T23:59:59-12:00"),
    _key("persons as object", persons={}),
    _key("more persons than one batch of the ledger holds", persons=[{"id": f"p{n}"} for n in range(501)]),
    _key("key id longer than all that is made of it allows", id="k" * 257),
    _key("phone as number", persons=[{"id": "p1", "phone": 12025550143}]),
    _key("door code as number", credentials={"doorCode": 482915}),
    _key("reservation status of nobody", reservation={"id": "res_1", "status": "RESERVED"}),
    _pms("share is missing", "invalid_data", type="credentials.shared"),
    _pms(
        "share by letter", "invalid_data", type="credentials.shared",
        data={"key": key(), "share": {"channel": "letter", "destination": "x", "staffId": "s"}},
    ),
    _care("care data as list", "invalid_data", data=[]),
    _care("care without data", "invalid_data", data=None),
    _care("data as text", "invalid_data", data="shipped"),
    _care("data_base64", "invalid_data", data=None, data_base64="e30="),
    _consent("consent without phone", phone=None),
    _consent("consent with phone as number", phone=12025550118),
    _consent("consent without offset", at="2026-12-01T09:13:02"),
)  # fmt: skip

POISON = (*TOO_LARGE, *NOT_JSON, *NOT_A_CLOUDEVENT, *UNKNOWN_EVENT_TYPE, *NO_TENANT, *UNKNOWN_TENANT, *INVALID_DATA)

GOOD = (
    structured("PMS, structured", pms_event("good-1"), "pms", None),
    Record("PMS, structured, without header", None, encode(pms_event("good-2")), (), "pms", None),
    binary("PMS, binary", {**_PMS_ATTRIBUTES, "id": b"good-3"}, _KEY_DATA, "pms", None),
    structured("care, structured", care_event("good-4"), "care", None),
    structured(
        "care, tenant in data", care_event("good-5", tenant=None, data={"organization": CARE_TENANT}), "care", None
    ),
    structured(
        "PMS, tenant in data",
        pms_event("good-6", tenant=None, data={"key": key(), "propertyId": PMS_TENANT}),
        "pms",
        None,
    ),
    structured("unknown extra fields", pms_event("good-7", data={"key": key(colour="red"), "more": [1]}), "pms", None),
    structured(
        "unusual but allowed", care_event("good-8", type="webhook.event_2-b", data={"😀": "\u0000"}), "care", None
    ),
)
