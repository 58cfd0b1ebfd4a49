"""What every test can ask for. The broker is one for the whole run; topics and groups are fresh for every test."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings

from notifier.kafka import topics as kafka_topics
from notifier.kafka.connection import Options, client_options
from notifier.settings import KafkaSettings, TopicSettings
from tests.brokers import Broker, NoBroker, chosen_broker

# No property is judged by how fast this machine is just now.
property_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("untimed")

USED = pytest.StashKey[Broker]()
REQUIRED = os.environ.get("NOTIFIER_REQUIRE_REAL_KAFKA") == "1"


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """The broker of this run: real Kafka wherever one can be had."""
    with ExitStack() as stack:
        try:
            chosen = stack.enter_context(chosen_broker())
        except NoBroker as none:
            if REQUIRED:
                pytest.fail(f"no real Kafka: {none}")
            pytest.skip(f"no broker: {none}")
        request.config.stash[USED] = chosen
        yield chosen


@pytest.fixture
def real_kafka(broker: Broker) -> Broker:
    """For tests of what only Kafka itself does."""
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    return broker


@pytest.fixture
def kafka_settings(broker: Broker) -> KafkaSettings:
    """Fresh groups, and a session time-out short enough to wait for."""
    prefix = f"test-{uuid.uuid4().hex[:12]}"
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers, group_prefix=prefix, session_timeout=3.0)


@pytest.fixture
def options(kafka_settings: KafkaSettings) -> Options:
    return client_options(kafka_settings)


@pytest.fixture
async def topics(broker: Broker, options: Options) -> AsyncIterator[TopicSettings]:
    """All topics of the contract under a prefix of their own; gone afterwards. A simulator makes them when touched."""
    settings = TopicSettings(prefix=f"test-{uuid.uuid4().hex[:12]}.")
    wanted = kafka_topics.planned(settings, partitions=4, replication=1, with_sources=True)
    async with kafka_topics.admin(options) as admin:
        if not broker.real:
            await admin.describe_topics([topic.name for topic in wanted])
            yield settings
            return
        await kafka_topics.create(admin, wanted, 1)
        yield settings
        await admin.delete_topics([topic.name for topic in wanted])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    used = config.stash.get(USED, None)
    if used is None:
        return
    terminalreporter.write_sep("=", "broker")
    terminalreporter.write_line(f"these tests ran on {used.kind}")
    if not used.real:
        terminalreporter.write_line(
            f"NOT A REAL KAFKA ({used.why_not_real}): tests that need one were SKIPPED, see above", red=True, bold=True
        )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    used = session.config.stash.get(USED, None)
    collecting = session.config.option.collectonly
    if REQUIRED and not collecting and exitstatus == pytest.ExitCode.OK and (used is None or not used.real):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
