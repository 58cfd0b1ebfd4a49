"""A record of a source topic becomes an event, or the reason why it cannot (contract sections 4 and 7).

Rules: the first reason of contract section 7 wins; a detail names a field and a rule, never a value. Structured mode
is what says `application/cloudevents+json`, or what has no `ce_` header; binary mode has the attributes in `ce_`
headers and `data` as the whole value. Both are JSON in UTF-8 without byte order mark; of a name that is given twice the
last one counts, as with every JSON reader; `data_base64` is refused. The producer's own bytes of `data` are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from notifier.domain.events import PMS_EVENT_TYPES, AwareTime, ConsentData, InboxEvent, KeyData, Platform
from notifier.domain.shapes import dotted, misfits

DEEPEST_NESTING = 100
# One event is one atomic batch of the ledger, 8 MiB at most, and all of its consequences repeat its names: what
# multiplies is bounded here, where it can still be refused. Texts are bounded by `templates.LONGEST_TEXT`.
MOST_PERSONS = 500
LONGEST_NAME_BYTES = 256  # of an event's id and source and of a key's id, as they are written in JSON
_LONGEST_ESCAPE = 6  # bytes of one character: \u001f
CONSENT_EVENT_TYPES = frozenset({"consent.given", "consent.withdrawn"})

RefusalReason = Literal[
    "too_large", "not_json", "not_a_cloudevent", "unknown_event_type", "no_tenant", "unknown_tenant", "invalid_data"
]
Headers = Sequence[tuple[str, bytes | None]]  # Kafka allows a header without value

CARE_EVENT_TYPE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
TENANT_FIELD: Mapping[Platform, str] = {"pms": "propertyId", "care": "organization"}
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
_Shape = TypeVar("_Shape", KeyData, ConsentData)
_NOTHING = msgspec.Raw(b"null")


class _DataAlone(msgspec.Struct):
    data: msgspec.Raw = _NOTHING


_data_alone = msgspec.json.Decoder(_DataAlone)
_key_data, _consent_data = msgspec.json.Decoder(KeyData), msgspec.json.Decoder(ConsentData)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record goes to the dead letters; `detail` is `field: rule`.

    `tenant` is set where only the data is wrong: a tenant that does not exist is the earlier reason of the table.
    """

    reason: RefusalReason
    detail: str
    tenant: str | None = field(default=None, compare=False)


class ReadEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A record that was understood; whether its tenant exists is not known here."""

    id: str
    source: str
    type: str
    platform: Platform
    tenant: str
    time: datetime | None
    subject: str | None
    traceparent: str | None
    data: msgspec.Raw

    def inbox_event(self, config_offset: int) -> InboxEvent:
        """What is written to the inbox by an ingest that knew the configuration up to `config_offset`."""
        return InboxEvent(
            id=self.id, source=self.source, type=self.type, platform=self.platform, tenant=self.tenant, time=self.time,
            subject=self.subject, traceparent=self.traceparent, data=self.data, configOffset=config_offset,
        )  # fmt: skip


class _Refused(Exception):
    """Carries a refusal out of the helpers below; never leaves this module."""

    def __init__(self, reason: RefusalReason, detail: str, tenant: str | None = None) -> None:
        super().__init__(detail)
        self.refusal = Refusal(reason, detail, tenant)


def read_event(value: bytes | None, headers: Headers, platform: Platform, max_bytes: int) -> ReadEvent | Refusal:
    """Understand one record of a topic of `platform`; `max_bytes` limits the value. Raises nothing."""
    try:
        return _read(value, headers, platform, max_bytes)
    except _Refused as refused:
        return refused.refusal


def is_event_type(name: str, platform: Platform) -> bool:
    """Whether a platform has events of this name: PMS a list of its own, care any `word(.word)+`."""
    return name in PMS_EVENT_TYPES if platform == "pms" else CARE_EVENT_TYPE.fullmatch(name) is not None


def _read(value: bytes | None, headers: Headers, platform: Platform, max_bytes: int) -> ReadEvent:
    if value is not None and len(value) > max_bytes:
        raise _Refused("too_large", f"value: at most {max_bytes} bytes are allowed")
    decoded = _decode_json(value)
    if _is_structured(headers):
        attributes, data, raw = _structured(value or b"", decoded)
    else:
        attributes, data, raw = _binary(headers), decoded, msgspec.Raw(value or b"null")
    return _event(attributes, data, raw, platform, headers)


def _decode_json(value: bytes | None) -> object:
    """The whole value is decoded, although most of it is only handed on: the engine must never meet what it cannot."""
    if not value:
        raise _Refused("not_json", "value: must not be null or empty")
    if _is_too_deep(value):
        raise _Refused("not_json", f"value: at most {DEEPEST_NESTING} levels of nesting are allowed")
    try:
        value.decode("utf-8")
        decoded: object = msgspec.json.decode(value)
    except UnicodeDecodeError as error:
        raise _Refused("not_json", f"value: must be UTF-8; byte {error.start} is not") from None
    except msgspec.ValidationError:  # the only one without a type: 1e999, or a whole number of thousands of digits
        raise _Refused("not_json", "value: a number is out of range") from None
    except msgspec.DecodeError as error:
        raise _Refused("not_json", f"value: must be JSON: {str(error).removeprefix('JSON is malformed: ')}") from None
    return decoded


def _is_too_deep(value: bytes) -> bool:
    if value.count(b"[") + value.count(b"{") <= DEEPEST_NESTING:
        return False
    depth = 0
    for match in _BRACKETS.finditer(value):
        if match[0] in (b"[", b"{"):
            depth += 1
            if depth > DEEPEST_NESTING:
                return True
        elif match[0] in (b"]", b"}"):
            depth -= 1
    return False


def _is_structured(headers: Headers) -> bool:
    content_types = [content.lower() for name, content in headers if name.lower() == "content-type" and content]
    if any(content.strip().startswith(b"application/cloudevents+json") for content in content_types):
        return True
    return not any(name.startswith("ce_") for name, _ in headers)


def _structured(value: bytes, decoded: object) -> tuple[dict[str, object], object, msgspec.Raw]:
    if not isinstance(decoded, dict):
        raise _Refused("not_a_cloudevent", "value: must be an object")
    raw = _data_alone.decode(value).data
    return {str(name): attribute for name, attribute in decoded.items()}, decoded.get("data"), raw


def _binary(headers: Headers) -> dict[str, object]:
    attributes: dict[str, object] = {}
    for name, content in headers:
        if name.startswith("ce_"):
            try:
                attributes[name.removeprefix("ce_")] = (content or b"").decode("utf-8")
            except UnicodeDecodeError:
                raise _Refused("not_a_cloudevent", f"{name}: must be UTF-8") from None
    return attributes


def _event(
    attributes: Mapping[str, object], data: object, raw: msgspec.Raw, platform: Platform, headers: Headers
) -> ReadEvent:
    _check_specversion(attributes.get("specversion"))
    event_id, source, event_type = (_required(attributes, name) for name in ("id", "source", "type"))
    time = _time(attributes.get("time"))
    subject = _optional(attributes, "subject")
    if not is_event_type(event_type, platform):
        pms = f"one of {', '.join(sorted(PMS_EVENT_TYPES))}"
        allowed = pms if platform == "pms" else "words of letters, digits, - and _, with dots"
        raise _Refused("unknown_event_type", f"type: must be {allowed}")
    tenant = _tenant(attributes, data, platform)
    try:
        if "data_base64" in attributes:
            raise _Refused("invalid_data", "data_base64: is not supported; data must be JSON")
        _check_data(event_type, data, raw, platform)
    except _Refused as refused:
        raise _Refused(refused.refusal.reason, refused.refusal.detail, tenant) from None
    return ReadEvent(
        id=event_id, source=source, type=event_type, platform=platform, tenant=tenant, time=time, subject=subject,
        traceparent=_traceparent(attributes, headers), data=raw,
    )  # fmt: skip


def _check_specversion(version: object) -> None:
    if not isinstance(version, str) or re.fullmatch(r"1\.\d+", version, re.ASCII) is None:
        raise _Refused("not_a_cloudevent", "specversion: must be the text 1.0")


def _required(attributes: Mapping[str, object], name: str) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not value:
        raise _Refused("not_a_cloudevent", f"{name}: must be a text that is not empty")
    if _is_too_long(value):
        raise _Refused("not_a_cloudevent", f"{name}: at most {LONGEST_NAME_BYTES} bytes are allowed")
    return value


def _is_too_long(name: str) -> bool:
    if len(name) * _LONGEST_ESCAPE <= LONGEST_NAME_BYTES:
        return False
    return len(msgspec.json.encode(name)) - 2 > LONGEST_NAME_BYTES


def _optional(attributes: Mapping[str, object], name: str) -> str | None:
    value = attributes.get(name)
    if value is not None and not isinstance(value, str):
        raise _Refused("not_a_cloudevent", f"{name}: must be a text")
    return value or None


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        time = msgspec.convert(value, AwareTime)
    except msgspec.ValidationError:
        time = None
    if time is None or not _is_sane(time):
        raise _Refused("not_a_cloudevent", "time: must be an RFC 3339 time with offset, such as 2026-12-01T09:13:02Z")
    return time


def _is_sane(time: datetime) -> bool:
    return 1970 <= time.year <= 9998  # so that no zone and no sum carries it out of the calendar


def _tenant(attributes: Mapping[str, object], data: object, platform: Platform) -> str:
    if attributes.get("tenant") is not None:
        field, value = "tenant", attributes["tenant"]
    else:
        field = TENANT_FIELD[platform]
        value = data.get(field) if isinstance(data, dict) else None
        if value is None:
            raise _Refused("no_tenant", f"tenant: is missing, and so is data.{field}")
        field = f"data.{field}"
    if not isinstance(value, str) or not value:
        raise _Refused("no_tenant", f"{field}: must be a text that is not empty")
    return value


def _traceparent(attributes: Mapping[str, object], headers: Headers) -> str | None:
    """A trace context that is none is left out: tracing must never cost anybody a text."""
    candidates = [attributes.get("traceparent")]
    candidates += [content.decode("latin-1") for name, content in headers if name == "traceparent" and content]
    for candidate in candidates:
        if isinstance(candidate, str) and _TRACEPARENT.fullmatch(candidate):
            return candidate
    return None


def _check_data(event_type: str, data: object, raw: msgspec.Raw, platform: Platform) -> None:
    if not isinstance(data, dict):
        raise _Refused("invalid_data", "data: must be an object")
    if platform == "pms":
        _check_key(event_type, _typed(raw, data, _key_data))
    elif event_type in CONSENT_EVENT_TYPES:
        consent = _typed(raw, data, _consent_data)
        if not _is_sane(consent.at):
            raise _Refused("invalid_data", "data.at: must be a year from 1970 to 9998")


def _check_key(event_type: str, data: KeyData) -> None:
    if event_type == "credentials.shared" and data.share is None:
        raise _Refused("invalid_data", "data.share: is missing; an object is needed")
    if _is_too_long(data.key.id):
        raise _Refused("invalid_data", f"data.key.id: at most {LONGEST_NAME_BYTES} bytes are allowed")
    if len(data.key.persons) > MOST_PERSONS:
        raise _Refused("invalid_data", f"data.key.persons: at most {MOST_PERSONS} persons are allowed")
    for name, time in (("startsAt", data.key.starts_at), ("endsAt", data.key.ends_at)):
        if not _is_sane(time):
            raise _Refused("invalid_data", f"data.key.{name}: must be a year from 1970 to 9998")


def _typed(raw: msgspec.Raw, data: object, decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        first = next(iter(misfits(data, decoder.type)), None)
        field, rule = (
            (dotted(first.path), first.message) if first else ("", "is not of the form that this type of event has")
        )
        raise _Refused("invalid_data", f"data.{field}: {rule}") from None
