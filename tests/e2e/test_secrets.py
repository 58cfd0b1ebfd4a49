"""Sealed tokens: the how-to as it is printed, with daemons that never stop texting; and what does not open, unseen."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from notifier.domain.documents import ApiKey, Connection, SecretRef, Tenant
from notifier.twilio.sealing import key_id, seal
from tests.brokers import Broker
from tests.e2e.events import key_event
from tests.e2e.fleet import Fleet, pause
from tests.e2e.outcomes import heard, publish
from tests.e2e.tenants import token_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "secrets.md"
HOTEL, OTHER = "harbour-house", "mill-lodge"
IN_FORCE = ("NOTIFIER_SECRETS__KEYS", "NEW", "OLD")


def steps() -> list[str]:
    """Every block of commands, in the order of the page."""
    return [
        textwrap.dedent(block)
        for block in re.findall(r"^ *```console\n(.*?)^ *```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    ]


class Shell:
    """A terminal that stays open: what one step exports, the next one has."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self._fleet, self._folder = fleet, folder
        self._state = folder / "state"
        self._state.touch()
        self.said = ""

    async def run(self, commands: str) -> list[str]:
        """Standard output; what stood on standard error is kept in `said`."""
        scripts = Path(self._fleet.command()[0]).parent
        script = (
            f'export PATH="{scripts}:$PATH"\nsource "{self._state}"\n{commands}\n'
            f'declare -p {" ".join(IN_FORCE)} > "{self._state}" 2>/dev/null || true'
        )
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=self._folder, env=self._fleet.environment("command"),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, said = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, said.decode()
        self.said += said.decode()
        return out.decode().splitlines()

    def exported(self, name: str) -> str:
        match = re.search(rf'^declare -x {name}="(.*)"$', self._state.read_text(), re.MULTILINE)
        assert match is not None
        return match[1]


class Installation:
    """Two daemons; one of them always works while the other is started again."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._events = 0

    async def start(self, keys: str) -> None:
        self.fleet.change_settings(NOTIFIER_SECRETS__KEYS=keys)
        for name, roles in (("a", ()), ("b", ("ingest", "engine"))):
            if name in self.fleet.processes:
                self.fleet.kill(name, signal.SIGTERM)
                assert await asyncio.to_thread(self.fleet.wait, name) == 0
                await self.texted()
            self.fleet.start(name, *roles)
            await self.fleet.ready(name)

    async def texted(self) -> None:
        """An event that comes now becomes a text at once: nothing is held, nothing is tried twice."""
        self._events += 1
        event = key_event("key.ready", self._events, 1, HOTEL)
        await publish(self.fleet, event)
        kinds = {outcome["type"] for outcome in await heard(self.fleet, event, "notification.delivered")}
        assert kinds <= {f"notification.{status}" for status in ("accepted", "sent", "delivered")}

    async def known(self, offset: int) -> None:
        for name in ("a", "b"):
            while json.loads((await self.fleet.get(name, "/status"))[1])["configOffset"] < offset:
                await pause(0.1)


def production(kafka: Broker, folder: Path, **settings: str) -> Fleet:
    given = {"NOTIFIER_ENVIRONMENT": "production", "NOTIFIER_LOG__LEVEL": "debug", **settings}
    fleet = Fleet(kafka.bootstrap_servers, folder, partitions=2, tenants=2, settings=given)
    fleet.tenants = [HOTEL, OTHER]
    return fleet


async def test_the_key_is_changed_as_the_page_says_and_every_text_goes_out(real_kafka: Broker, tmp_path: Path) -> None:
    fleet = production(real_kafka, tmp_path)
    folder = tmp_path / "terminal"
    folder.mkdir()
    (folder / "token.txt").write_text(token_of(HOTEL) + "\n")
    shell, daemons = Shell(fleet, folder), Installation(fleet)
    make_key, seal_token, both_keys, reseal, files, new_key_alone = steps()
    shown: list[str] = []
    try:
        await fleet.prepare([Tenant(tenant=OTHER, version=1, platform="pms", name="Mill Lodge")])
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        await shell.run(make_key)
        old = shell.exported("NOTIFIER_SECRETS__KEYS")
        assert "+15551234567" in seal_token
        shown += await shell.run(seal_token.replace("+15551234567", fleet.number(HOTEL)))
        await daemons.start(old)
        await daemons.texted()
        await shell.run(both_keys)
        new = shell.exported("NEW")
        await daemons.start(shell.exported("NOTIFIER_SECRETS__KEYS"))
        resealed = await shell.run(reseal)
        assert "1 sealed value to seal anew, 0 sealed with the first key already" in resealed
        assert resealed[-1] == "offset 3"
        await daemons.known(3)
        await daemons.texted()
        shown += await shell.run(files)
        exported = (folder / "harbour-house.yaml").read_text()
        assert f"v1:{key_id_of(new)}:" in exported
        assert f"v1:{key_id_of(old)}:" not in exported
        await shell.run(new_key_alone)
        await daemons.start(shell.exported("NOTIFIER_SECRETS__KEYS"))
        await daemons.texted()
        again = await shell.run("notifier secrets reseal --json")
        assert json.loads(again[-1]) == {"resealed": 0, "unchanged": 1, "offset": 3}
        shown += await shell.run("notifier run --print-settings")
        shown += [(await fleet.get(name, path))[1] for name in ("a", "b") for path in ("/status", "/metrics")]
    finally:
        fleet.stop()
    everything = "\n".join([*shown, *resealed, exported, shell.said, *daemon_logs(fleet)])
    assert [secret for secret in (token_of(HOTEL), old, new) if secret in everything] == []


def daemon_logs(fleet: Fleet) -> list[str]:
    logs = [(fleet.folder / f"{name}.log").read_text() for name in ("a", "b") if name in fleet.processes]
    assert all(logs)
    return logs


def key_id_of(encoded: str) -> str:
    return key_id(base64.b64decode(encoded))


KEY, LOST_KEY = b"canary-sealing-key-of-32-bytes-!", b"canary-sealing-key-that-is-lost!"
TOKENS = ("t0ken-of-a-lost-key", "t0ken-that-was-moved", "t0ken-that-was-damaged", "t0ken-in-plain-text")
CANARIES = (*TOKENS, KEY.decode(), LOST_KEY.decode(), *(base64.b64encode(key).decode() for key in (KEY, LOST_KEY)))


DAMAGED = "the sealed value is damaged, or was sealed for another document"
PLAIN_TEXT = "plain text is allowed in NOTIFIER_ENVIRONMENT=development only"


def broken_documents(fleet: Fleet) -> list[Tenant | Connection]:
    """A key that is lost, a value of another tenant, a damaged one, and plain text where it is not allowed."""
    damaged = seal(TOKENS[2], KEY, f"Connection/{OTHER}", b"3" * 12)
    secrets: dict[str, tuple[Any, Any]] = {
        HOTEL: (
            SecretRef(sealed=seal(TOKENS[0], LOST_KEY, f"Connection/{HOTEL}", b"1" * 12)),
            SecretRef(sealed=seal(TOKENS[1], KEY, f"Connection/{OTHER}", b"2" * 12)),
        ),
        OTHER: (SecretRef(sealed=damaged[:-8] + "AAAA" + damaged[-4:]), TOKENS[3]),
    }
    found: list[Tenant | Connection] = []
    for tenant, (token, api_secret) in secrets.items():
        key = ApiKey(sid="SK" + "1" * 32, secret=api_secret)
        connection = next(one for one in fleet.documents() if isinstance(one, Connection) and one.tenant == tenant)
        found.append(Tenant(tenant=tenant, version=1, platform="pms", name=tenant))
        found.append(replace(connection, auth_token=token, api_key=key))
    return found


async def test_what_does_not_open_is_named_by_document_and_field_and_is_never_shown(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """At the level debug, by commands and by a daemon: with every key that there is in the settings."""
    fleet = production(real_kafka, tmp_path, NOTIFIER_SECRETS__KEYS=base64.b64encode(KEY).decode())
    documents = broken_documents(fleet)
    said: list[str] = []
    try:
        await fleet.prepare(documents)
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("a")
        details = {HOTEL: f"{DAMAGED} than Connection/{HOTEL}", OTHER: PLAIN_TEXT}
        for number, (tenant, detail) in enumerate(details.items()):
            event = key_event("key.ready", number, 1, tenant)
            await publish(fleet, event)
            held = (await heard(fleet, event, "notification.held"))[-1]["data"]
            assert held["reason"] == "connection_broken"
            assert held["detail"] == f"Connection/{tenant} apiKey.secret: {detail}"
        said += [(await fleet.get("a", path))[1] for path in ("/status", "/metrics")]
        exported = await fleet.run("config", "export")
        assert f"secret: {TOKENS[3]}\n" in exported[1], (
            "stored as plain text by somebody who wrote to the topic: export shows it"
        )
        said.append(exported[1].replace(TOKENS[3], ""))
        (tmp_path / "exported.yaml").write_text(exported[1])
        refused = await fleet.run("config", "validate", "--resolve", str(tmp_path / "exported.yaml"))
        assert refused[0] == 1
        assert "apiKey.secret: plain text is refused unless" in refused[1]
        (tmp_path / "exported.yaml").write_text(exported[1].replace(TOKENS[3], "{env: UNSET_TOKEN}"))
        resolved = await fleet.run("config", "validate", "--resolve", str(tmp_path / "exported.yaml"))
        assert [re.sub(r"^.*exported\.yaml:\d+: ", "", line) for line in resolved[1].splitlines()] == [
            f"authToken: sealed with key {key_id(LOST_KEY)}, which NOTIFIER_SECRETS__KEYS does not hold",
            f"apiKey.secret: {DAMAGED} than Connection/{HOTEL}",
            f"authToken: {DAMAGED} than Connection/{OTHER}",
            "apiKey.secret: the environment variable UNSET_TOKEN is not set",
        ]
        resealed = await fleet.run("secrets", "reseal")
        assert (resealed[0], resealed[1]) == (1, "")
        lost = f"sealed with key {key_id(LOST_KEY)}, which NOTIFIER_SECRETS__KEYS does not hold"
        assert resealed[2].splitlines()[:4] == [
            f"Connection/{HOTEL} authToken: {lost}",
            f"Connection/{HOTEL} apiKey.secret: {DAMAGED} than Connection/{HOTEL}",
            f"Connection/{OTHER} authToken: {DAMAGED} than Connection/{OTHER}",
            "notifier: 3 sealed values cannot be opened; nothing was written",
        ]
        assert "Traceback" in resealed[2], "the level debug shows one"
        assert (await fleet.run("config", "export"))[1] == exported[1]
        printed = await fleet.run("run", "--print-settings")
        half = await fleet.run("run", "--print-settings", NOTIFIER_SECRETS__KEYS=KEY.decode())
        assert "NOTIFIER_SECRETS__KEYS: keys of 32 bytes in base64 are allowed" in half[2]
        for _, out, err in (refused, resolved, resealed, printed, half):
            said += [out, err]
    finally:
        fleet.stop()
    everything = "\n".join([*said, *daemon_logs(fleet)])
    assert [canary for canary in CANARIES if canary in everything] == []
