"""The internal port of a daemon that has work in every state: health, readiness, status and metrics, whole."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from notifier.domain.documents import Connection, Document, InDoubt, Sender, Tenant
from tests.brokers import Broker
from tests.e2e.events import key_event
from tests.e2e.fleet import Fleet, pause
from tests.e2e.outcomes import heard, publish
from tests.e2e.traffic import Told

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "metrics.md"
HOTEL, REFUSED, SLOW, BARE = "t0", "t1", "t2", "t3"
RATE = 0.01
# Contract section 9, without the prefix.
METRICS = {
    "build_info": {"version"}, "events_total": {"source", "type", "result"},
    "outcomes_total": {"status", "reason", "channel", "tenant"}, "handover_seconds": set(), "delivery_seconds": set(),
    "twilio_requests_total": {"result"}, "twilio_request_seconds": set(), "twilio_in_flight": set(),
    "segments_total": {"tenant"}, "backlog": {"state"}, "backlog_oldest_seconds": {"state"},
    "sender_backlog_seconds": {"tenant", "sender"}, "in_doubt": set(), "doubts_total": {"cause", "ending"},
    "parked_total": set(), "dead_letters_total": {"reason"}, "timers": set(), "timer_lateness_seconds": set(),
    "callbacks_total": {"result"}, "connection_state": {"tenant", "state"}, "partition_state": {"partition", "state"},
    "claims_total": set(), "fenced_total": set(), "restore_seconds": set(), "restored_records_total": set(),
    "ledger_append_seconds": set(), "consumer_lag": {"topic", "partition"}, "event_loop_lag_seconds": set(),
}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """One text delivered, one found after a cut connection, one in doubt, one held, two in line, one dead letter."""
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    fleet = Fleet(
        broker.bootstrap_servers, tmp_path_factory.mktemp("internal-port"), partitions=2, tenants=4,
        settings={"NOTIFIER_RECOVERY__LIST_LAG": "1h"},
    )  # fmt: skip
    try:
        await fleet.prepare(_documents(fleet))
        fleet.start_standin("--first-status-after", "1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        await _work(fleet)
        yield fleet
        assert fleet.fallen() == []
    finally:
        fleet.stop()


def _documents(fleet: Fleet) -> list[Document]:
    found: list[Document] = []
    for document in fleet.documents():
        if isinstance(document, Tenant) and document.tenant == HOTEL:
            document = msgspec.structs.replace(document, in_doubt=InDoubt(code="park"))
        if isinstance(document, Connection) and document.tenant == REFUSED:
            document = msgspec.structs.replace(document, auth_token="not-this-one")
        if isinstance(document, Connection) and document.tenant == SLOW:
            slow = Sender(from_=fleet.number(SLOW), segments_per_second=RATE)
            document = msgspec.structs.replace(document, senders=(slow,))
        if not (isinstance(document, Connection) and document.tenant == BARE):
            found.append(document)
    return found


async def _work(fleet: Fleet) -> None:
    cut_but_created, cut = (
        key_event("key.ready", number, 1, persons=[{"id": "p1", "phone": number_of_standin}])
        for number, number_of_standin in ((2, "+15005550142"), (3, "+15005550143"))
    )
    delivered, held = key_event("key.ready", 1, 1), key_event("key.ready", 4, 1, tenant=REFUSED)
    in_line = [key_event("key.ready", number, 1, tenant=SLOW) for number in (5, 6, 7)]
    dead = key_event("key.lost", 8, 1)
    await publish(fleet, delivered, cut_but_created, cut, held, *in_line, dead)
    await heard(fleet, delivered, "notification.delivered")
    await heard(fleet, cut_but_created, "notification.delivered")
    await heard(fleet, cut, "notification.unknown")
    await heard(fleet, held, "notification.held")
    await heard(fleet, in_line[0], "notification.delivered")
    await fleet.dead_letters(1)


async def test_a_daemon_that_moves_is_healthy_and_ready(fleet: Fleet) -> None:
    health, ready = await fleet.ask("all", "/healthz"), await fleet.ask("all", "/readyz")
    assert (health.status, health.content_type.split(";")[0]) == (200, "application/json")
    assert json.loads(health.body) == {"healthy": True, "stalledSeconds": {}}
    assert (ready.status, ready.content_type.split(";")[0]) == (200, "application/json")
    assert json.loads(ready.body) == {"ready": True, "missing": []}


async def test_without_a_broker_it_is_healthy_and_says_why_it_is_not_ready(tmp_path: Path) -> None:
    """Nor does it have partitions; status and metrics answer all the same, and SIGTERM ends it with 0."""
    fleet = Fleet("127.0.0.1:1", tmp_path)
    try:
        fleet.start_standin()
        fleet.start("all")
        await fleet.ready("all", 503)
        status, said = await fleet.get("all", "/readyz")
        assert (status, json.loads(said)) == (503, {"ready": False, "missing": ["no broker answered yet"]})
        assert (await fleet.get("all", "/healthz"))[0] == 200
        assert json.loads((await fleet.get("all", "/status"))[1])["partitions"] == []
        assert _families(prometheus_text, (await fleet.get("all", "/metrics"))[1]).keys() == METRICS.keys()
        fleet.kill("all", signal.SIGTERM)
        assert await asyncio.to_thread(fleet.wait, "all") == 0
    finally:
        fleet.stop()


async def test_ready_means_that_every_partition_is_there_and_each_claim_has_a_later_epoch(
    real_kafka: Broker, tmp_path: Path
) -> None:
    """Looked at again and again, so that a moment of being ready too early is seen."""
    fleet = Fleet(real_kafka.bootstrap_servers, tmp_path, partitions=2, tenants=1)
    epochs: list[list[int]] = []
    try:
        await fleet.prepare()
        fleet.start_standin()
        for _ in range(2):
            fleet.start("all")
            while (await fleet.get("all", "/readyz"))[0] != 200:
                assert fleet.fallen() == [], fleet.logs()
            partitions = json.loads((await fleet.get("all", "/status"))[1])["partitions"]
            assert [(one["partition"], one["state"]) for one in partitions] == [(0, "owning"), (1, "owning")]
            epochs.append([one["epoch"] for one in partitions])
            fleet.kill("all", signal.SIGTERM)
            assert await asyncio.to_thread(fleet.wait, "all") == 0
        assert [now > before for before, now in zip(*epochs, strict=True)] == [True, True]
    finally:
        fleet.stop()


async def test_status_tells_of_configuration_partitions_connections_timers_and_doubts(fleet: Fleet) -> None:
    answer = await fleet.ask("all", "/status")
    assert (answer.status, answer.content_type.split(";")[0]) == (200, "application/json")
    status: dict[str, Any] = json.loads(answer.body)
    partitions = status.pop("partitions")
    assert [one["partition"] for one in partitions] == [0, 1]
    for one in partitions:
        assert one.keys() == {"partition", "state", "epoch", "inbox", "signals", "ledger", "lag", "halted"}
        assert (one["state"], one["lag"], one["halted"]) == ("owning", 0, None)
        assert isinstance(one["epoch"], int)
    connections = {one["tenant"]: one for one in status.pop("connections")}
    assert {tenant: one["state"] for tenant, one in connections.items()} == {
        HOTEL: "connected", REFUSED: "broken", SLOW: "connected", BARE: "not_connected",
    }  # fmt: skip
    fields = {"tenant", "state", "reason", "checkedAt", "unverified", "trouble", "builtinSender"}
    assert all(one.keys() == fields for one in connections.values())
    assert [tenant for tenant, one in connections.items() if one["reason"] is not None] == [REFUSED]
    assert status.pop("timers") > 0
    assert status == {
        "configOffset": len(_documents(fleet)) - 1, "configFaults": [], "inDoubt": 1, "halts": [], "paused": [],
        "notifications": {"final": 3, "doubt": 1, "held": 1, "waiting": 2},
    }  # fmt: skip


async def test_every_metric_of_the_contract_is_documented_and_told_with_its_labels(fleet: Fleet) -> None:
    """The page lists what the contract does; both formats tell all of it, and nothing else of ours."""
    documented = {name: labels for name, (_, labels) in _documented().items()}
    assert documented == METRICS
    text = await fleet.ask("all", "/metrics")
    assert (text.status, text.content_type.split(";")[0]) == (200, "text/plain")
    other = await fleet.ask("all", "/metrics", accept="application/openmetrics-text; version=1.0.0")
    assert (other.status, other.content_type.split(";")[0]) == (200, "application/openmetrics-text")
    assert _families(open_metrics, other.body).keys() == METRICS.keys()
    told = _families(prometheus_text, text.body)
    assert {name: family.type for name, family in told.items()} == {
        name: kind for name, (kind, _) in _documented().items()
    }
    labels = {name: {frozenset(s.labels) - {"le"} for s in family.samples} for name, family in told.items()}
    assert labels == {name: {frozenset(wanted)} for name, wanted in METRICS.items()}


async def test_metrics_count_what_happened(fleet: Fleet) -> None:
    told = Told()
    assert await fleet.listen(told, lambda told: len(told.notifications()) >= 5, 30), fleet.logs()
    outcomes: list[dict[str, Any]] = [o for of_one in told.notifications().values() for o in of_one]
    published = Counter(
        (o["data"]["status"], o["data"]["reason"] or "", o["data"]["channel"], o["tenant"]) for o in outcomes
    )
    families = _families(prometheus_text, (await fleet.get("all", "/metrics"))[1])

    def values(name: str, *labels: str) -> dict[tuple[str, ...], float]:
        return {tuple(s.labels[label] for label in labels): s.value for s in families[name].samples}

    assert values("outcomes_total", "status", "reason", "channel", "tenant") == published
    assert values("build_info", "version") == {(version("notifier"),): 1}
    assert values("dead_letters_total", "reason") == {("unknown_event_type",): 1}
    source = fleet.topics.sources("pms")[0]
    assert values("events_total", "source", "type", "result") == {
        (source, "key.ready", "ingested"): 7, (source, "key.ready", "accepted"): 7, (source, "", "refused"): 1,
    }  # fmt: skip
    assert values("segments_total", "tenant") == {(HOTEL,): 2, (SLOW,): 1}
    assert "10.0" in {sample.labels.get("le") for sample in families["handover_seconds"].samples}


async def test_gauges_show_what_waits(fleet: Fleet) -> None:
    """They are set every few seconds."""
    waiting = {"held": 1.0, "waiting": 2.0, "sending": 0.0, "doubt": 1.0, "handed": 0.0}
    families: dict[str, Metric] = {}
    shown: dict[str, float] = {}
    for _ in range(100):
        families = _families(prometheus_text, (await fleet.get("all", "/metrics"))[1])
        shown = {sample.labels["state"]: sample.value for sample in families["backlog"].samples}
        if shown == waiting:
            break
        await pause(0.1)
    assert shown == waiting
    assert families["in_doubt"].samples[0].value == 1
    (sender,) = families["sender_backlog_seconds"].samples
    assert (sender.labels["tenant"], sender.value) == (SLOW, 2 / RATE)
    states = {s.labels["tenant"]: s.labels["state"] for s in families["connection_state"].samples if s.value}
    assert states == {HOTEL: "connected", REFUSED: "broken", SLOW: "connected", BARE: "not_connected"}
    owned = {s.labels["partition"]: s.labels["state"] for s in families["partition_state"].samples if s.value}
    assert owned == {"0": "owning", "1": "owning"}


def _documented() -> dict[str, tuple[str, set[str]]]:
    """The kind and the labels of every metric of the reference page."""
    rows = re.findall(r"^\| `notifier_(\w+)` \| (\w+) \| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def _families(parse: Callable[[str], Any], text: str) -> dict[str, Metric]:
    """By their names on the reference page; when a counter began is no metric of ours."""
    found: dict[str, Metric] = {}
    for family in parse(text):
        if family.name.endswith("_created"):
            continue
        assert family.name.startswith("notifier_"), family.name
        suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
        family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        found[family.name.removeprefix("notifier_") + suffix] = family
    return found
