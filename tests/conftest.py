"""What every test can ask for. The broker is one for the whole run; topics and groups are fresh for every test."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as property_settings

from notifier.kafka import topics as kafka_topics
from notifier.kafka.connection import Options, client_options
from notifier.settings import KafkaSettings, TopicSettings
from tests.brokers import Broker, NoBroker, chosen_broker
from tests.once import Elsewhere, Once, Source
from tests.prism.server import NO_OUTSIDE_OPINION

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

# No property is judged by how fast this machine is just now.
property_settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
property_settings.load_profile("untimed")

BROKER = pytest.StashKey[Source[Broker]]()
# Only where the run began: it keeps the broker for all processes that share the tests.
KEPT = pytest.StashKey[Once[Broker]]()
REQUIRED = os.environ.get("NOTIFIER_REQUIRE_REAL_KAFKA") == "1"
# Shared out in this order: while some wait for timers and for Kafka, the stories take what is left of the cores; short
# files come last, so that all processes end together.
SHARED_OUT = ("tests/simulation/", "tests/e2e/", "tests/integration/", "tests/contract/")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Begun in the background by a script: then the commands that tests interrupt would not hear of it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    shared = getattr(config, "workerinput", None)
    if shared is not None:
        config.stash[BROKER] = Elsewhere(shared["broker"])
        return
    kept = Once(chosen_broker)
    config.stash[BROKER] = config.stash[KEPT] = kept
    config.add_cleanup(kept.close)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput["broker"] = node.config.stash[KEPT].serve()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _turn(item.nodeid))


def _turn(nodeid: str) -> int:
    return next((turn for turn, folder in enumerate(SHARED_OUT) if nodeid.startswith(folder)), len(SHARED_OUT))


@pytest.fixture(scope="session")
def broker(request: pytest.FixtureRequest) -> Broker:
    """The broker of this run: real Kafka wherever one can be had."""
    try:
        return request.config.stash[BROKER].get()
    except NoBroker as none:
        if REQUIRED:
            pytest.fail(f"no real Kafka: {none}")
        pytest.skip(f"no broker: {none}")


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
    _tell_of_prism(terminalreporter)
    used = _used(config)
    if used is None:
        return
    terminalreporter.write_sep("=", "broker")
    terminalreporter.write_line(f"these tests ran on {used.kind}")
    if not used.real:
        terminalreporter.write_line(
            f"NOT A REAL KAFKA ({used.why_not_real}): tests that need one were SKIPPED, see above", red=True, bold=True
        )


def _tell_of_prism(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = [report.longrepr for report in terminalreporter.stats.get("skipped", [])]
    whys = {reason[2].partition(NO_OUTSIDE_OPINION)[2] for reason in reasons if NO_OUTSIDE_OPINION in reason[2]}
    for why in sorted(whys):
        terminalreporter.write_sep("=", "outside opinion")
        terminalreporter.write_line(f"PRISM WAS NOT ASKED ({why}): its tests were SKIPPED", red=True, bold=True)


def _used(config: pytest.Config) -> Broker | None:
    kept = config.stash.get(KEPT, None)
    return kept.found if kept else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput"):
        return
    used = _used(session.config)
    collecting = session.config.option.collectonly
    if REQUIRED and not collecting and exitstatus == pytest.ExitCode.OK and (used is None or not used.real):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
