"""Comparing the topics of a cluster with what they should be: every difference in one line of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from notifier.kafka.failures import TopicsUnfit
from notifier.kafka.topics import PARTITIONED_ALIKE, Setting, Topic, existing
from notifier.settings import TopicSettings


async def differences(
    client: AIOKafkaAdminClient, topics: TopicSettings, wanted: tuple[Topic, ...], replication: int | None
) -> list[str]:
    """What is wrong with the topics, one line each; empty when all is as it should be.

    How many replicas there are is compared only when `replication` says how many there should be. Raises `TopicsUnfit`
    when the broker does not tell.
    """
    there = await existing(client)
    found = [topic.name for topic in wanted if topic.name in there]
    actual = await _settings(client, found) if found else {}
    faults = [f"{topic.name}: missing" for topic in wanted if topic.name not in there]
    faults += _partition_faults(topics, there)
    for topic in wanted:
        if topic.name not in there:
            continue
        replicas = there[topic.name][1]
        if replication is not None and replicas < replication:
            faults.append(f"{topic.name}: {replicas} replicas, needed: {replication}")
        faults += setting_faults(topic, actual.get(topic.name, {}), compare_in_sync=replication is not None)
    return faults


def setting_faults(topic: Topic, actual: Mapping[str, str], *, compare_in_sync: bool = True) -> Iterator[str]:
    """The settings of one topic that do not serve."""
    for name, setting in topic.settings.items():
        if name == "min.insync.replicas" and not compare_in_sync:
            continue
        value = actual.get(name)
        if value is None or not serves(setting, value):
            allowed = setting.value if setting.bound == "exactly" else f"{setting.bound} {setting.value}"
            yield f"{topic.name}: {name} is {'not told' if value is None else value}, allowed: {allowed}"


def serves(setting: Setting, value: str) -> bool:
    """Whether a cluster's value does what ours is for."""
    if setting.bound == "exactly":
        return value == setting.value
    endless = value == "-1"
    if setting.bound == "at least":
        return endless or int(value) >= int(setting.value)
    return not endless and int(value) <= int(setting.value)


def _partition_faults(topics: TopicSettings, there: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    names = [topics.name(role) for role in PARTITIONED_ALIKE]
    counts = {name: there[name][0] for name in names if name in there}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} has {count}" for name, count in counts.items())
        yield f"inbox, signals and ledger need equally many partitions: {listed}"


async def _settings(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    told: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs(asked):
        for code, message, _, name, entries in response.resources:
            if code != 0:
                raise TopicsUnfit(
                    f"{name}: the broker does not tell its settings ({message or for_code(code).__name__})"
                )
            told[name] = {entry[0]: entry[1] for entry in entries}
    return told
