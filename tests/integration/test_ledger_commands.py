"""`parked list` and `opt-outs list` as a shell runs them, against a broker."""

from __future__ import annotations

import json
import time

import pytest

from notifier.domain.events import EventRef
from notifier.domain.outcomes import Status
from notifier.engine.entities import Notification, OptOut
from notifier.kafka.connection import Options
from notifier.settings import KafkaSettings, TopicSettings
from tests.integration.commanding import Shell
from tests.integration.ledger_writing import claim, write

pytestmark = pytest.mark.integration

DAY = 86_400.0
HOTEL, CLINIC = "harbour-house", "north-clinic"


@pytest.fixture
def shell(kafka_settings: KafkaSettings, topics: TopicSettings) -> Shell:
    return Shell(kafka_settings, topics)


def notification(name: str, tenant: str, status: Status, now: float, days: float = 1.0) -> Notification:
    """Parked so many days ago, if at all."""
    parked = status == "parked"
    return Notification(
        id=name, tenant=tenant, event=EventRef("evt-1", "/pms/x", "key.ready"), inbox=1, accepted=now - 9 * DAY,
        rule="key_is_ready", person="p1", person_id="p1", to="+12025550143", masked="+1202•••0143", body="code 482915",
        stage="final", status=status, attempt=2, final_at=now - days * DAY,
        parked_until=now + (7 - days) * DAY if parked else None, parked_reason="unresolved" if parked else None,
    )  # fmt: skip


async def test_parked_shows_what_a_person_can_still_decide(
    shell: Shell, options: Options, topics: TopicSettings
) -> None:
    """Oldest first, of one tenant if asked; neither number nor text; nothing whose week is over or that is settled."""
    now, ledger = time.time(), topics.name("ledger")
    for tenant in (HOTEL, CLINIC):
        found = [
            notification(f"ntf_{tenant}_1", tenant, "parked", now),
            notification(f"ntf_{tenant}_2", tenant, "parked", now, 3),
            notification(f"ntf_{tenant}_3", tenant, "parked", now, 8),
            notification(f"ntf_{tenant}_4", tenant, "failed", now),
        ]  # fmt: skip
        epoch = await claim(options, ledger, tenant)
        await write(options, ledger, tenant, epoch, {"n/" + n.id: n for n in found})
    everything = shell.run("parked", "list", "--json")
    assert (everything.returncode, everything.stderr) == (0, "")
    rows = [json.loads(line) for line in everything.stdout.splitlines()]
    assert [row["notificationId"] for row in rows] == [
        "ntf_harbour-house_2", "ntf_north-clinic_2", "ntf_harbour-house_1", "ntf_north-clinic_1",
    ]  # fmt: skip
    assert rows[0]["event"] == {"id": "evt-1", "source": "/pms/x", "type": "key.ready"}
    assert (rows[0]["reason"], rows[0]["masked"], rows[0]["attempt"]) == ("unresolved", "+1202•••0143", 2)
    told = shell.run("parked", "list", "--tenant", CLINIC).stdout
    assert [line.split()[:4] for line in told.splitlines()] == [
        ["ntf_north-clinic_2", CLINIC, "unresolved", "+1202•••0143"],
        ["ntf_north-clinic_1", CLINIC, "unresolved", "+1202•••0143"],
    ]
    assert "3d" in told.splitlines()[0]
    assert "12025550143" not in everything.stdout + told
    assert "482915" not in everything.stdout + told


async def test_opt_outs_are_masked_unless_asked_for(shell: Shell, options: Options, topics: TopicSettings) -> None:
    """One that is kept as a hash alone stays one; what was taken back is gone."""
    ledger = topics.name("ledger")
    epoch = await claim(options, ledger, HOTEL)
    prefix = f"o/{HOTEL}/+15551234567/"
    await write(options, ledger, HOTEL, epoch, {
        prefix + "+12025550143": OptOut(at=1_796_000_001.0, source="twilio:21610"),
        prefix + "hmac-sha256:ab": OptOut(at=1_796_000_002.0, source="stop"),
        prefix + "+12025550199": OptOut(at=1_796_000_003.0, source="stop"),
    })  # fmt: skip
    await write(options, ledger, HOTEL, epoch, {prefix + "+12025550199": None})
    rows = [json.loads(line) for line in shell.run("opt-outs", "list", "--json").stdout.splitlines()]
    assert rows == [
        {"tenant": HOTEL, "number": "+1202•••0143", "sender": "+15551234567", "since": "2026-11-30T00:53:21Z",
         "source": "twilio:21610"},
        {"tenant": HOTEL, "number": "hmac-sha256:ab", "sender": "+15551234567", "since": "2026-11-30T00:53:22Z",
         "source": "stop"},
    ]  # fmt: skip
    revealed = shell.run("opt-outs", "list", "--tenant", HOTEL, "--reveal").stdout.splitlines()
    assert [line.split()[1] for line in revealed] == ["+12025550143", "hmac-sha256:ab"]
    assert shell.run("opt-outs", "list", "--tenant", "nobody").stdout == ""


def test_a_ledger_that_is_not_there_is_one_clear_line(kafka_settings: KafkaSettings) -> None:
    shell = Shell(kafka_settings, TopicSettings(prefix="nothing."))
    refused = shell.run("parked", "list")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "notifier: missing topics: nothing.notifier.ledger; notifier topics create makes them\n"
