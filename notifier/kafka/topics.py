"""The topics of contract section 3 as data, how they are created, and what the daemon asks of them before it starts.

Creating is safe to repeat and never changes what exists: aiokafka can only replace all settings of a topic at once, and
operators have their own ways. `topic_checks` compares.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from notifier.kafka.connection import LARGEST_BATCH_BYTES, Options, bounded
from notifier.kafka.failures import KAFKA_TROUBLE, BrokerAway, TopicsUnfit
from notifier.settings import TopicRole, TopicSettings

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
DEFAULT_PARTITIONS, DEFAULT_REPLICATION = 12, 3
DEAD_LETTER_PARTITIONS, SOURCE_PARTITIONS = 3, 12
_TOPIC_EXISTS = 36
_VISIBLE_SECONDS, _LOOK_SECONDS = 20.0, 0.05
PARTITIONED_ALIKE: tuple[TopicRole, ...] = ("inbox", "signals", "ledger")  # partition n of each has the same owner

Bound = Literal["exactly", "at least", "at most"]


@dataclass(frozen=True, slots=True)
class Setting:
    """A topic setting, and which other values serve as well. Kafka's -1 stands for without limit."""

    value: str
    bound: Bound = "exactly"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it should be."""

    name: str
    partitions: int
    settings: Mapping[str, Setting]


def _kept_for(days: int) -> dict[str, Setting]:
    return {"cleanup.policy": Setting("delete"), "retention.ms": Setting(str(days * DAY_MS), "at least")}


_APPEND_TIME = {"message.timestamp.type": Setting("LogAppendTime")}
_LARGE = {"max.message.bytes": Setting(str(LARGEST_BATCH_BYTES), "at least")}
_NO_LOSS = {"unclean.leader.election.enable": Setting("false")}
_SETTINGS: dict[TopicRole, dict[str, Setting]] = {
    "inbox": _kept_for(7) | _APPEND_TIME | _LARGE,
    "signals": _kept_for(7) | _APPEND_TIME,
    "ledger": {
        "cleanup.policy": Setting("compact"),
        "segment.ms": Setting(str(30 * MINUTE_MS), "at most"),
        # Outlasts any restore, any late append and any ordinary time without an owner (design rule 10).
        "min.compaction.lag.ms": Setting(str(HOUR_MS), "at least"),
        "max.compaction.lag.ms": Setting(str(2 * HOUR_MS), "at most"),
        "delete.retention.ms": Setting(str(HOUR_MS), "at least"),
    }
    | _APPEND_TIME
    | _LARGE,
    "results": _kept_for(14),
    "dead_letters": _kept_for(30) | _LARGE,
    "config": {"cleanup.policy": Setting("compact")},
}


def planned(
    topics: TopicSettings,
    *,
    partitions: int = DEFAULT_PARTITIONS,
    replication: int = DEFAULT_REPLICATION,
    with_sources: bool = False,
) -> tuple[Topic, ...]:
    """Every topic of ours as `create` would make it, and the producers' with the cluster's own settings if wanted."""
    counts: dict[TopicRole, int] = {"dead_letters": DEAD_LETTER_PARTITIONS, "config": 1}
    in_sync = {"min.insync.replicas": Setting(str(min(2, max(1, replication - 1))), "at least")}
    ours = tuple(
        Topic(topics.name(role), counts.get(role, partitions), settings | _NO_LOSS | in_sync)
        for role, settings in _SETTINGS.items()
    )
    if not with_sources:
        return ours
    sources = (*topics.sources("pms"), *topics.sources("care"))
    return ours + tuple(Topic(name, SOURCE_PARTITIONS, {}) for name in sources)


@asynccontextmanager
async def admin(options: Options) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises `BrokerAway` when none answers, at the start or later."""
    client = AIOKafkaAdminClient(**options)
    try:
        await client.start()
        yield client
    except KAFKA_TROUBLE as trouble:
        raise BrokerAway(f"no broker answers at {options['bootstrap_servers']} ({type(trouble).__name__})") from trouble
    finally:
        await bounded(client.close())


async def existing(client: AIOKafkaAdminClient) -> dict[str, tuple[int, int]]:
    """Partitions and replicas of every topic that this client may see."""
    found: dict[str, tuple[int, int]] = {}
    for topic in await client.describe_topics():
        partitions = topic["partitions"]
        found[topic["topic"]] = (len(partitions), min((len(p["replicas"]) for p in partitions), default=0))
    return found


async def create(client: AIOKafkaAdminClient, wanted: tuple[Topic, ...], replication: int) -> dict[str, bool]:
    """Make what is missing; True for each topic that is new. Raises `TopicsUnfit` with the broker's refusals.

    Returns when the broker shows what it made, so that whoever comes next finds it.
    """
    there = await existing(client)
    missing = [topic for topic in wanted if topic.name not in there]
    created = dict.fromkeys((topic.name for topic in wanted), False)
    if not missing:
        return created
    asked = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=_values(topic.settings)) for topic in missing
    ]
    refused: list[str] = []
    for name, code, message in _errors(await client.create_topics(asked)):
        if code == 0:
            created[name] = True
        elif code != _TOPIC_EXISTS:  # somebody else just made it: as good
            refused.append(f"{name}: {message or for_code(code).__name__}")
    if refused:
        raise TopicsUnfit("; ".join(refused))
    async with asyncio.timeout(_VISIBLE_SECONDS):
        while not created.keys() <= (await existing(client)).keys():  # noqa: ASYNC110 - a broker does not tell by itself
            await asyncio.sleep(_LOOK_SECONDS)
    return created


async def partition_count(options: Options, topics: TopicSettings) -> int:
    """Into how many partitions the engine's work is divided. Raises `TopicsUnfit`, `BrokerAway`."""
    async with admin(options) as client:
        there = await existing(client)
    names = [topics.name(role) for role in PARTITIONED_ALIKE]
    needed = [*names, *(topics.name(role) for role in _SETTINGS if role not in PARTITIONED_ALIKE)]
    missing = [name for name in needed if name not in there]
    if missing:
        raise TopicsUnfit(f"missing topics: {', '.join(missing)}; `notifier topics create` makes them")
    counts = {name: there[name][0] for name in names}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise TopicsUnfit(f"inbox, signals and ledger need equally many partitions: {listed}")
    return counts[names[0]]


def _values(settings: Mapping[str, Setting]) -> dict[str, str]:
    return {name: setting.value for name, setting in settings.items()}


def _errors(response: object) -> list[tuple[str, int, str | None]]:
    """Name, error code and message of each topic; the message is missing in the oldest form of the answer."""
    rows: list[tuple[str, int, str | None]] = []
    for row in response.topic_errors:  # type: ignore[attr-defined]  # aiokafka ships no types
        rows.append((row[0], row[1], row[2] if len(row) > 2 else None))
    return rows
