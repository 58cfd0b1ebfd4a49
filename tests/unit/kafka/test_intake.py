"""What becomes of one source record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from notifier.domain.catalog import Catalog, build
from notifier.domain.cloudevents import ReadEvent, Refusal
from notifier.domain.documents import Tenant
from notifier.domain.events import SourcePosition
from notifier.kafka.intake import LARGEST_DEAD_VALUE, dead_letter, inbox_message, understand
from notifier.kafka.store import inbox_record
from tests import poison

PLACE = ("pms.events", 3)
POSITION = SourcePosition("pms.events", "3", 41, 1_796_000_000_000, 17)
NOW = 1_796_000_001.5
REFUSAL = Refusal("not_json", "value: must be JSON")


@dataclass
class Raw:
    """A record as aiokafka would hand it over."""

    value: bytes | None
    key: bytes | None = b"key"
    headers: Sequence[tuple[str, bytes]] = ()
    offset: int = 41
    timestamp: int = 1_796_000_000_000


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    tenants = [
        Tenant(tenant=name, platform="pms" if platform == "pms" else "care", name=name)
        for name, platform in poison.TENANTS.items()
    ]
    return build(tenants, 12)


@pytest.mark.parametrize("record", poison.POISON, ids=lambda record: record.name)
def test_every_kind_of_bad_record_is_refused_for_its_reason(record: poison.Record, catalog: Catalog) -> None:
    read = understand(Raw(record.value, record.key, record.headers), record.topic, poison.MAX_EVENT_BYTES, catalog)
    assert isinstance(read, Refusal)
    assert read.reason == record.reason


def test_a_tenant_of_the_other_platform_is_unknown_and_the_detail_says_so(catalog: Catalog) -> None:
    read = understand(Raw(poison.encode(poison.care_event(tenant=poison.PMS_TENANT))), "care", 10_000, catalog)
    assert read == Refusal("unknown_tenant", "tenant: is configured for the platform pms")


def test_of_an_unknown_tenant_and_invalid_data_the_tenant_comes_first(catalog: Catalog) -> None:
    """As in the table of contract section 7."""
    event = poison.pms_event(tenant="no-such-house", data={"key": {}})
    read = understand(Raw(poison.encode(event)), "pms", 10_000, catalog)
    assert isinstance(read, Refusal)
    assert read.reason == "unknown_tenant"


@pytest.mark.parametrize("partition", ["3", "3@S2Hr5nRkTjmyRLZ-_Aq1Yw"])
def test_what_is_written_to_the_inbox_is_what_the_engine_reads(catalog: Catalog, partition: str) -> None:
    """The place in the source to the letter: what is read again is recognised by it."""
    position = replace(POSITION, partition=partition)
    read = understand(Raw(poison.encode(poison.pms_event())), "pms", 10_000, catalog)
    assert isinstance(read, ReadEvent)
    message = inbox_message("inbox", read, position, 12)
    record = inbox_record(Raw(message.value, message.key, [(n, v or b"") for n, v in message.headers], offset=5))
    assert (record.offset, record.position, record.event.configOffset) == (5, position, 12)
    assert (record.event.id, record.event.tenant, message.key) == (read.id, read.tenant, poison.PMS_TENANT.encode())
    assert record.event.data == read.data


def test_a_dead_letter_keeps_key_value_and_headers() -> None:
    message = dead_letter("dead", Raw(b"\xff", headers=[("ce_id", b"1")]), REFUSAL, PLACE, NOW)
    assert (message.key, message.value, message.headers[0]) == (b"key", b"\xff", ("ce_id", b"1"))
    assert dict(message.headers[1:]) == {
        "notifier-reason": b"not_json",
        "notifier-detail": b"value: must be JSON",
        "notifier-topic": b"pms.events",
        "notifier-partition": b"3",
        "notifier-offset": b"41",
        "notifier-time": b"2026-11-30T00:53:21.500000+00:00",
    }


def test_a_value_above_four_mebibytes_is_cut_and_says_how_long_it_was() -> None:
    message = dead_letter("dead", Raw(bytes(LARGEST_DEAD_VALUE + 1)), REFUSAL, PLACE, NOW)
    assert len(message.value or b"") == LARGEST_DEAD_VALUE
    assert dict(message.headers)["notifier-truncated"] == b"%d" % (LARGEST_DEAD_VALUE + 1)


def test_a_value_of_exactly_four_mebibytes_is_kept_whole() -> None:
    message = dead_letter("dead", Raw(bytes(LARGEST_DEAD_VALUE)), REFUSAL, PLACE, NOW)
    assert "notifier-truncated" not in dict(message.headers)


def test_no_dead_letter_is_too_large_for_its_topic() -> None:
    """Whatever a producer put into key and headers."""
    raw = Raw(bytes(6_000_000), key=bytes(3_000_000), headers=[("x", bytes(3_000_000))])
    assert dead_letter("dead", raw, REFUSAL, PLACE, NOW).size < 8_000_000


def test_a_null_value_stays_null() -> None:
    assert dead_letter("dead", Raw(None, key=None), REFUSAL, PLACE, NOW).value is None
