"""`notifier topics` and `notifier ingest` as an operator uses them."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest
from typer.testing import CliRunner

from notifier.commands.main import build
from notifier.domain.documents import Halt, document_key
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import client_options
from notifier.settings import KafkaSettings
from tests.brokers import Broker

pytestmark = pytest.mark.integration
RUN = CliRunner()


@pytest.fixture
def prefix(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> str:
    """A clean environment that names the broker and a prefix of topics."""
    name = f"test-{uuid.uuid4().hex[:12]}."
    monkeypatch.setenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    monkeypatch.setenv("NOTIFIER_TOPICS__PREFIX", name)
    return name


def test_plan_shows_the_topics_without_asking_the_broker(prefix: str) -> None:
    shown = RUN.invoke(build(), ["topics", "plan", "--partitions", "6", "--replication-factor", "1", "--json"])
    rows = {row["topic"]: row for row in map(json.loads, shown.stdout.splitlines())}
    ledger = rows[f"{prefix}notifier.ledger"]
    assert (ledger["partitions"], ledger["replicationFactor"]) == (6, 1)
    assert ledger["settings"]["min.compaction.lag.ms"] == "3600000"


def test_create_can_be_repeated_and_verify_is_content_with_it(real_kafka: Broker, prefix: str) -> None:
    ask = ["topics", "create", "--partitions", "2", "--replication-factor", "1"]
    assert f"{prefix}notifier.ledger: created" in RUN.invoke(build(), ask).stdout
    assert f"{prefix}notifier.ledger: exists" in RUN.invoke(build(), ask).stdout
    verified = RUN.invoke(build(), ["topics", "verify", "--replication-factor", "1"])
    assert (verified.exit_code, verified.stdout) == (0, "all topics are as they should be\n")


def test_verify_names_every_difference_and_fails(real_kafka: Broker, prefix: str) -> None:
    verified = RUN.invoke(build(), ["topics", "verify"])
    assert verified.exit_code == 1
    assert f"{prefix}notifier.config: missing" in verified.stdout.splitlines()


def test_resume_ends_a_halt_and_names_what_is_halted_when_asked_for_something_else(
    real_kafka: Broker, prefix: str
) -> None:
    RUN.invoke(build(), ["topics", "create", "--partitions", "2", "--replication-factor", "1"])
    halt = Halt(tenant="platform", name="pms.events:0", offset=3, reason="junk")
    options = client_options(KafkaSettings(bootstrap_servers=real_kafka.bootstrap_servers))
    asyncio.run(append_config(options, f"{prefix}notifier.config", [(document_key(halt), halt)]))
    other = RUN.invoke(build(), ["ingest", "resume", "pms.events:1"])
    assert str(other.exception) == "pms.events:1 is not halted; halted: pms.events:0"
    resumed = RUN.invoke(build(), ["ingest", "resume", "pms.events:0"])
    assert (resumed.exit_code, resumed.stdout) == (0, "offset 1\n")
    assert str(RUN.invoke(build(), ["ingest", "resume", "pms.events:0"]).exception).endswith("halted: nothing")
