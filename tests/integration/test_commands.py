"""`config`, `publish` and `results` as a shell runs them, against a broker."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from notifier.kafka.batches import Message
from notifier.kafka.connection import Options
from notifier.kafka.event_producer import publish_messages
from notifier.kafka.partitions import partition_of
from notifier.kafka.reading import PartitionReader
from notifier.settings import KafkaSettings, TopicSettings
from tests import poison

pytestmark = pytest.mark.integration

SAMPLES = Path("deploy/samples")
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(kafka_settings: KafkaSettings, topics: TopicSettings) -> dict[str, str]:
    """Of a shell that knows the broker and the topics of this test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")} | {
        "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "NOTIFIER_TOPICS__PREFIX": topics.prefix,
        "NOTIFIER_ENVIRONMENT": "test",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs `notifier` with these arguments and waits for its end."""

    def command(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "notifier", *map(str, arguments)],
            env=environment | more, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return command


def test_apply_export_and_apply_again(run: Run, tmp_path: Path) -> None:
    """What was exported is what is in force: applied again, it changes nothing."""
    first = run("config", "apply", SAMPLES / "tenants")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.splitlines()[-1] == "offset 12"
    exported = run("config", "export")
    assert exported.returncode == 0
    assert exported.stdout.startswith("# yaml-language-server: $schema=schemas/configuration.schema.json\n")
    (tmp_path / "exported.yaml").write_text(exported.stdout, encoding="utf-8")
    again = run("config", "apply", tmp_path, "--prune", "--prune-tenants", "--json")
    assert json.loads(again.stdout.splitlines()[-1]) == {"applied": 0, "offset": 12}


def test_a_change_counts_the_version_up_and_prune_removes_what_is_missing(run: Run, tmp_path: Path) -> None:
    run("config", "apply", SAMPLES / "tenants")
    tenant = run("config", "export", "--tenant", "south-clinic").stdout.split("---\n")[0]
    shared = run("config", "export", "--tenant", "platform").stdout
    changed = tenant.replace("live: false", "live: true") + "---\n" + shared
    (tmp_path / "south.yaml").write_text(changed, encoding="utf-8")
    dry = run("config", "apply", tmp_path, "--prune", "--dry-run")
    assert "~ Tenant/south-clinic (version 1 to 2)" in dry.stdout
    assert "- Workflow/south-clinic/order-received-sms" in dry.stdout
    assert run("config", "apply", tmp_path, "--prune", "--json").stdout.splitlines()[-1] == (
        '{"applied": 2, "offset": 14}'
    )
    documents = [json.loads(line) for line in run("config", "export", "--json").stdout.splitlines()]
    south = [document for document in documents if document["tenant"] == "south-clinic"]
    assert [(document["kind"], document["version"], document["live"]) for document in south] == [("Tenant", 2, True)]


def test_a_faulty_set_changes_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(
        "kind: Tenant\ntenant: a\nplatform: pms\nname: A\ntimezone: Mars\n", encoding="utf-8"
    )
    refused = run("config", "apply", tmp_path)
    assert refused.returncode == 1
    assert "x.yaml:5: timezone: must be an IANA time zone" in refused.stderr
    assert run("config", "export").stdout == ""


def test_validate_needs_no_broker_and_resolve_opens_what_is_referred_to(run: Run) -> None:
    nobody = {"NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": ""}
    assert run("config", "validate", SAMPLES / "tenants", **nobody).returncode == 0
    unresolved = run("config", "validate", SAMPLES / "tenants", "--resolve", **nobody)
    assert unresolved.returncode == 1
    assert "the environment variable HARBOUR_TWILIO_TOKEN is not set" in unresolved.stdout
    tokens = {f"{name}_TWILIO_TOKEN": "x" for name in ("HARBOUR", "NORTH_CLINIC", "PLATFORM")}
    assert run("config", "validate", SAMPLES / "tenants", "--resolve", **nobody, **tokens).returncode == 0


async def test_publish_puts_events_where_their_tenant_belongs(
    run: Run, options: Options, topics: TopicSettings
) -> None:
    published = run("publish", SAMPLES / "events.yaml", "--json")
    topic, key = topics.sources("pms")[0], b"harbour-house"
    assert published.returncode == 0
    assert json.loads(published.stdout) == {"published": 45, "topics": {topic: 28, topics.sources("care")[0]: 17}}
    reader = PartitionReader(options, topic, partition_of(key, 4))
    records = [record async for fetched in reader.read(0, None) for record in fetched.records if record.key == key]
    ids = [json.loads(record.value or b"")["id"] for record in records]
    assert ids == sorted(ids)
    assert len(ids) == 26
    assert records[0].headers == (("content-type", b"application/cloudevents+json"),)


def test_publish_refuses_all_when_one_is_bad(run: Run, tmp_path: Path) -> None:
    events = [poison.pms_event(), poison.pms_event(type="credentials.shared")]
    (tmp_path / "x.json").write_text(json.dumps(events), encoding="utf-8")
    refused = run("publish", tmp_path / "x.json")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "data.share: is missing; an object is needed (invalid_data)" in refused.stderr


def outcome(outcome_id: str, tenant: str, event: str, status: str) -> Message:
    value = {
        "specversion": "1.0", "id": outcome_id, "source": "/notifier", "type": f"notification.{status}",
        "time": "2026-12-03T14:00:02.114Z", "tenant": tenant, "subject": outcome_id, "traceparent": "00-ab",
        "datacontenttype": "application/json",
        "data": {"event": {"id": event, "source": "/pms", "type": "key.ready"}, "status": status, "channel": "sms"},
    }  # fmt: skip
    return Message("", tenant.encode(), msgspec.json.encode(value), ())


async def test_results_are_told_once_and_filtered(run: Run, options: Options, topics: TopicSettings) -> None:
    rows = [
        outcome("n1:1", "a", "e1", "accepted"), outcome("n1:2", "a", "e1", "delivered"),
        outcome("n1:1", "a", "e1", "accepted"), outcome("n2:1", "b", "e2", "failed"),
    ]  # fmt: skip
    topic = topics.name("results")
    await publish_messages(options, [row._replace(topic=topic) for row in [*rows, Message("", b"a", b"{broken", ())]])

    def ids(*arguments: str) -> set[str]:
        told = run("results", "--json", *arguments)
        assert told.returncode == 0, told.stderr
        found = [json.loads(line)["id"] for line in told.stdout.splitlines()]
        assert len(found) == len(set(found))
        return set(found)

    assert ids() == {"n1:1", "n1:2", "n2:1"}
    assert ids("--tenant", "b") == {"n2:1"}
    assert ids("--event", "e1") == {"n1:1", "n1:2"}
    assert ids("--event", "e1", "--status", "delivered") == {"n1:2"}


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_results_that_nobody_reads_any_more_end_without_an_error(
    environment: dict[str, str], options: Options, topics: TopicSettings, more: tuple[str, ...]
) -> None:
    """Even those that follow: in all partitions at once, here."""
    with subprocess.Popen(
        [sys.executable, "-m", "notifier", "results", "--follow", *more],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as following:  # fmt: skip
        assert following.stdout is not None
        following.stdout.close()
        following.stdout = None
        rows = [outcome(f"n{number}:1", f"tenant-{number}", "e1", "accepted") for number in range(20)]
        topic = topics.name("results")
        asyncio.run(publish_messages(options, [row._replace(topic=topic) for row in rows]))
        _, said = following.communicate(timeout=60)
    assert (following.returncode, said) == (0, "")


def test_what_is_applied_is_applied_even_if_nobody_reads_of_it(run: Run, environment: dict[str, str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "notifier", "config", "apply", SAMPLES / "tenants"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as applying:  # fmt: skip
        assert applying.stdout is not None
        applying.stdout.close()
        applying.stdout = None
        _, said = applying.communicate(timeout=60)
    assert (applying.returncode, said) == (0, "")
    assert len(run("config", "export", "--json").stdout.splitlines()) == 13


def test_a_status_that_there_is_not_is_wrong_usage(run: Run) -> None:
    refused = run("results", "--status", "gone")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "delivered" in refused.stderr


def test_a_broker_that_is_away_is_one_clear_line(run: Run) -> None:
    away = run("results", NOTIFIER_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.splitlines()[-1].startswith("notifier: no broker answers at 127.0.0.1:1")
