"""The tutorial's commands in their order, as printed: on the parts that it starts itself, and on a real Kafka."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.brokers import Broker
from tests.e2e.answers import ask
from tests.e2e.fleet import Fleet

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs" / "tutorial" / "first-text.md"
MISSING = [tool for tool in ("bash", "curl", "sed") if shutil.which(tool) is None]
BROKER, TWILIO = "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", "NOTIFIER_TWILIO__API_BASE_URL"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(MISSING), reason=f"THE TUTORIAL WAS NOT RUN: apt-get install {' '.join(MISSING)}"),
]

SETUP, START, SECOND_TERMINAL, *COMMANDS = re.findall(
    r"^```console\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


class Reader:
    """The second terminal. Only what the page says is adapted: the two addresses that the first one printed."""

    def __init__(self, folder: Path, addresses: dict[str, str], **settings: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
        self._environment = clean | settings | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        self._preparation = SECOND_TERMINAL
        for name, value in addresses.items():
            self._preparation, count = re.subn(rf"(?<=export {name}=)\S+", value, self._preparation)
            assert count == 1
        self._folder = folder

    def run(self, block: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self._preparation + block], cwd=self._folder, env=self._environment,
            capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        return done.stdout


def follow_the_page(reader: Reader, internal: str) -> None:
    """Every block once, and what the page says of it. `internal`: the address of the daemon's `/status`."""
    account, documents, in_force, event, results, story, text, draft, change, next_guest = COMMANDS
    reader.run(account)
    assert reader.run(documents) == "3 documents are without fault\n"
    told = reader.run(in_force)
    assert "\noffset " in told
    assert "my-hotel is connected\n" in told
    assert "published 1 event" in reader.run(event)
    assert {"accepted", "sent", "delivered"} <= set(reader.run(results).split())
    assert "The text has reached the phone." in reader.run(story)
    assert "Hi Ada, your door code at My Hotel is 4711." in reader.run(text)
    rendered = reader.run(draft)
    assert "Welcome Mara, your door code at My Hotel is" in rendered
    assert "cost: 1 segment now (version 1), 1 segment with the change" in rendered
    told = reader.run(change)
    assert "~ Template/my-hotel/key_is_ready (version 1 to 2)" in told
    wait_until_in_use(internal, int(told.rpartition("offset ")[2]))
    assert "Welcome Grace, your door code at My Hotel is 4711." in reader.run(next_guest)


def wait_until_in_use(internal: str, offset: int) -> None:
    """The page says "within a second"; this does not rely on it."""
    while json.loads(ask(f"{internal}/status").body)["configOffset"] < offset:
        time.sleep(0.05)


@contextmanager
def first_terminal(folder: Path) -> Iterator[str]:
    """What `notifier demo --keep` has printed when it says that all is left running."""
    log = folder / "demo.log"
    command = START.replace(".venv/bin/notifier", f"exec {Path(sys.executable).parent / 'notifier'}")
    with log.open("wb") as output:
        demo = subprocess.Popen(["bash", "-c", command], cwd=CHECKOUT, stdout=output, stderr=output)
    try:
        while f"export {TWILIO}=" not in (printed := log.read_text(encoding="utf-8")):
            assert demo.poll() is None, printed
            time.sleep(0.1)
        yield printed
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def test_the_page_with_the_parts_that_it_starts_itself(tmp_path: Path) -> None:
    assert SETUP == "make setup\n"
    with first_terminal(tmp_path) as printed:
        addresses = dict(re.findall(r"^export (\w+)=(\S+)$", printed, re.MULTILINE))
        internal = re.search(r"metrics (\S+)/metrics", printed)
        assert internal is not None
        follow_the_page(Reader(tmp_path, addresses), internal[1])


async def test_the_page_on_a_real_kafka(real_kafka: Broker, tmp_path: Path) -> None:
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    try:
        await fleet.prepare()
        fleet.start_standin()
        fleet.start("all")
        await fleet.ready("all")
        addresses = {BROKER: fleet.kafka.bootstrap_servers, TWILIO: fleet.standin_url}
        reader = Reader(tmp_path, addresses, NOTIFIER_TOPICS__PREFIX=fleet.topics.prefix)
        follow_the_page(reader, f"http://127.0.0.1:{fleet.ports['all']}")
    finally:
        fleet.stop()
