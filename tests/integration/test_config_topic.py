"""The configuration topic on a broker: followed live, written whole or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from notifier.domain.config_records import encode_document
from notifier.domain.documents import Document, Tenant, document_key
from notifier.kafka.config_topic import (
    CONFIG_PARTITION,
    ConfigFollower,
    ConfigNotWritten,
    ConfigRaced,
    append_config,
    read_config,
    write_config,
)
from notifier.kafka.connection import Options, new_producer, stop_producer
from notifier.settings import TopicSettings
from tests.brokers import Broker

pytestmark = pytest.mark.integration

SECONDS = 30.0


def tenant(name: str, **changes: object) -> Tenant:
    return Tenant(tenant=name, platform="pms", name=name, **changes)  # type: ignore[arg-type]


def change(document: Document) -> tuple[str, Document]:
    return document_key(document), document


async def write_raw(options: Options, topic: str, *records: tuple[bytes | None, bytes | None]) -> None:
    producer = new_producer(options)
    await producer.start()
    try:
        for key, value in records:
            await producer.send_and_wait(topic, value, key=key, partition=CONFIG_PARTITION)
    finally:
        await stop_producer(producer)


@asynccontextmanager
async def following(options: Options, topic: str) -> AsyncIterator[ConfigFollower]:
    follower = ConfigFollower(options, topic)
    task = asyncio.create_task(follower.run())
    try:
        async with asyncio.timeout(SECONDS):
            yield follower
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_follower_reads_all_and_then_what_changes(options: Options, topics: TopicSettings) -> None:
    topic = topics.name("config")
    await write_config(options, topic, [change(tenant("a")), change(tenant("b"))], expected_end=0)
    async with following(options, topic) as follower:
        catalog = await follower.wait_loaded()
        assert (set(catalog.tenants), catalog.offset) == ({"a", "b"}, 1)
        offset = await write_config(options, topic, [("Tenant/a", None), change(tenant("c"))], expected_end=2)
        await follower.wait_for(offset)
        assert (set(follower.catalog.tenants), follower.offset, offset) == ({"b", "c"}, 3, 3)


async def test_an_empty_topic_is_a_whole_catalog(options: Options, topics: TopicSettings) -> None:
    async with following(options, topics.name("config")) as follower:
        catalog = await follower.wait_loaded()
        assert (catalog.tenants, catalog.offset) == ({}, -1)


async def test_changes_are_told_one_after_another(options: Options, topics: TopicSettings) -> None:
    topic = topics.name("config")
    async with following(options, topic) as follower:
        seen = follower.changes()
        assert not (await anext(seen)).tenants
        await append_config(options, topic, [change(tenant("a"))])
        assert set((await anext(seen)).tenants) == {"a"}
        await seen.aclose()


async def test_waiting_for_the_end_sees_what_was_written_before_the_call(
    options: Options, topics: TopicSettings
) -> None:
    topic = topics.name("config")
    async with following(options, topic) as follower:
        await follower.wait_loaded()
        await append_config(options, topic, [change(tenant("late"))])
        assert "late" in (await follower.wait_for_end()).tenants


async def test_what_cannot_be_used_is_reported_and_left_out(options: Options, topics: TopicSettings) -> None:
    """A record of nobody's making stops nothing, and the document that it would have replaced stays in force."""
    topic = topics.name("config")
    await write_raw(
        options,
        topic,
        (b"Tenant/a", encode_document(tenant("a"))),
        (b"Tenant/a", b"{not json"),
        (b"Tenant/a", encode_document(tenant("other"))),
        (b"\xff", b'{"kind":"Tenant"}'),
        (b"Tenant/zone", encode_document(tenant("zone", timezone="Mars/Olympus"))),
        (b"Tenant/b", encode_document(tenant("b"))),
    )
    with capture_logs() as logs:
        async with following(options, topic) as follower:
            catalog = await follower.wait_loaded()
    assert {"a", "b"} <= set(catalog.tenants)
    assert "other" not in catalog.tenants
    told = [(log["event"], log.get("offset")) for log in logs if log["log_level"] == "error"]
    assert told == [*(("config_record_refused", offset) for offset in (1, 2, 3)), ("config_document_refused", None)]


async def test_a_snapshot_is_what_is_in_force(options: Options, topics: TopicSettings) -> None:
    topic = topics.name("config")
    await write_config(options, topic, [change(tenant("a")), change(tenant("b"))], expected_end=0)
    await write_config(options, topic, [("Tenant/a", None)], expected_end=2)
    snapshot = await read_config(options, topic)
    assert (set(snapshot.documents), snapshot.end) == ({"Tenant/b"}, 3)


async def test_a_topic_that_moved_is_not_written_to(options: Options, topics: TopicSettings) -> None:
    topic = topics.name("config")
    await write_config(options, topic, [change(tenant("a"))], expected_end=0)
    with pytest.raises(ConfigNotWritten, match="run it again"):
        await write_config(options, topic, [change(tenant("b"))], expected_end=0)
    assert set((await read_config(options, topic)).documents) == {"Tenant/a"}


async def test_a_write_at_the_same_moment_is_said(options: Options, topics: TopicSettings) -> None:
    """Somebody writes after the last look and before the batch: the offset of the batch tells."""
    topic = topics.name("config")
    await append_config(options, topic, [change(tenant("other"))])
    with pytest.raises(ConfigRaced, match="offsets 0 to 0"):
        await append_config(options, topic, [change(tenant("a"))], expected_first=0)


async def test_what_does_not_fit_into_one_batch_is_refused_whole(
    real_kafka: Broker, options: Options, topics: TopicSettings
) -> None:
    topic = topics.name("config")
    large = [change(tenant(f"t{number}", date_time_format="%d " * 1000)) for number in range(800)]
    with pytest.raises(ConfigNotWritten, match="do not fit"):
        await write_config(options, topic, large, expected_end=0)
    assert not (await read_config(options, topic)).documents
