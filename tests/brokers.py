"""Which broker the tests run on, the best that can be had, and what it cannot do.

`NOTIFIER_TEST_BOOTSTRAP` when set; else testcontainers when a Docker engine answers; else Kafka from Maven; else
librdkafka's simulator, on which much is skipped, loudly. `NOTIFIER_REQUIRE_REAL_KAFKA=1` forbids the last.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from notifier.demo.broker import EmbeddedBrokerMissing, embedded_broker
from tests.local_kafka.server import LocalKafka, LocalKafkaMissing

IMAGE = "apache/kafka:4.1.0"


@dataclass(frozen=True)
class Broker:
    """`real` is Kafka itself; a simulator has neither groups of several members, nor topic creation, nor compaction."""

    bootstrap_servers: str
    kind: str
    real: bool
    why_not_real: str = ""


class NoBroker(Exception):
    """Nothing to run the tests on; the message lists what was tried."""


@contextmanager
def chosen_broker() -> Iterator[Broker]:
    """The broker of this test run. Raises `NoBroker`."""
    given = os.environ.get("NOTIFIER_TEST_BOOTSTRAP")
    if given:
        yield Broker(given, "the one of NOTIFIER_TEST_BOOTSTRAP", real=True)
        return
    refused: list[str] = []
    with ExitStack() as stack:
        broker = _in_docker(stack, refused) or _from_maven(stack, refused) or _simulated(stack, refused)
        if broker is None:
            raise NoBroker("; ".join(refused))
        yield broker


def _in_docker(stack: ExitStack, refused: list[str]) -> Broker | None:
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5)
        with_engine = client.ping()
        client.close()
    except DockerException:
        with_engine = False
    if not with_engine:
        refused.append("no Docker engine answers")
        return None
    from testcontainers.kafka import KafkaContainer

    try:
        container = stack.enter_context(KafkaContainer(IMAGE).with_kraft())
    except Exception as error:  # noqa: BLE001 - whatever the engine says, the next broker is tried
        refused.append(f"the Docker engine could not run {IMAGE} ({type(error).__name__})")
        return None
    return Broker(container.get_bootstrap_server(), f"{IMAGE} in Docker", real=True)


def _from_maven(stack: ExitStack, refused: list[str]) -> Broker | None:
    try:
        kafka = stack.enter_context(LocalKafka())
    except LocalKafkaMissing as missing:
        refused.append(f"no Kafka from Maven: {missing}")
        return None
    return Broker(kafka.bootstrap_servers, "Kafka from Maven", real=True)


def _simulated(stack: ExitStack, refused: list[str]) -> Broker | None:
    if os.environ.get("NOTIFIER_REQUIRE_REAL_KAFKA") == "1":
        refused.append("NOTIFIER_REQUIRE_REAL_KAFKA=1 forbids the simulator")
        return None
    try:
        address = stack.enter_context(embedded_broker())
    except EmbeddedBrokerMissing as missing:
        refused.append(str(missing))
        return None
    return Broker(address, "librdkafka's simulator", real=False, why_not_real="; ".join(refused))
