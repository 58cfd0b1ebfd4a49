"""Every measurement by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.callbacks import callbacks
from bench.memory import flatness, identities
from bench.neighbours import neighbours
from bench.pure import pure
from bench.restore import after_a_day, raw_log
from bench.setting import Setting
from bench.steady import steady
from bench.throughput import backlog, beside_handwritten, two_against_one


class Measurement(NamedTuple):
    """`run` returns figures by name; in the table they stand as `name.figure`."""

    name: str
    what: str
    run: Callable[[Setting], dict[str, float]]


MEASUREMENTS = [
    Measurement("a0", "20,000 waiting events, provider at 0 ms: texts/s, CPU, memory", lambda s: backlog(s, 0)),
    Measurement("a20", "the same, provider at 20 ms", lambda s: backlog(s, 20)),
    Measurement("a100", "the same, provider at 100 ms", lambda s: backlog(s, 100)),
    Measurement("s100", "the same, bound to no core", lambda s: backlog(s, 100, core=None)),
    Measurement("p100", "a100 in turn with a hand-written loop, at least once", beside_handwritten),
    Measurement("b", "200 events/s at 100 ms: event on the topic to POST begun", steady),
    Measurement("craw", "restore of 500,000 ledger records", raw_log),
    Measurement("cday", "restore after a day at 50 events/s, compacted", after_a_day),
    Measurement("e", "callbacks: how many one core takes, how late beside 200 events/s", callbacks),
    Measurement("f", "100,000 texts of one tenant queued: p99 of the others", neighbours),
    Measurement("g", "two processes against one, provider at 100 ms", two_against_one),
    Measurement("dflat", "memory over 300,000 texts, each delivered and forgotten", flatness),
    Measurement("dids", "memory of a remembered identity, over 300,000 events", identities),
    Measurement("h", "filters and templates a second, pure functions; the engine without its shells", pure),
]


def chosen(only: str) -> Sequence[Measurement]:
    """Those whose names begin with one of these, comma separated; all for nothing. Raises `ValueError` for a name that
    fits none."""
    wanted = [part.strip() for part in only.split(",") if part.strip()]
    unknown = [part for part in wanted if not any(one.name.startswith(part) for one in MEASUREMENTS)]
    if unknown:
        known = ", ".join(one.name for one in MEASUREMENTS)
        raise ValueError(f"no measurement begins with {', '.join(unknown)}; there are {known}")
    return [one for one in MEASUREMENTS if not wanted or any(one.name.startswith(part) for part in wanted)]
