"""A whole installation as processes: daemons, a Twilio stand-in, topics of their own on a real broker.

Nothing here asks the daemons what they did: events go in through Kafka, outcomes come from the results topic, and what
was texted comes from the stand-in's own record.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import sysconfig
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import msgspec

from notifier.domain.documents import Document, document_key
from notifier.kafka import topics as kafka_topics
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import Options, client_options
from notifier.kafka.reading import RawRecord
from notifier.settings import KafkaSettings, TopicSettings
from tests.e2e.answers import Answer, ask
from tests.e2e.tenants import CLINIC_NUMBER, clinic, hotel, token_of
from tests.e2e.traffic import Place, Record, Told, put, read_results
from tests.integration.records import until_there_are
from tests.ports import free_port

SCALED_DOWN = {
    "NOTIFIER_TWILIO__TIMEOUT": "2s",
    "NOTIFIER_RECOVERY__INTENT_DEADLINE": "1s",
    "NOTIFIER_RECOVERY__ALLOWED_STALL": "1s",
    "NOTIFIER_RECOVERY__RESEND_AFTER": "4s",
    "NOTIFIER_RECOVERY__LIST_LAG": "6s",
    "NOTIFIER_RECOVERY__LANE_WAIT": "10s",
    "NOTIFIER_KAFKA__SESSION_TIMEOUT": "6s",
    "NOTIFIER_TWILIO__POLL_AFTER": "5s",
    "NOTIFIER_SHUTDOWN__GRACE": "8s",
}


class Fleet:
    """`tenants` PMS tenants `t0…`, each with an account of its own, on `partitions` partitions."""

    def __init__(
        self, bootstrap: str, folder: Path, *, partitions: int = 6, tenants: int = 20, rate: float = 1000.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.folder, self.partitions = folder, partitions
        prefix = f"fleet-{uuid.uuid4().hex[:10]}"
        self.kafka = KafkaSettings(bootstrap_servers=bootstrap, group_prefix=prefix)
        self.topics = TopicSettings(prefix=prefix + ".")
        self.options: Options = client_options(self.kafka)
        self.tenants = [f"t{number}" for number in range(tenants)]
        self.rate = rate
        self.record = folder / "messages.jsonl"
        self.public_port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}
        self.standin_url = ""
        self._logs: list[BinaryIO] = []
        self._settings = {**SCALED_DOWN, **(settings or {})}

    # Setting up.

    async def prepare(self, documents: Sequence[Document] | None = None) -> None:
        wanted = kafka_topics.planned(self.topics, partitions=self.partitions, replication=1, with_sources=True)
        async with kafka_topics.admin(self.options) as client:
            await kafka_topics.create(client, wanted, 1)
        await self.configure(self.documents() if documents is None else documents)

    async def configure(self, documents: Sequence[Document]) -> int:
        """The offset at or above which a daemon's `configOffset` says that it uses them."""
        changes = [(document_key(document), document) for document in documents]
        return await append_config(self.options, self.topics.name("config"), changes)

    def account(self, tenant: str) -> str:
        return "AC" + f"{self.tenants.index(tenant) + 1:032x}"

    def number(self, tenant: str) -> str:
        return f"+1555{4000000 + self.tenants.index(tenant)}"

    def documents(self, version: int = 1) -> list[Document]:
        return [
            document
            for tenant in self.tenants
            for document in hotel(tenant, self.account(tenant), self.number(tenant), self.rate, version)
        ]

    def care_documents(self, tenant: str = "clinic") -> list[Document]:
        """A care tenant that shares the last hotel's account under another sender."""
        return clinic(tenant, self.account(self.tenants[-1]), token_of(self.tenants[-1]), self.rate)

    # Processes.

    def start_standin(self, *arguments: str) -> None:
        accounts = self.folder / "accounts.json"
        found = [
            {"sid": self.account(tenant), "authToken": token_of(tenant), "numbers": [self.number(tenant)]}
            for tenant in self.tenants
        ]
        found[-1]["numbers"] = [self.number(self.tenants[-1]), CLINIC_NUMBER]
        accounts.write_text(json.dumps(found))
        command = [
            sys.executable,
            "-m",
            "notifier.demo.standin",
            "--accounts",
            str(accounts),
            "--record",
            str(self.record),
        ]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=self._log("standin"))
        self.processes["standin"] = process
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("listening on "), (self.folder / "standin.log").read_text()
        self.standin_url = line.removeprefix("listening on ").strip()

    def environment(self, name: str) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("NOTIFIER_")}
        return {
            **clean,
            "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers,
            "NOTIFIER_KAFKA__GROUP_PREFIX": self.kafka.group_prefix,
            "NOTIFIER_TOPICS__PREFIX": self.topics.prefix,
            "NOTIFIER_TWILIO__API_BASE_URL": self.standin_url,
            "NOTIFIER_WEBHOOKS__PUBLIC_URL": f"http://127.0.0.1:{self.public_port}",
            "NOTIFIER_WEBHOOKS__HOST": "127.0.0.1",
            "NOTIFIER_WEBHOOKS__PORT": str(self.public_port),
            "NOTIFIER_HTTP__HOST": "127.0.0.1",
            "NOTIFIER_HTTP__PORT": str(self.ports.setdefault(name, free_port())),
            "NOTIFIER_INSTANCE_ID": name,
            "NOTIFIER_LOG__FORMAT": "json",
            **self._settings,
        }

    def change_settings(self, **settings: str) -> None:
        """Of whatever is started from now on."""
        self._settings |= settings

    def command(self, *arguments: str) -> list[str]:
        """The installed command."""
        return [str(Path(sysconfig.get_path("scripts")) / "notifier"), *arguments]

    def start(self, name: str, *roles: str) -> None:
        """A daemon under its name; started again, it is the same instance on the same port."""
        arguments = [argument for role in roles for argument in ("--role", role)]
        self.processes[name] = subprocess.Popen(
            self.command("run", *arguments),
            env=self.environment(name),
            stdout=self._log(name),
            stderr=subprocess.STDOUT,
        )

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        self.processes[name].send_signal(how)

    def wait(self, name: str, seconds: float = 30.0) -> int:
        return self.processes[name].wait(seconds)

    def fallen(self) -> list[str]:
        """Processes that ended although nobody ended them."""
        return [name for name, process in self.processes.items() if process.poll() not in (None, 0, -signal.SIGKILL)]

    def stop(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        for log in self._logs:
            log.close()

    def _log(self, name: str) -> BinaryIO:
        log = (self.folder / f"{name}.log").open("ab")
        self._logs.append(log)
        return log

    def logs(self) -> str:
        return "\n".join(f"== {path.name}\n{path.read_text()[-6000:]}" for path in sorted(self.folder.glob("*.log")))

    async def run(self, *arguments: str, **settings: str) -> tuple[int, str, str]:
        """A command to its end, within a minute: its exit code, its standard output, its standard error."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            env={**self.environment("command"), **settings},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, out.decode(), said.decode()

    async def get(self, name: str, path: str) -> tuple[int, str]:
        """What this daemon's internal port answers; status 0 while nobody listens."""
        answer = await self.ask(name, path)
        return answer.status, answer.body

    async def ask(self, name: str, path: str, accept: str = "*/*") -> Answer:
        """The same, with the form of the answer."""
        return await asyncio.to_thread(ask, f"http://127.0.0.1:{self.ports[name]}{path}", accept)

    async def ready(self, name: str, wanted: int = 200) -> list[str]:
        """Wait until /readyz has this status; what it says is missing."""
        while True:
            status, said = await self.get(name, "/readyz")
            if status == wanted:
                missing: list[str] = json.loads(said)["missing"]
                return missing
            assert self.processes[name].poll() is None, self.logs()
            await pause(0.1)

    # In and out.

    async def publish(
        self, topic: str, events: Sequence[Mapping[str, object]], partition: int | None = None
    ) -> list[Place]:
        headers = [("content-type", b"application/cloudevents+json")]
        records = [(str(event["tenant"]).encode(), msgspec.json.encode(event), headers) for event in events]
        return await self.publish_bytes(topic, records, partition)

    async def publish_bytes(self, topic: str, records: Sequence[Record], partition: int | None = None) -> list[Place]:
        """Records as they are; where each stands in its topic."""
        return await put(self.kafka.bootstrap_servers, topic, records, partition)

    async def listen(self, told: Told, done: Callable[[Told], bool], seconds: float) -> bool:
        """Read the results from the beginning until `done(told)`; False when the time was over first."""
        return await read_results(
            self.kafka.bootstrap_servers, self.topics.name("results"), self.partitions,
            told, lambda: done(told), lambda: bool(self.fallen()), seconds,
        )  # fmt: skip

    async def dead_letters(self, count: int) -> list[RawRecord]:
        """All dead letters, once there are at least so many."""
        async with asyncio.timeout(60):
            return await until_there_are(self.options, self.topics.name("dead_letters"), count)

    def messages(self) -> list[dict[str, object]]:
        """What Twilio created, by its own record, with the notification that each was for."""
        if not self.record.exists():
            return []
        found = [json.loads(line) for line in self.record.read_text().splitlines()]
        for message in found:
            query = parse_qs(urlsplit(str(message["statusCallback"])).query)
            message["notification"], message["attempt"] = query["n"][0], int(query["a"][0])
        return found


async def pause(seconds: float) -> None:
    """Time between a burst and a kill: what is aimed at, not what is waited for."""
    await asyncio.sleep(seconds)
