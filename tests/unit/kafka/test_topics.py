"""The topics as data, and what counts as a difference."""

from __future__ import annotations

import pytest

from notifier.kafka.topic_checks import serves, setting_faults
from notifier.kafka.topics import Setting, planned
from notifier.settings import TopicSettings

TOPICS = {topic.name: topic for topic in planned(TopicSettings())}


def test_partitions_are_those_of_the_contract() -> None:
    assert {name: topic.partitions for name, topic in TOPICS.items()} == {
        "notifier.inbox": 12,
        "notifier.signals": 12,
        "notifier.ledger": 12,
        "notifier.results": 12,
        "notifier.dead-letters": 3,
        "notifier.config": 1,
    }


@pytest.mark.parametrize(
    ("topic", "setting", "value"),
    [
        ("notifier.inbox", "retention.ms", "604800000"),
        ("notifier.inbox", "message.timestamp.type", "LogAppendTime"),
        ("notifier.inbox", "max.message.bytes", "8388608"),
        ("notifier.signals", "message.timestamp.type", "LogAppendTime"),
        ("notifier.ledger", "cleanup.policy", "compact"),
        ("notifier.ledger", "segment.ms", "1800000"),
        ("notifier.ledger", "min.compaction.lag.ms", "3600000"),
        ("notifier.ledger", "max.compaction.lag.ms", "7200000"),
        ("notifier.ledger", "delete.retention.ms", "3600000"),
        ("notifier.ledger", "min.insync.replicas", "2"),
        ("notifier.results", "retention.ms", "1209600000"),
        ("notifier.dead-letters", "retention.ms", "2592000000"),
        ("notifier.config", "cleanup.policy", "compact"),
    ],
)
def test_settings_are_those_of_the_contract(topic: str, setting: str, value: str) -> None:
    assert TOPICS[topic].settings[setting].value == value


def test_on_one_broker_one_replica_in_sync_is_enough() -> None:
    assert planned(TopicSettings(), replication=1)[0].settings["min.insync.replicas"].value == "1"


def test_names_carry_the_prefix_and_sources_are_there_when_asked_for() -> None:
    names = [topic.name for topic in planned(TopicSettings(prefix="eu."), with_sources=True)]
    assert {"eu.notifier.ledger", "eu.pms.events", "eu.care.events"} <= set(names)


@pytest.mark.parametrize(
    ("bound", "value", "served"),
    [
        ("exactly", "100", True), ("exactly", "101", False),
        ("at least", "100", True), ("at least", "99", False), ("at least", "-1", True),
        ("at most", "100", True), ("at most", "101", False), ("at most", "-1", False),
    ],
)  # fmt: skip
def test_a_setting_may_be_stricter_than_needed_never_laxer(bound: str, value: str, served: bool) -> None:
    assert serves(Setting("100", bound), value) is served  # type: ignore[arg-type]


def test_a_ledger_that_is_compacted_too_soon_is_named_with_what_is_allowed() -> None:
    ledger = TOPICS["notifier.ledger"]
    actual = {name: setting.value for name, setting in ledger.settings.items()} | {"min.compaction.lag.ms": "0"}
    assert list(setting_faults(ledger, actual)) == [
        "notifier.ledger: min.compaction.lag.ms is 0, allowed: at least 3600000"
    ]
