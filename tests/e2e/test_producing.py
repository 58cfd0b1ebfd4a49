"""The producers of the how-to, as printed there: each event is where its tenant's events are, and is accepted."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from notifier.kafka.partitions import partition_of
from notifier.kafka.reading import PartitionReader
from notifier.kafka.topics import SOURCE_PARTITIONS
from tests.brokers import Broker
from tests.e2e.fleet import Fleet
from tests.integration.records import until_there_are, whole
from tests.local_kafka.server import LocalKafkaMissing, jars

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "produce-events.md"
TENANT = "north-clinic"
PRODUCERS = {
    "kcat": "order-10421-shipped",
    "Python, confluent-kafka": "order-10422-shipped",
    "Python, aiokafka": "order-10423-shipped",
    "Java": "order-10424-shipped",
}


def snippets() -> dict[str, tuple[str, str]]:
    """Language and code of the one block under each heading."""
    found: dict[str, tuple[str, str]] = {}
    for section in re.split(r"^#+ ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        assert len(blocks) <= 1, "one block under a heading, so that it can be named"
        found |= dict.fromkeys([section.splitlines()[0]], blocks[0]) if blocks else {}
    return found


def missing(heading: str) -> list[str]:
    """What a producer needs and this machine has not."""
    if heading == "kcat":
        return [tool for tool in ("bash", "jq", "kcat") if shutil.which(tool) is None]
    if heading == "Java":
        try:
            jars()
        except LocalKafkaMissing as none:
            return [str(none)]
        return []
    module = heading.removeprefix("Python, ").replace("-", "_")
    return [] if find_spec(module) is not None else [module]


def prepared(heading: str, code: str, folder: Path) -> list[str]:
    """How to run it, in a folder of its own that has what it needs."""
    folder.mkdir()
    if heading == "kcat":
        return ["bash", "-euo", "pipefail", "-c", code]
    if heading == "Java":
        (folder / "ProduceEvent.java").write_text(code)
        return ["java", "-cp", f"{jars()}/*", "ProduceEvent.java"]
    (folder / "produce_event.py").write_text(code)
    return [sys.executable, "produce_event.py"]


async def produce(fleet: Fleet, heading: str, folder: Path) -> None:
    """Only the topics' prefix and the broker's address are this test's."""
    code = snippets()[heading][1].replace("care.events", fleet.topics.sources("care")[0])
    process = await asyncio.create_subprocess_exec(
        *prepared(heading, code, folder), cwd=folder, env={**os.environ, "BROKER": fleet.kafka.bootstrap_servers},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, said.decode()


@pytest.fixture
async def fleet(real_kafka: Broker, tmp_path: Path) -> AsyncIterator[Fleet]:
    """One ingest that knows the clinic."""
    made = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    try:
        await made.prepare(made.care_documents(TENANT))
        made.start("ingest", "ingest")
        yield made
    finally:
        made.stop()


async def test_every_producer_puts_the_event_where_its_tenants_are_and_ingest_accepts_it(
    fleet: Fleet, tmp_path: Path
) -> None:
    left_out = {heading: missing(heading) for heading in PRODUCERS if missing(heading)}
    ids = {PRODUCERS[heading] for heading in PRODUCERS if heading not in left_out}
    for heading in PRODUCERS:
        if heading not in left_out:
            await produce(fleet, heading, tmp_path / heading)
    inbox = await until_there_are(fleet.options, fleet.topics.name("inbox"), len(ids))
    assert {json.loads(record.value or b"")["id"] for record in inbox} == ids
    assert await whole(fleet.options, fleet.topics.name("dead_letters")) == []
    place = partition_of(TENANT.encode(), SOURCE_PARTITIONS)
    reader = PartitionReader(fleet.options, fleet.topics.sources("care")[0], place)
    keys = [record.key async for fetched in reader.read(0, None) for record in fetched.records]
    assert keys == [TENANT.encode()] * len(ids)
    if left_out:
        pytest.skip(f"SOME PRODUCERS OF THE HOW-TO WERE NOT RUN: {left_out}")


def test_the_page_has_the_producers_that_are_run() -> None:
    """Seen also where a tool is not: a new block has to be run by the test above, too."""
    assert list(snippets()) == ["How to produce events", *PRODUCERS, "What became of it"]
    for heading, event_id in PRODUCERS.items():
        assert event_id in snippets()[heading][1]
