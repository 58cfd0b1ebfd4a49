"""A whole installation as processes: daemons, a Twilio stand-in, topics of their own on a real broker.

Nothing here asks the daemons what they did: events go in through Kafka, outcomes come from the results topic, and what
was texted comes from the stand-in's own record.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from notifier.domain.documents import Connection, Document, Sender, Tenant, Workflow, document_key
from notifier.kafka import topics as kafka_topics
from notifier.kafka.config_topic import append_config
from notifier.kafka.connection import Options, client_options
from notifier.settings import KafkaSettings, TopicSettings

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


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Told:
    """What the results topic says: outcomes by subject, each id once."""

    outcomes: dict[str, dict[str, object]] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)

    def add(self, value: bytes) -> None:
        outcome = msgspec.json.decode(value)
        known = self.outcomes.setdefault(outcome["id"], outcome)
        if known != outcome:
            self.contradictions.append(outcome["id"])

    def notifications(self) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = {}
        for outcome in self.outcomes.values():
            if str(outcome["type"]).startswith("notification."):
                found.setdefault(str(outcome["subject"]), []).append(outcome)
        for outcomes in found.values():
            outcomes.sort(key=lambda outcome: int(str(outcome["id"]).rpartition(":")[2]))
        return found


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
        found: list[Document] = []
        for tenant in self.tenants:
            found.append(Tenant(tenant=tenant, version=version, platform="pms", name=tenant))
            found.append(
                Connection(
                    tenant=tenant, version=version, provider="twilio", account_sid=self.account(tenant),
                    auth_token="token-" + tenant,
                    senders=(Sender(from_=self.number(tenant), segments_per_second=self.rate),),
                )
            )  # fmt: skip
        return found

    def care_documents(self, tenant: str = "clinic") -> list[Document]:
        """A care tenant that shares the last hotel's account under another sender."""
        workflow = {
            "kind": "Workflow", "tenant": tenant, "version": 1, "name": "shipped", "trigger": {"type": "order.shipped"},
            "steps": [{"kind": "adapter", "number": 1, "adapter": "twilio", "function": "sendSMS",
                       "parameters": {"message": "Order {{id}} is on its way", "toPhone": "{{customer.phone}}"}}],
        }  # fmt: skip
        sender = {"from": "+15557770000", "segmentsPerSecond": self.rate}
        connection = {
            "kind": "Connection", "tenant": tenant, "version": 1, "provider": "twilio",
            "accountSid": self.account(self.tenants[-1]), "authToken": "token-" + self.tenants[-1], "senders": [sender],
        }  # fmt: skip
        clinic = {"kind": "Tenant", "tenant": tenant, "version": 1, "platform": "care", "name": "Clinic",
                  "consent": {"required": False}}  # fmt: skip
        return [
            msgspec.convert(clinic, Tenant),
            msgspec.convert(connection, Connection),
            msgspec.convert(workflow, Workflow),
        ]

    # Processes.

    def start_standin(self, *arguments: str) -> None:
        accounts = self.folder / "accounts.json"
        found = [
            {"sid": self.account(tenant), "authToken": "token-" + tenant, "numbers": [self.number(tenant)]}
            for tenant in self.tenants
        ]
        found[-1]["numbers"] = [self.number(self.tenants[-1]), "+15557770000"]
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

    def command(self, *arguments: str) -> list[str]:
        """A command of ours, as the installed one."""
        return [sys.executable, "-m", "notifier", *arguments]

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

    async def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """A command to its end, within a minute: its exit code, and all that it said."""
        process = await asyncio.create_subprocess_exec(
            *self.command(*arguments),
            env={**self.environment("command"), **settings},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, said.decode()

    async def get(self, name: str, path: str) -> tuple[int, str]:
        """What this daemon's internal port answers; status 0 while nobody listens."""
        return await asyncio.to_thread(_get, f"http://127.0.0.1:{self.ports[name]}{path}")

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

    async def publish(self, topic: str, events: Sequence[Mapping[str, object]]) -> None:
        headers = [("content-type", b"application/cloudevents+json")]
        await self.publish_bytes(topic, [(str(e["tenant"]).encode(), msgspec.json.encode(e), headers) for e in events])

    async def publish_bytes(
        self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]
    ) -> None:
        """Records as they are: key, value, headers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self.kafka.bootstrap_servers, acks="all", linger_ms=5, max_request_size=8 * 1024 * 1024
        )
        await producer.start()
        try:
            sent = [
                await producer.send(topic, key=key, value=value, headers=headers) for key, value, headers in records
            ]
            for acknowledged in sent:
                await acknowledged
        finally:
            await producer.stop()

    async def listen(self, told: Told, done, seconds: float) -> bool:  # type: ignore[no-untyped-def]
        """Read the results from the beginning until `done(told)`; False when the time was over first."""
        topic = self.topics.name("results")
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, number) for number in range(self.partitions)])
            until = time.monotonic() + seconds
            while not done(told):
                if time.monotonic() > until or self.fallen():
                    return False
                for records in (await consumer.getmany(timeout_ms=300)).values():
                    for record in records:
                        told.add(record.value)
            return True
        finally:
            await consumer.stop()

    def messages(self) -> list[dict[str, object]]:
        """What Twilio created, by its own record, with the notification that each was for."""
        if not self.record.exists():
            return []
        found = [json.loads(line) for line in self.record.read_text().splitlines()]
        for message in found:
            query = parse_qs(urlsplit(str(message["statusCallback"])).query)
            message["notification"], message["attempt"] = query["n"][0], int(query["a"][0])
        return found


def _get(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address) as answer:
            return int(answer.status), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def key_ready(tenant: str, number: int, phone: str, **key: object) -> dict[str, object]:
    """A key whose credential is there and whose guest has only a phone: texted at once."""
    return {
        "specversion": "1.0", "id": f"evt-{number}", "source": f"/pms/{tenant}", "type": "key.ready", "tenant": tenant,
        "data": {"key": {
            "id": f"key-{number}", "version": 1, "origin": "pms", "status": "upcoming",
            "startsAt": "2026-01-01T15:00:00+01:00", "endsAt": "2099-01-01T10:00:00+01:00", "spaceName": "Room 1",
            "persons": [{"id": "p1", "firstName": "Mara", "phone": phone}],
            "credentials": {"doorCode": f"{number:06d}"},
            "reservation": {"id": f"res-{number}", "status": "reserved"}, **key,
        }},
    }  # fmt: skip


def phone(number: int) -> str:
    return f"+1202{2000000 + number}"


async def pause(seconds: float) -> None:
    """Time between a burst and a kill: what is aimed at, not what is waited for."""
    await asyncio.sleep(seconds)
