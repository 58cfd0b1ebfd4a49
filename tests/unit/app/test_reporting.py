"""The gauges that are sums over partitions: what waits, for what, and since when."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from notifier.app import reporting
from notifier.app.reporting import Report
from notifier.metrics import Metrics
from tests.unit.engine.builders import HOTEL, START, key, person
from tests.unit.engine.harness import Shell, connection, tenant


def reporter(shell: Shell, drivers: dict[int, SimpleNamespace], metrics: Metrics, now: float) -> Report:
    return Report(
        SimpleNamespace(now=lambda: now), metrics, lambda: drivers, lambda: shell.partition.state.catalog,
        tuple, dict, "notifier.inbox", lambda: None,
    )  # fmt: skip


@pytest.mark.parametrize("most_unpacked", [3, 2_000])
async def test_what_waits_is_counted_by_stage_and_the_oldest_told(
    monkeypatch: pytest.MonkeyPatch, most_unpacked: int
) -> None:
    monkeypatch.setattr(reporting, "SLICE", 7)  # several, of twenty
    shell = Shell([tenant(), connection(rate=0.5)], most_unpacked=most_unpacked).own()
    for number in range(20):
        shell.now = START + number / 10
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    metrics = Metrics(CollectorRegistry(), "1")
    driver = SimpleNamespace(partition=shell.partition, inbox_end=23, halted=None)
    report = reporter(shell, {0: driver}, metrics, START + 60.0)
    await report.gauge()

    def sample(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"notifier_{name}", labels)

    assert [sample("backlog", state=state) for state in ("sending", "waiting", "held")] == [1.0, 19.0, 0.0]
    assert sample("backlog_oldest_seconds", state="sending") == pytest.approx(60.0)
    assert sample("backlog_oldest_seconds", state="waiting") == pytest.approx(59.9)
    assert sample("backlog_oldest_seconds", state="held") == 0.0
    assert sample("consumer_lag", topic="notifier.inbox", partition="0") == 3.0
    assert sample("sender_backlog_seconds", tenant=HOTEL, sender="+15550000000") == 19 / 0.5
    assert report.status()["notifications"] == {"sending": 1, "waiting": 19}


async def test_a_text_does_not_meet_a_slice_of_a_long_line_at_each_of_its_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reporting, "SLICE", 1)
    shell = Shell([tenant(), connection(rate=0.5)]).own()
    for number in range(20):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    driver = SimpleNamespace(partition=shell.partition, inbox_end=20, halted=None)
    report = reporter(shell, {0: driver}, Metrics(CollectorRegistry(), "1"), START)

    async def text() -> None:
        for _step in range(100):
            await asyncio.sleep(0)

    gauging = asyncio.create_task(report.gauge())
    await text()
    assert not gauging.done()
    await gauging


async def test_a_partition_that_was_given_away_and_a_sender_with_nothing_to_do_are_told_of_no_more() -> None:
    shell = Shell([tenant(), connection(rate=0.5)]).own()
    for number in range(3):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555{number:04d}")]))
    metrics = Metrics(CollectorRegistry(), "1")
    drivers = {0: SimpleNamespace(partition=shell.partition, inbox_end=3, halted=None)}
    report = reporter(shell, drivers, metrics, START)

    def series(name: str) -> list[dict[str, str]]:
        (family,) = (one for one in metrics.registry.collect() if one.name == f"notifier_{name}")
        return [sample.labels for sample in family.samples if sample.value or name == "consumer_lag"]

    await report.gauge()
    assert series("sender_backlog_seconds") == [{"tenant": HOTEL, "sender": "+15550000000"}]
    assert series("partition_state") == [{"partition": "0", "state": "owning"}]
    for _ in range(3):
        shell.answer_all()
        shell.pass_time(5.0)
    await report.gauge()
    assert series("sender_backlog_seconds") == []
    drivers.clear()
    await report.gauge()
    assert series("partition_state") == series("consumer_lag") == []
