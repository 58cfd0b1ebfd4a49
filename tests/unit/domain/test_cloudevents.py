"""Reading a source record: what is understood, and which reason wins for what is not (contract sections 4 and 7)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.cloudevents import ReadEvent, Refusal, read_event
from notifier.domain.events import PMS_EVENT_TYPES, InboxEvent
from tests import poison

REASONS_IN_ORDER = ("too_large", "not_json", "not_a_cloudevent", "unknown_event_type", "no_tenant", "invalid_data")


def read(record: poison.Record) -> ReadEvent | Refusal:
    return read_event(record.value, record.headers, record.topic, poison.MAX_EVENT_BYTES)


def understood(record: poison.Record) -> ReadEvent:
    event = read(record)
    assert isinstance(event, ReadEvent), event
    return event


def refused(record: poison.Record) -> Refusal:
    refusal = read(record)
    assert isinstance(refusal, Refusal), refusal
    return refusal


@pytest.mark.parametrize("record", poison.POISON, ids=lambda record: record.name)
def test_every_poison_record_is_refused_with_its_reason(record: poison.Record) -> None:
    if record.reason == "unknown_tenant":
        assert understood(record).tenant not in {name for name, kind in poison.TENANTS.items() if kind == record.topic}
    else:
        assert refused(record).reason == record.reason


@pytest.mark.parametrize("record", poison.GOOD, ids=lambda record: record.name)
def test_good_records_are_understood(record: poison.Record) -> None:
    assert understood(record).tenant in poison.TENANTS


def test_the_corpus_has_several_kinds_of_every_reason() -> None:
    for reason in (*REASONS_IN_ORDER, "unknown_tenant"):
        assert len([record for record in poison.POISON if record.reason == reason]) >= 4, reason


def test_the_first_reason_of_the_table_wins() -> None:
    """An event with every fault at once loses one fault after another, from the top of the table."""
    event = poison.pms_event(specversion="0.3", type="key.lost", tenant=None, data={"key": {}, "note": "x" * 600})
    text = poison.encode(event)
    broken = text.replace(b'"key": {}', b'"key": NaN')
    found = [read_event(broken, (), "pms", 500), read_event(broken, (), "pms", 10_000)]
    for change in ({}, {"specversion": "1.0"}, {"type": "key.ready"}, {"tenant": "harbour-house"}):
        event |= change
        found.append(read_event(poison.encode(event), (), "pms", 10_000))
    assert [refusal.reason for refusal in found if isinstance(refusal, Refusal)] == list(REASONS_IN_ORDER)


def test_details_name_field_and_rule() -> None:
    assert read(poison._key("x", status="lost")) == Refusal(
        "invalid_data", "data.key.status: must be active or past or revoked or upcoming"
    )
    assert read(poison._key("x", endsAt=None)) == Refusal(
        "invalid_data", "data.key.endsAt: is missing; a time with offset, such as 2026-12-01T09:13:02Z is needed"
    )
    assert (
        refused(poison._key("x", persons=[{}, {"phone": 7}])).detail
        == "data.key.persons[1].phone: must be a text or null"
    )
    assert refused(poison._pms("x", "no_tenant", tenant=None)).detail == (
        "tenant: is missing, and so is data.propertyId"
    )


def test_what_multiplies_is_refused_with_its_limit() -> None:
    """What one event starts is written to the ledger in one batch, and all of it names the event and the key."""
    assert refused(poison._key("x", persons=[{}] * 501)).detail == "data.key.persons: at most 500 persons are allowed"
    assert refused(poison._key("x", id="k" * 257)).detail == "data.key.id: at most 256 bytes are allowed"
    assert refused(poison._pms("x", None, id="é" * 129)).detail == "id: at most 256 bytes are allowed"
    assert refused(poison._care("x", None, source="/" * 257)).detail == "source: at most 256 bytes are allowed"


def test_the_limits_of_what_multiplies_are_inclusive() -> None:
    assert isinstance(read(poison._key("x", persons=[{}] * 500, id="k" * 256)), ReadEvent)
    assert isinstance(read(poison._pms("x", None, id="é" * 128, source="/" * 256)), ReadEvent)


SECRET = "s3cr3t-482915"


@pytest.mark.parametrize(
    "record", [record for record in poison.POISON if record.reason == "invalid_data"], ids=lambda r: r.name
)
def test_a_detail_never_repeats_a_value(record: poison.Record) -> None:
    """Every text of the event is replaced by a marker, which must not come back."""
    event = json.loads(record.value or b"null")
    event["data"] = _marked(event.get("data"))
    refusal = read_event(poison.encode(event), record.headers, record.topic, poison.MAX_EVENT_BYTES)
    assert isinstance(refusal, Refusal)
    assert SECRET not in refusal.detail


def _marked(value: object) -> object:
    if isinstance(value, dict):
        return {name: _marked(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_marked(part) for part in value]
    return SECRET if isinstance(value, str) else value


def test_structured_mode_keeps_the_producers_own_bytes_of_data() -> None:
    data = b'{ "organization":"north-clinic", "amount": 1.10, "note":"\\u00e9" }'
    value = b'{"specversion":"1.0","id":"1","source":"s","type":"order.shipped","data":' + data + b"}"
    assert bytes(understood(poison.raw("x", value, "care", "")).data) == data


def test_binary_mode_takes_attributes_from_headers_and_the_value_as_data() -> None:
    attributes = {
        "specversion": b"1.0", "id": "évt".encode(), "source": b"/pms", "type": b"key.ready", "tenant": b"t",
        "time": b"2026-12-01T10:13:02+01:00", "subject": b"key_5510",
    }  # fmt: skip
    data = poison.encode({"key": poison.key()})
    event = understood(poison.binary("x", attributes, data, "pms", None))
    assert (event.id, event.source, event.tenant, event.subject) == ("évt", "/pms", "t", "key_5510")
    assert event.time == datetime(2026, 12, 1, 9, 13, 2, tzinfo=UTC)
    assert bytes(event.data) == data


def test_the_structured_content_type_wins_over_ce_headers() -> None:
    """A tracing library may add headers of its own to a structured record."""
    headers = (("ce_traceid", b"1"), ("Content-Type", b"application/cloudevents+json; charset=UTF-8"))
    record = poison.Record("x", None, poison.encode(poison.care_event("evt-9")), headers, "care", None)
    assert understood(record).id == "evt-9"


def test_the_tenant_attribute_wins_over_the_data() -> None:
    event = poison.care_event(tenant="north-clinic", data={"organization": "other"})
    assert understood(poison.structured("x", event, "care", None)).tenant == "north-clinic"


def test_a_null_tenant_attribute_is_an_absent_one() -> None:
    event = poison.care_event(data={"organization": "north-clinic"}) | {"tenant": None}
    assert understood(poison.structured("x", event, "care", None)).tenant == "north-clinic"


@pytest.mark.parametrize("event_type", sorted(PMS_EVENT_TYPES))
def test_all_pms_types_are_accepted(event_type: str) -> None:
    share = {"channel": "sms", "destination": "+12025550143", "alternative": False, "staffId": "staff_ana"}
    event = poison.pms_event(type=event_type, data={"key": poison.key(), "share": share})
    assert understood(poison.structured("x", event, "pms", None)).type == event_type


@pytest.mark.parametrize(
    "event_type",
    ["order.shipped", "subscription.upcoming-renewal", "order.awaiting_results", "a.b.c", "Webhook.Event2"],
)
def test_care_types_are_words_with_dots(event_type: str) -> None:
    assert understood(poison.structured("x", poison.care_event(type=event_type), "care", None)).type == event_type


def test_all_empty_credentials_are_a_credential_still_waited_for() -> None:
    event = poison.pms_event(data={"key": poison.key(credentials={"doorCode": None, "magicLink": None})})
    assert understood(poison.structured("x", event, "pms", None))


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_traceparent_comes_from_the_attribute_or_else_the_header() -> None:
    header = ("traceparent", TRACE.encode())
    plain = poison.encode(poison.care_event())
    traced = poison.encode(poison.care_event(traceparent=TRACE[:-1] + "0"))
    by_header = read_event(plain, (header,), "care", 10_000)
    by_attribute = read_event(traced, (header,), "care", 10_000)
    assert isinstance(by_header, ReadEvent)
    assert isinstance(by_attribute, ReadEvent)
    assert (by_header.traceparent, by_attribute.traceparent) == (TRACE, TRACE[:-1] + "0")


def test_a_trace_context_that_is_none_costs_nobody_a_text() -> None:
    event = understood(poison.structured("x", poison.care_event(traceparent="broken"), "care", None))
    assert event.traceparent is None


def test_headers_without_value_are_no_reason_to_stop() -> None:
    headers = (("content-type", None), ("traceparent", None))
    assert isinstance(read_event(poison.encode(poison.care_event()), headers, "care", 10_000), ReadEvent)
    assert isinstance(read_event(b"{}", (("ce_id", None),), "care", 10_000), Refusal)


def test_nesting_of_exactly_100_is_allowed_and_brackets_in_texts_do_not_count() -> None:
    deep = poison._broken(poison._nested(98))
    texts = poison._broken(json.dumps('[{\\"' * 200).encode())
    assert understood(poison.raw("x", deep, "care", ""))
    assert understood(poison.raw("x", texts, "care", ""))


def test_of_a_name_given_twice_the_last_counts() -> None:
    value = poison.encode(poison.care_event())[:-1] + b', "id": "last", "data": {"n": 2}}'
    event = understood(poison.raw("x", value, "care", ""))
    assert (event.id, bytes(event.data)) == ("last", b'{"n": 2}')


def test_the_size_limit_is_inclusive() -> None:
    value = poison.encode(poison.care_event())
    assert isinstance(read_event(value, (), "care", len(value)), ReadEvent)
    assert isinstance(read_event(value, (), "care", len(value) - 1), Refusal)


def test_the_inbox_value_carries_the_event_and_the_producers_data() -> None:
    event = understood(poison.structured("x", poison.pms_event("evt-7"), "pms", None))
    inbox = msgspec.json.decode(msgspec.json.encode(event.inbox_event(41)), type=InboxEvent)
    assert (inbox.id, inbox.platform, inbox.tenant, inbox.configOffset) == ("evt-7", "pms", "harbour-house", 41)
    assert inbox.time is not None
    assert inbox.time.utcoffset() == timedelta(0)
    assert msgspec.json.decode(inbox.data) == poison.pms_event()["data"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ATTRIBUTES = st.sampled_from(
    ["specversion", "id", "source", "type", "time", "tenant", "subject", "data", "data_base64", "traceparent"]
)


@given(st.dictionaries(ATTRIBUTES, JSON), st.sampled_from(["pms", "care"]))
def test_no_combination_of_attributes_raises(changes: dict[str, object], platform: poison.Topic) -> None:
    value = poison.encode({**poison.pms_event(), **changes})
    assert isinstance(read_event(value, (), platform, 10_000_000), (ReadEvent, Refusal))


@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "content-type", "x"]), st.binary())),
)
def test_no_bytes_raise(value: bytes, headers: list[tuple[str, bytes]]) -> None:
    assert isinstance(read_event(value, headers, "care", 10_000), (ReadEvent, Refusal))


@given(JSON)
def test_whatever_is_wrong_in_a_key_is_refused_with_a_field(part: object) -> None:
    for name in poison.key():
        event = poison.pms_event(data={"key": {**poison.key(), name: part}})
        outcome = read_event(poison.encode(event), (), "pms", 10_000_000)
        assert (
            isinstance(outcome, ReadEvent)
            or outcome.detail.startswith(f"data.key.{name}")
            or outcome.reason == "not_json"
        )
