"""Topics on a broker: made once, compared exactly, and refused by the daemon when they do not fit together."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest

from notifier.kafka.connection import Options
from notifier.kafka.failures import BrokerAway, TopicsUnfit
from notifier.kafka.topic_checks import differences
from notifier.kafka.topics import Topic, admin, create, partition_count, planned
from notifier.settings import TopicSettings
from tests.brokers import Broker

pytestmark = pytest.mark.integration


@pytest.fixture
async def fresh(real_kafka: Broker, options: Options) -> AsyncIterator[TopicSettings]:
    """Names under which there is no topic yet."""
    settings = TopicSettings(prefix=f"test-{uuid.uuid4().hex[:12]}.")
    yield settings
    async with admin(options) as client:
        mine = [name for name in await client.list_topics() if name.startswith(settings.prefix)]
        if mine:
            await client.delete_topics(mine)


async def compared(options: Options, topics: TopicSettings, replication: int | None = 1) -> list[str]:
    async with admin(options) as client:
        return await differences(client, topics, planned(topics, replication=1), replication)


async def test_what_create_makes_is_what_verify_wants(options: Options, fresh: TopicSettings) -> None:
    wanted = planned(fresh, partitions=5, replication=1)
    async with admin(options) as client:
        assert set((await create(client, wanted, 1)).values()) == {True}
    assert await compared(options, fresh) == []
    assert await partition_count(options, fresh) == 5


async def test_creating_again_changes_nothing(options: Options, fresh: TopicSettings) -> None:
    async with admin(options) as client:
        await create(client, planned(fresh, partitions=2, replication=1), 1)
        assert set((await create(client, planned(fresh, partitions=9, replication=1), 1)).values()) == {False}
    assert await partition_count(options, fresh) == 2


async def test_missing_topics_are_named_and_the_daemon_says_what_makes_them(
    options: Options, fresh: TopicSettings
) -> None:
    assert f"{fresh.name('ledger')}: missing" in await compared(options, fresh)
    with pytest.raises(TopicsUnfit, match=f"{fresh.name('inbox')}.*notifier topics create"):
        await partition_count(options, fresh)


async def test_partition_counts_that_differ_are_refused(options: Options, fresh: TopicSettings) -> None:
    """The config topic may have any number; inbox, signals and ledger must agree."""
    async with admin(options) as client:
        odd = Topic(fresh.name("signals"), 3, {})
        await create(client, (odd, Topic(fresh.name("config"), 4, {})), 1)
        await create(client, planned(fresh, partitions=2, replication=1), 1)
    with pytest.raises(TopicsUnfit, match=r"inbox has 2, .*signals has 3, .*ledger has 2"):
        await partition_count(options, fresh)
    assert any("equally many partitions" in fault for fault in await compared(options, fresh))


async def test_settings_that_would_lose_something_are_named(options: Options, fresh: TopicSettings) -> None:
    async with admin(options) as client:
        await create(client, (Topic(fresh.name("ledger"), 2, {}),), 1)
        await create(client, planned(fresh, partitions=2, replication=1), 1)
    faults = [fault.removeprefix(f"{fresh.name('ledger')}: ") for fault in await compared(options, fresh)]
    assert "cleanup.policy is delete, allowed: compact" in faults
    assert "min.compaction.lag.ms is 0, allowed: at least 3600000" in faults
    assert "message.timestamp.type is CreateTime, allowed: LogAppendTime" in faults
    assert "max.message.bytes is 1048588, allowed: at least 8388608" in faults


async def test_too_few_replicas_are_named_when_asked_for(options: Options, fresh: TopicSettings) -> None:
    async with admin(options) as client:
        await create(client, planned(fresh, partitions=2, replication=1), 1)
    assert f"{fresh.name('inbox')}: 1 replicas, needed: 3" in await compared(options, fresh, replication=3)
    assert await compared(options, fresh, replication=None) == []


async def test_a_refusal_of_the_broker_is_passed_on(options: Options, fresh: TopicSettings) -> None:
    async with admin(options) as client:
        with pytest.raises(TopicsUnfit, match=r"notifier\.inbox"):
            await create(client, planned(fresh, replication=7), 7)


async def test_a_broker_that_is_away_is_named_by_its_address(options: Options) -> None:
    with pytest.raises(BrokerAway, match=r"no broker answers at 127\.0\.0\.1:1"):
        await partition_count(options | {"bootstrap_servers": "127.0.0.1:1"}, TopicSettings())
