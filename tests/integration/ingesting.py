"""Ingests on a broker with topics and tenants of their own, and what happens to their topics, for tests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import RecordsToDelete
from prometheus_client import CollectorRegistry

from notifier.domain.documents import Halt, Tenant, document_key
from notifier.domain.events import InboxEvent
from notifier.kafka.config_topic import ConfigFollower, read_config, write_config
from notifier.kafka.connection import Options
from notifier.kafka.halts import halt_key
from notifier.kafka.ingest import Following, Ingest
from notifier.kafka.store import inbox_record
from notifier.kafka.topics import admin, create, planned
from notifier.metrics import Metrics
from notifier.settings import IngestSettings, KafkaSettings, Settings, TopicSettings
from tests import poison
from tests.integration.records import Given, until_there_are


def event(number: int, tenant: str = poison.PMS_TENANT) -> Given:
    return (b"any", poison.encode(poison.pms_event(f"evt-{number}", tenant=tenant)), poison.STRUCTURED)


class World:
    """One broker's topics, the configuration, and as many ingests as a test wants."""

    def __init__(self, options: Options, kafka: KafkaSettings, topics: TopicSettings) -> None:
        self.options, self.kafka, self.topics = options, kafka, topics
        self.pms, self.care = topics.sources("pms")[0], topics.sources("care")[0]
        self.inbox, self.dead = topics.name("inbox"), topics.name("dead_letters")
        self.metrics = Metrics(CollectorRegistry(), "test")

    async def configure(self, tenants: dict[str, str] = poison.TENANTS) -> None:
        documents = [
            Tenant(tenant=name, platform="pms" if platform == "pms" else "care", name=name)
            for name, platform in tenants.items()
        ]
        end = (await read_config(self.options, self.topics.name("config"))).end
        changes = [(document_key(document), document) for document in documents]
        await write_config(self.options, self.topics.name("config"), changes, expected_end=end)

    @asynccontextmanager
    async def ingesting(
        self,
        instance: str = "a",
        following: Callable[[ConfigFollower], Following] = lambda follower: follower,
        **ingest: object,
    ) -> AsyncIterator[Ingest]:
        settings = Settings(
            kafka=self.kafka, topics=self.topics, instance_id=instance, ingest=IngestSettings.model_validate(ingest)
        )
        follower = ConfigFollower(self.options, self.topics.name("config"))
        follow = asyncio.create_task(follower.run())
        role = Ingest(self.options, settings, following(follower), self.metrics, time.time)
        running = asyncio.create_task(role.run())
        try:
            yield role
            role.stop()
            await running
        finally:
            running.cancel()
            follow.cancel()
            await asyncio.gather(running, follow, return_exceptions=True)

    async def accepted(self, count: int) -> list[InboxEvent]:
        found = await until_there_are(self.options, self.inbox, count)
        return [inbox_record(record).event for record in found]


async def until_halted(world: World, name: str) -> Halt:
    while True:
        documents = (await read_config(world.options, world.topics.name("config"))).documents
        found = documents.get(halt_key(name))
        if isinstance(found, Halt):
            return found


async def resume(world: World, name: str) -> None:
    end = (await read_config(world.options, world.topics.name("config"))).end
    await write_config(world.options, world.topics.name("config"), [(halt_key(name), None)], expected_end=end)


async def delete_before(world: World, at: TopicPartition, offset: int) -> None:
    """As retention does."""
    async with admin(world.options) as client:
        await client.delete_records({at: RecordsToDelete(before_offset=offset)})


def alerts(world: World, what: str) -> float:
    labels = {"source": world.pms, "type": "", "result": what}
    return world.metrics.registry.get_sample_value("notifier_events_total", labels) or 0.0


async def commit(world: World, at: TopicPartition, offset: int) -> None:
    consumer = AIOKafkaConsumer(**world.options, group_id=world.kafka.group("ingest"), enable_auto_commit=False)
    consumer.assign([at])
    await consumer.start()
    await consumer.commit({at: offset})
    await consumer.stop()


async def make_anew(world: World, topic: str) -> None:
    """Delete it with all its records, and make it again, empty."""
    wanted = planned(world.topics, partitions=4, replication=1, with_sources=True)
    async with admin(world.options) as client:
        await client.delete_topics([topic])
        while not (await create(client, tuple(each for each in wanted if each.name == topic), 1))[topic]:
            pass
