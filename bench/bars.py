"""The bars: what each figure means, what is asked of it, and what others do on the same work (Kafka, render, form POST,
Kafka; provider at 100 ms; none of them promises more than at-least-once)."""

from __future__ import annotations

from collections.abc import Mapping

from bench.figures import Bar

LOOP_CPU = 0.300  # seconds for 1,000 texts of the hand-written loop where the bars of (a) were set

_PEERS_RATE = (
    "hand-written Go 8,831 /s",
    "Benthos (Redpanda Connect) 7,076 /s",
    "Confluent Parallel Consumer 3,864 /s without order, 618 /s in key order",
    "hand-written aiokafka + twilio loop 2,584 /s",
    "FastStream in batches 2,290 /s",
)
_PEERS_CPU = (f"hand-written aiokafka + twilio loop {LOOP_CPU:.3f} s",)


def _throughput(latency: int) -> list[Bar]:
    at_100 = latency == 100
    name, what = f"a{latency}", f"one process, provider at {latency} ms"
    return [
        Bar(f"{name}.texts_per_second", f"texts, {what}", "/s", "at least" if at_100 else None,
            3000, 5000, _PEERS_RATE if at_100 else ()),
        Bar(f"{name}.cpu_seconds_per_1000", "CPU of the daemon per 1,000 texts", "s", "at most" if at_100 else None,
            0.30, 0.20, _PEERS_CPU if at_100 else ()),
        Bar(f"{name}.peak_rss_mib", "its most memory", "MiB", None),
    ]  # fmt: skip


# The ratios to the hand-written loop: the bars and aims of (a) by what that loop did where they were set.
BARS = [
    *_throughput(0),
    *_throughput(20),
    *_throughput(100),
    Bar("s100.texts_per_second", "the same, bound to no core", "/s", None),
    Bar("s100.cpu_seconds_per_1000", "its CPU per 1,000 texts then", "s", None),
    Bar("p100.texts_per_second", "texts by a hand-written loop in batches, which promises less", "/s", None),
    Bar("p100.cpu_seconds_per_1000", "its CPU per 1,000 texts", "s", None),
    Bar("p100.rate_ratio", "(a) on any machine: our rate as a multiple of its", "times", "at least", 1.16, 1.93),
    Bar("p100.cpu_ratio", "(a) on any machine: our CPU as a multiple of its", "times", "at most", 1.0, 0.67),
    Bar("b.p50_ms", "event on the topic to POST begun at 200 /s, p50", "ms", "at most", 40, 15),
    Bar("b.p99_ms", "the same, p99", "ms", "at most", 250, 60),
    Bar("b.max_ms", "the same, the longest", "ms", None),
    Bar("craw.records_per_second", "ledger records restored, of 500,000 not compacted", "/s", "at least", 100_000),
    Bar("cday.restore_seconds", "restore after a day at 50 events/s", "s", "at most", 60),
    Bar("cday.records_per_second", "the same as a rate", "/s", None),
    Bar("cday.ready_seconds", "the same from the start of the process until it is ready", "s", None),
    Bar("e.callbacks_per_second", "callbacks checked, stored and answered by one core", "/s", "at least", 2000),
    Bar("e.cpu_seconds_per_1000", "CPU of that process per 1,000", "s", None),
    Bar("e.beside_p99_ms", "answer to a callback beside 200 events/s, one process, p99", "ms", "at most", 100),
    Bar("f.p99_without_ms", "p99 of 99 tenants at 100 events/s", "ms", None),
    Bar("f.p99_with_ms", "the same beside 100,000 queued of one tenant", "ms", None),
    Bar("f.share_of_allowed", "how much worse, as a part of what is allowed (25 % or 20 ms)", "", "at most", 1.0),
    Bar("g.ratio", "two processes against one", "times", "at least", 1.6),
    Bar("g.possible", "what all cores would give at the cost of a text with one process", "times", None),
    Bar("dflat.growth_percent", "memory at the end of 300,000 texts against after 40 %", "%", "at most", 5),
    Bar("dflat.end_mib", "memory then", "MiB", None),
    Bar("dids.bytes_per_identity", "memory of a remembered identity", "bytes", "at most", 100),
    Bar("h.filters_per_second", "filters evaluated", "/s", None),
    Bar("h.templates_per_second", "templates rendered", "/s", None),
    Bar("h.engine_us_per_text", "CPU of the engine alone for a text", "us", None),
]


def speed_of_machine(measured: Mapping[str, float]) -> str | None:
    """How fast this machine was against the one of the bars, by the same loop on both; None: it was not measured."""
    here = measured.get("p100.cpu_seconds_per_1000")
    if here is None:
        return None
    return (
        f"the hand-written loop took {here:.3f} s for 1,000 texts here and {LOOP_CPU:.3f} s where the bars of (a) were"
        f" set: this machine ran at {LOOP_CPU / here:.2f} of that speed"
    )
