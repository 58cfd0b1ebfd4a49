"""The commands of the how-to, run as they are printed there: a client that nobody here wrote, in both modes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.e2e.fleet import Fleet
from tests.e2e.outcomes import heard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "kcat.md"
NEEDED = ("bash", "jq", "kcat")
MISSING = [tool for tool in NEEDED if shutil.which(tool) is None]


def commands() -> dict[str, str]:
    """Every block of commands of the page, by the heading that it stands under."""
    blocks: dict[str, str] = {}
    for section in re.split(r"^#+ ", HOW_TO.read_text(), flags=re.MULTILINE)[1:]:
        found = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        assert len(found) <= 1, "one block under a heading, so that it can be named"
        blocks |= dict.fromkeys([section.splitlines()[0]], found[0]) if found else {}
    return blocks


class Reader:
    """Follows the page in a folder of its own; only the broker's address and the topics' prefix are this test's."""

    def __init__(self, fleet: Fleet, folder: Path, preparation: str) -> None:
        self._fleet, self._folder = fleet, folder
        address = re.fullmatch(r"export BROKER=(\S+)\n", preparation)
        assert address is not None, "the page begins with the one thing that readers adapt"
        self._preparation = preparation.replace(address[1], fleet.kafka.bootstrap_servers)

    async def run(self, command: str) -> list[str]:
        script = self._preparation + re.sub(r"(?<= -t )(?=\S)", self._fleet.topics.prefix, command)
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=self._folder,
            env={name: value for name, value in os.environ.items() if name != "BROKER"},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, said.decode()
        return out.decode().splitlines()


@pytest.mark.skipif(bool(MISSING), reason=f"THE HOW-TO WAS NOT RUN: apt-get install {' '.join(MISSING)}")
async def test_every_command_of_the_how_to_does_what_the_page_says(real_kafka: Broker, tmp_path: Path) -> None:
    """Structured: the guest is texted. Binary, with the same key at the same version: stale, and said so."""
    preparation, structured, binary, outcomes, dead_letters = commands().values()
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    fleet.tenants = ["harbour-house"]
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(fleet, folder, preparation)
    try:
        await fleet.prepare()
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        assert await reader.run(structured) == []
        event = json.loads((folder / "event.json").read_text())
        await heard(fleet, event, "notification.delivered")
        (message,) = fleet.messages()
        assert message["to"] == event["data"]["key"]["persons"][0]["phone"]
        assert await reader.run(binary) == []
        await heard(fleet, {"id": "evt-0002"}, "event.ignored")
        assert len(fleet.messages()) == 1
        assert [json.loads(line) for line in await reader.run(outcomes)] == [
            ["notification.accepted", "accepted", None],
            ["notification.sent", "sent", None],
            ["notification.delivered", "delivered", None],
            ["event.ignored", None, "stale_version"],
        ]
        await fleet.publish_bytes(fleet.topics.sources("pms")[0], [(b"k", b"not JSON", [])])
        await fleet.dead_letters(1)
        (headers,) = await reader.run(dead_letters)
        assert "notifier-reason=not_json" in headers.split(",")
    finally:
        fleet.stop()


def test_the_page_has_the_commands_that_are_run() -> None:
    """Seen also where kcat is not: a new block has to be run by the test above, too."""
    assert list(commands()) == [
        "How to publish events and read outcomes with kcat",
        "Structured mode: the whole CloudEvent is the value",
        "Binary mode: attributes in headers, the data is the value",
        "Read the outcomes",
        "Read what was not understood",
    ]
