"""Elections on a broker: who is named, how fast a change is told, and that members who go make room."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from notifier.kafka.connection import Options
from notifier.kafka.election import Election
from notifier.settings import KafkaSettings, TopicSettings
from tests.brokers import Broker

pytestmark = pytest.mark.integration
ALL = frozenset(range(4))


class Member:
    """A member that can leave or vanish without a word."""

    def __init__(self, options: Options, kafka: KafkaSettings, topics: TopicSettings, instance: str) -> None:
        self.told: list[frozenset[int]] = []
        self.news = asyncio.Event()
        now = asyncio.get_running_loop().time
        self.election = Election(
            options, kafka, topics, instance=instance, now=now, changed=self._told, heard=lambda _: self.news.set()
        )
        self.task = asyncio.create_task(self.election.run())

    def _told(self, partitions: frozenset[int]) -> None:
        self.told.append(partitions)
        self.news.set()

    @property
    def named(self) -> frozenset[int]:
        return self.election.named

    async def leave(self) -> None:
        self.election.leave()
        await self.task


async def until(members: list[Member], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            for member in members:
                member.news.clear()
            waiting = [asyncio.create_task(member.news.wait()) for member in members]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()


def divided_evenly(members: list[Member]) -> bool:
    """Everything is named once, and nobody has two more than another."""
    named = list(itertools.chain(*(member.named for member in members)))
    sizes = [len(member.named) for member in members]
    return sorted(named) == sorted(ALL) and max(sizes) - min(sizes) <= 1


@asynccontextmanager
async def elected(
    options: Options, kafka: KafkaSettings, topics: TopicSettings, *instances: str
) -> AsyncIterator[list[Member]]:
    members = [Member(options, kafka, topics, instance) for instance in instances]
    try:
        yield members
    finally:
        for member in members:
            member.election.leave()
        await asyncio.gather(*(member.task for member in members), return_exceptions=True)


async def test_a_lone_member_is_named_for_everything(
    options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    async with elected(options, kafka_settings, topics, "a") as members:
        await until(members, lambda: members[0].named == ALL)


async def test_three_members_share_and_the_others_take_over_from_one_that_leaves(
    real_kafka: Broker, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    """A member that leaves says so: the others do not wait for its session to end, which takes minutes here."""
    patient = kafka_settings.model_copy(update={"session_timeout": 120.0})
    async with elected(options, patient, topics, "a", "b", "c") as members:
        await until(members, lambda: divided_evenly(members))
        await members.pop().leave()
        await until(members, lambda: divided_evenly(members))


async def test_the_others_take_over_from_one_that_vanishes(
    real_kafka: Broker, options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    async with elected(options, kafka_settings, topics, "a", "b", "c") as members:
        await until(members, lambda: divided_evenly(members))
        vanished = members.pop()
        membership = vanished.election._membership
        coordinator = membership._coordinator
        assert coordinator is not None
        coordinator.generation = -1  # what a process does that is killed: it says nothing when it ends
        await vanished.leave()
        await until(members, lambda: divided_evenly(members))


async def test_it_is_known_when_the_group_was_last_heard_of(
    options: Options, kafka_settings: KafkaSettings, topics: TopicSettings
) -> None:
    """Rule 9: who lost to a claim claims again only after a heartbeat that was sent after it read that claim."""
    now = asyncio.get_running_loop().time
    async with elected(options, kafka_settings, topics, "a") as members:
        election = members[0].election
        assert not election.answered_after(0.0)
        await until(members, lambda: bool(members[0].named))
        claimed = now()
        assert not election.answered_after(claimed)
        await until(members, lambda: election.answered_after(claimed))
