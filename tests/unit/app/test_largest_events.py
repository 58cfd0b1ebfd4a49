"""Whatever ingest lets through, the ledger can hold: one event is written in one atomic batch."""

from __future__ import annotations

import msgspec

from notifier.domain.cloudevents import LONGEST_NAME_BYTES, MOST_PERSONS, ReadEvent, read_event
from notifier.domain.documents import Document
from notifier.domain.events import SourcePosition
from notifier.domain.templates import LONGEST_TEXT
from notifier.engine.inputs import InboxRecord
from notifier.kafka.connection import LARGEST_BATCH_BYTES
from notifier.settings import IngestSettings
from tests import poison
from tests.unit.engine.harness import CLINIC, CONFIG, Shell, connection, key, tenant, workflow

RECORD_BYTES = 100  # more than Kafka's format and the epoch's header add to key and value of a record
LONG = "é" * (LONGEST_NAME_BYTES // 2)


def given(event_type: str, data: object, *, number: int, platform: poison.Topic = "pms") -> InboxRecord:
    """What ingest makes of the event, with names as long as they may be."""
    attributes = {"specversion": "1.0", "type": event_type, "tenant": "hotel" if platform == "pms" else CLINIC}
    attributes |= {"id": f"{number:04}" + LONG[2:], "source": LONG, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    value = poison.encode({**attributes, "data": data})
    read = read_event(value, (), platform, IngestSettings().max_event_bytes)
    assert isinstance(read, ReadEvent), read
    return InboxRecord(number, read.inbox_event(0), SourcePosition("t", "0", number, number))


def largest(shell: Shell) -> int:
    return max(
        sum(len(record.key) + len(record.value or b"") + RECORD_BYTES for record in batch) for batch in shell.batches
    )


def crowd(version: int) -> dict[str, object]:
    """As many persons as may be, each with texts of their own; the space's name is a text beyond all bounds."""
    persons = [
        {
            "id": f"person-{number:020}",
            "firstName": "A" * 100,
            "email": "a@example.com",
            "phone": f"+1212{2_340_000 + number}",
        }
        for number in range(MOST_PERSONS)
    ]
    stay = {"id": "r", "status": "reserved"}
    return key(version, persons=persons, name=LONG, spaceName="🔑" * 20_000, reservation=stay)


def documents() -> list[Document]:
    body = {"kind": "Template", "tenant": "hotel", "version": 1, "body": "{{spaceName}}"}
    rules = [msgspec.convert({**body, "name": name}, Document) for name in ("key_is_ready", "doorcode_is_changed")]
    both = tenant(channels={"email": True, "sms": True, "policy": "both"})
    return [both, connection(rate=1000.0), *rules, tenant(CLINIC, platform="care"), connection(CLINIC), *workflows()]


def workflows() -> list[Document]:
    """Three hundred for one event, whose texts are as long as the event pleases."""
    return [workflow(f"w{number}", message="{{note}}", trigger={"type": "order.shipped"}) for number in range(300)]


def test_a_key_with_as_many_persons_as_may_be_fits() -> None:
    """Told by e-mail and by text, both, then told of a new code, and at last withdrawn."""
    shell = Shell(documents(), config=CONFIG, max_in_flight=2 * MOST_PERSONS).own()
    for number, (event_type, version) in enumerate(
        (("key.ready", 1), ("doorcode.changed", 2), ("key.revoked", 3), ("key.ready", 4))
    ):
        shell.give(given(event_type, {"key": crowd(version)}, number=number))
    assert len(shell.batches) > 3
    assert MOST_PERSONS * LONGEST_TEXT < largest(shell) < LARGEST_BATCH_BYTES


def test_an_event_with_as_many_workflows_as_are_configured_fits() -> None:
    shell = Shell(documents(), config=CONFIG, max_in_flight=300).own()
    order = {"note": "🔑" * 50_000, "customer": {"phone": "+12025550143"}}
    shell.give(given("order.shipped", order, number=0, platform="care"))
    assert 300 * LONGEST_TEXT < largest(shell) < LARGEST_BATCH_BYTES
