"""A Kafka client that nobody here wrote publishes events in both CloudEvents modes and reads the outcomes."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.e2e.fleet import Fleet
from tests.e2e.traffic import Told

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "kcat.md"


def example() -> dict[str, object]:
    """The event of the how-to, as it is printed there."""
    found = re.search(r"<<'END'\n(.*?)\nEND\n", HOW_TO.read_text(), re.DOTALL)
    assert found is not None
    event: dict[str, object] = json.loads(found.group(1))
    return event


async def kcat(*arguments: str, given: bytes = b"") -> str:
    process = await asyncio.create_subprocess_exec(
        "kcat",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, said = await process.communicate(given)
    assert process.returncode == 0, said.decode()
    return out.decode()


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (apt-get install kcat)")
async def test_kcat_publishes_in_both_modes_and_reads_outcomes(real_kafka: Broker, tmp_path: Path) -> None:
    """Structured: the guest is texted. Binary, with the same key at the same version: stale, and said so."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    fleet.tenants = ["harbour-house"]
    event = example()
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        broker, source = ("-b", real_kafka.bootstrap_servers), fleet.topics.sources("pms")[0]
        to_source = ("-P", *broker, "-t", source, "-k", "harbour-house")
        structured = ("-H", "content-type=application/cloudevents+json")
        await kcat(*to_source, *structured, given=json.dumps(event).encode() + b"\n")
        attributes = {"specversion": "1.0", "id": "evt-0002", "source": "/pms/harbour", "type": "key.ready"}
        attributes["tenant"] = "harbour-house"
        headers = [part for name, value in attributes.items() for part in ("-H", f"ce_{name}={value}")]
        data = json.dumps(event["data"]).encode() + b"\n"
        await kcat(*to_source, "-H", "content-type=application/json", *headers, given=data)
        told = Told()
        assert await fleet.listen(told, lambda told: len(_ends(told)) == 2, 60), fleet.logs()
        read = await kcat("-C", *broker, "-t", fleet.topics.name("results"), "-o", "beginning", "-e", "-q")
        outcomes = [json.loads(line) for line in read.splitlines()]
        ends = {(outcome["type"], outcome["data"].get("reason")) for outcome in outcomes if _is_end(outcome)}
        assert ends == {("notification.delivered", None), ("event.ignored", "stale_version")}
        assert len(fleet.messages()) == 1
    finally:
        fleet.stop()


def _is_end(outcome: dict[str, object]) -> bool:
    data = outcome["data"]
    assert isinstance(data, dict)
    return bool(data.get("terminal")) or outcome["type"] == "event.ignored"


def _ends(told: Told) -> list[dict[str, object]]:
    return [outcome for outcome in told.outcomes.values() if _is_end(outcome)]
