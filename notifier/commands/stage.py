"""The stage of the demo: an embedded broker, a stand-in for Twilio, and the real daemon as a process of its own.

Everything on it goes through the commands and settings that a user has; nothing is wired past them.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from notifier.commands.files import read_objects
from notifier.commands.samples import samples_folder
from notifier.demo.broker import embedded_broker
from notifier.demo.standin.accounts import Account
from notifier.demo.standin.server import TwilioStandIn
from notifier.settings import KafkaSettings, TopicSettings

STOP_SECONDS = 25.0
READY_SECONDS = 30.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says at what."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What is shown: a folder of documents and a file of events."""

    documents: Path
    events: Path


def samples(events: Path | None) -> Samples:
    """Those that come with the notifier, or `events` in their place. Raises `SamplesMissing`."""
    found = samples_folder()
    return Samples(found / "tenants", events or found / "events.yaml")


@dataclass(frozen=True, slots=True)
class Stage:
    environment: Mapping[str, str]
    bootstrap_servers: str
    standin: TwilioStandIn
    metrics_url: str
    daemon: asyncio.subprocess.Process

    async def command(self, *arguments: str) -> None:
        """Run a command of ours as a user would. Raises `DemoFailed` with what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier", *arguments, env=dict(self.environment),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            said, _ = await process.communicate()
        finally:
            await _end(process)
        if process.returncode != 0:
            raise DemoFailed(f"notifier {' '.join(arguments)}: {said.decode().strip()}")

    async def outlive(self, log: Path) -> None:
        """Returns never; raises `DemoFailed` when the daemon ends while it is still needed."""
        code = await self.daemon.wait()
        raise DemoFailed(f"the daemon ended with {code} in the middle of the show; its log: {log}")

    def for_commands(self) -> Mapping[str, str]:
        """The settings by which other commands meet the same broker and the same stand-in."""
        names = ("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", "NOTIFIER_TWILIO__API_BASE_URL")
        return {name: self.environment[name] for name in names}

    def texts(self) -> dict[str, str]:
        """What was texted, by notification, from the stand-in's own record."""
        found: dict[str, str] = {}
        for message in self.standin.messages:
            query = parse_qs(urlsplit(message.status_callback or "").query)
            found[query.get("n", [""])[0]] = message.body
        return found


@asynccontextmanager
async def stage(shown: Samples, log: Path) -> AsyncIterator[Stage]:
    """Set everything up, the documents applied and the daemon ready; take it down again, whatever happened."""
    accounts, tokens = _accounts(shown.documents)
    topics = TopicSettings()
    names = [topics.name(role) for role in ("inbox", "signals", "ledger", "results", "dead_letters", "config")]
    with embedded_broker([*names, *topics.sources("pms"), *topics.sources("care")]) as broker:
        async with TwilioStandIn(accounts, time.time) as standin:  # noqa: TID251 - Twilio has a clock of its own
            environment = _environment(broker, standin.url, tokens)
            with log.open("wb") as output:
                daemon = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "notifier", "run", env=environment, stdout=output, stderr=output
                )
                port = environment["NOTIFIER_HTTP__PORT"]
                built = Stage(environment, broker, standin, f"http://127.0.0.1:{port}/metrics", daemon)
                try:
                    await built.command("config", "apply", str(shown.documents))
                    await _ready(daemon, int(port), log)
                    yield built
                finally:
                    await _end(daemon)


def kafka_settings(bootstrap_servers: str) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=bootstrap_servers)


def _accounts(documents: Path) -> tuple[list[Account], dict[str, str]]:
    """The stand-in's accounts, and the variables that the connections refer to, from the documents themselves."""
    accounts, tokens = [], {}
    for path in sorted(documents.glob("*.yaml")):
        for written in read_objects(path):
            document = msgspec.convert(written.value, dict[str, object])
            if document.get("kind") != "Connection":
                continue
            token = f"demo-token-of-{document['tenant']}"
            tokens[msgspec.convert(document["authToken"], dict[str, str])["env"]] = token
            senders = msgspec.convert(document["senders"], list[dict[str, object]])
            numbers = tuple(str(sender["from"]) for sender in senders if "from" in sender)
            accounts.append(Account(sid=str(document["accountSid"]), auth_token=token, numbers=numbers))
    return accounts, tokens


def _environment(broker: str, standin: str, tokens: Mapping[str, str]) -> dict[str, str]:
    webhooks, internal = _free_port(), _free_port()
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")},
        **tokens,
        "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": broker,
        "NOTIFIER_TWILIO__API_BASE_URL": standin,
        "NOTIFIER_WEBHOOKS__PUBLIC_URL": f"http://127.0.0.1:{webhooks}",
        "NOTIFIER_WEBHOOKS__HOST": "127.0.0.1",
        "NOTIFIER_WEBHOOKS__PORT": str(webhooks),
        "NOTIFIER_HTTP__HOST": "127.0.0.1",
        "NOTIFIER_HTTP__PORT": str(internal),
        "NOTIFIER_RESULTS__HASH_KEY": "demo",
        "NOTIFIER_LOG__FORMAT": "json",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def _ready(daemon: asyncio.subprocess.Process, port: int, log: Path) -> None:
    try:
        async with asyncio.timeout(READY_SECONDS):
            while daemon.returncode is None:
                if await _answers(port):
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise DemoFailed(f"the daemon was not ready within {READY_SECONDS:g} s; its log: {log}") from None
    raise DemoFailed(f"the daemon ended at its start; its log: {log}")


async def _answers(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.write(b"GET /readyz HTTP/1.0\r\n\r\n")
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return b" 200 " in status


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def event_ids(path: Path) -> Sequence[tuple[str, str]]:
    """`(source, id)` of the events of a file, in order."""
    return [
        (str(event["source"]), str(event["id"]))
        for event in (msgspec.convert(written.value, dict[str, object]) for written in read_objects(path))
    ]
