"""Which broker the tests run on, the best that can be had, and what it cannot do.

`NOTIFIER_TEST_BOOTSTRAP` when set; else testcontainers when a Docker engine answers; else Kafka from Maven; else
librdkafka's simulator, on which much is skipped, loudly. `NOTIFIER_REQUIRE_REAL_KAFKA=1` forbids the last.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

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
    if not _docker_answers():
        refused.append("no Docker engine answers")
        return None
    from testcontainers.kafka import KafkaContainer

    try:
        container = stack.enter_context(KafkaContainer(IMAGE).with_kraft())
    except Exception as error:  # noqa: BLE001 - whatever the engine says, the next broker is tried
        refused.append(f"the Docker engine could not run {IMAGE} ({type(error).__name__})")
        return None
    return Broker(container.get_bootstrap_server(), f"{IMAGE} in Docker", real=True)


def _docker_answers() -> bool:
    """Asked without the docker package, which leaves a socket behind where there is no engine."""
    address = urlsplit(os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock")
    try:
        if address.scheme == "unix":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(5)
                probe.connect(address.path)
        else:
            socket.create_connection((address.hostname or "", address.port or 2375), timeout=5).close()
    except OSError:
        return False
    return True


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
