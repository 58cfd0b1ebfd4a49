"""The stand-in as a process of its own: it says where it is, and its record outlives it."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from notifier.domain.answers import Accepted, NotSent
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import open_provider
from tests.contract.standin_peers import ACCOUNT, CONNECTION, text_to


@asynccontextmanager
async def process(folder: Path, *arguments: str) -> AsyncIterator[Process]:
    (folder / "accounts.json").write_bytes(msgspec.json.encode([ACCOUNT]))
    command = [sys.executable, "-m", "notifier.demo.standin", "--accounts", str(folder / "accounts.json"), *arguments]
    running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


async def address(running: Process) -> str:
    assert running.stdout is not None
    line = (await running.stdout.readline()).decode()
    assert line.startswith("listening on http://127.0.0.1:")
    return line.removeprefix("listening on ").strip()


async def test_every_created_message_stands_in_the_record_after_a_kill(tmp_path: Path) -> None:
    record = tmp_path / "created.ndjson"
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with process(tmp_path, "--record", str(record)) as running:
        url = await address(running)
        async with open_provider(
            lambda _owner: CONNECTION, secrets, base_url=url, timeout=5.0, public_url=None
        ) as twilio:
            results = [await twilio.send(text_to("+12025550143", f"text {number}")) for number in range(5)]
        running.kill()
        await running.wait()
    lines = [msgspec.json.decode(line) for line in record.read_bytes().splitlines()]
    assert [line["body"] for line in lines] == [f"text {number}" for number in range(5)]
    assert [Accepted(sid=line["sid"]) for line in lines] == results


async def test_faults_can_be_given_at_the_start_and_sigterm_ends_it(tmp_path: Path) -> None:
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with process(tmp_path, "--faults", '{"tooMany": 1}') as running:
        url = await address(running)
        async with open_provider(
            lambda _owner: CONNECTION, secrets, base_url=url, timeout=5.0, public_url=None
        ) as twilio:
            assert isinstance(await twilio.send(text_to("+12025550143")), NotSent)
        running.terminate()
        assert await running.wait() == 0


async def test_a_faulty_start_says_why_in_one_line(tmp_path: Path) -> None:
    async with process(tmp_path, "--faults", '{"tooMany": 2}') as running:
        _, stderr = await running.communicate()
    assert running.returncode == 1
    assert stderr.decode().splitlines() == ["Expected `float` <= 1.0 - at `$.tooMany`"]
