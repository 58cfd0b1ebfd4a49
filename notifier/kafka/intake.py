"""What becomes of one source record: an inbox record for its tenant, or a dead letter. No I/O.

The inbox record says where the event stood in its source, so that the engine knows a record that was merely read again;
the dead letter keeps the producer's own bytes (contract section 7).
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from notifier.domain.catalog import Catalog
from notifier.domain.cloudevents import ReadEvent, Refusal, read_event
from notifier.domain.events import Platform, SourcePosition
from notifier.kafka.assignor import Place
from notifier.kafka.batches import Headers, Message
from notifier.kafka.reading import RawRecord
from notifier.kafka.store import position_headers

LARGEST_DEAD_VALUE = 4 * 1024 * 1024
_LARGEST_DEAD_KEY = _LARGEST_DEAD_HEADERS = 1024 * 1024  # beyond it no batch could hold the record

_encode = msgspec.json.Encoder().encode


def understand(record: RawRecord, platform: Platform, max_bytes: int, catalog: Catalog) -> ReadEvent | Refusal:
    """The event of a known tenant, or the first reason of contract section 7 why there is none."""
    read = read_event(record.value, record.headers, platform, max_bytes)
    if read.tenant is None:
        return read
    tenant = catalog.tenants.get(read.tenant)
    if tenant is None:
        return Refusal("unknown_tenant", "tenant: is not configured")
    if tenant.document.platform != platform:
        return Refusal("unknown_tenant", f"tenant: is configured for the platform {tenant.document.platform}")
    return read


def inbox_message(topic: str, event: ReadEvent, position: SourcePosition, config_offset: int) -> Message:
    """`config_offset`: the configuration that ingest knew; the engine waits until it knows as much."""
    value = _encode(event.inbox_event(config_offset))
    return Message(topic, event.tenant.encode(), value, position_headers(position), of_tenant=True)


def dead_letter(topic: str, record: RawRecord, refusal: Refusal, place: Place, now: float) -> Message:
    """The original key, value and headers, with what is wrong behind them. `now` in seconds since 1970.

    `notifier-truncated` (the full size of the value) says that it is not the whole record, whatever of it was cut.
    """
    key, value = record.key, record.value
    original: Headers = record.headers
    too_many = sum(len(name) + len(content or b"") for name, content in original) > _LARGEST_DEAD_HEADERS
    if too_many:
        original = ()
    cut = too_many or len(value or b"") > LARGEST_DEAD_VALUE or len(key or b"") > _LARGEST_DEAD_KEY
    headers = [
        *original,
        ("notifier-reason", refusal.reason.encode()),
        ("notifier-detail", refusal.detail.encode()),
        ("notifier-topic", place[0].encode()),
        ("notifier-partition", b"%d" % place[1]),
        ("notifier-offset", b"%d" % record.offset),
        ("notifier-time", datetime.fromtimestamp(now, UTC).isoformat().encode()),
    ]
    if cut:
        headers.append(("notifier-truncated", b"%d" % len(value or b"")))
    return Message(
        topic,
        None if key is None else key[:_LARGEST_DEAD_KEY],
        None if value is None else value[:LARGEST_DEAD_VALUE],
        headers,
        lot=place[1],
    )
