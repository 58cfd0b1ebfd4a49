"""(a), (g) How fast a backlog goes out: events wait in the topic, all limits are open, and the daemon is let loose."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from statistics import median

from bench.installation import PARTITIONS, Daemon, Installation
from bench.processes import busy_seconds, cpu_seconds, resident_bytes, standing_still
from bench.provider import FastServer, fast_server
from bench.setting import Setting
from bench.traffic import ACCEPTED, Event, Reader, key_ready, publish

EVENTS, WARM_UP = 20_000, 1_000
MOST_SECONDS = 600.0
LOOP_PAIRS = 5
PAIRS, EVENTS_OF_A_PAIR = 5, 40_000  # each of two processes has as many as one has in (a)
Senders = Callable[[Installation], AbstractContextManager[Sequence[Daemon]]]


def backlog(setting: Setting, latency_ms: float, *, core: int | None = 0) -> dict[str, float]:
    """How fast one daemon is, bound to a core, or to none: see `_backlog`."""
    return _backlog(setting, latency_ms, lambda installation: installation.daemons(core))


def beside_handwritten(setting: Setting) -> dict[str, float]:
    """The loop of `handwritten.py` on the work of (a) at 100 ms, in turn with the daemon: medians of five pairs.

    The bars of (a) were set on a machine where such a loop took 0.300 s and did 2,584 texts/s. On a slower one the
    ratios to it say what the seconds cannot.
    """
    pairs = [(backlog(setting, 100), _backlog(setting, 100, Installation.handwritten)) for _ in range(LOOP_PAIRS)]
    return {
        "texts_per_second": median(loop["texts_per_second"] for _, loop in pairs),
        "cpu_seconds_per_1000": median(loop["cpu_seconds_per_1000"] for _, loop in pairs),
        "rate_ratio": median(daemon["texts_per_second"] / loop["texts_per_second"] for daemon, loop in pairs),
        "cpu_ratio": median(daemon["cpu_seconds_per_1000"] / loop["cpu_seconds_per_1000"] for daemon, loop in pairs),
    }


def _backlog(setting: Setting, latency_ms: float, senders: Senders, events: int = EVENTS) -> dict[str, float]:
    """Texts a second from the first POST to the last outcome in the results topic, CPU and memory of the daemons.

    A warm-up goes before, and is not counted. While the events are published the daemons stand still (SIGSTOP), so
    that start-up costs are not counted either and all of the work is.
    """
    events = setting.scaled(events)
    with setting.folder() as folder, fast_server(folder, latency_ms) as server:
        installation = Installation(setting, folder, server.url, profile=setting.profile)
        installation.prepare()
        with senders(installation) as daemons:
            outcomes = Outcomes(installation)
            publish(setting.bootstrap, installation.source, _events(installation, 0, WARM_UP))
            outcomes.until(WARM_UP, daemons, setting)
            with standing_still([daemon.process for daemon in daemons]):
                publish(setting.bootstrap, installation.source, _events(installation, WARM_UP, events))
                begun, busy = _cpu(daemons), busy_seconds()
            outcomes.until(WARM_UP + events, daemons, setting)
            spent = _cpu(daemons) - begun
            busy = busy_seconds() - busy
            outcomes.close()
            peak = sum(resident_bytes(daemon.pid, "VmHWM") for daemon in daemons)
            seconds = outcomes.last_at - _first_post(server)
            in_flight = server.most_in_flight
            if server.count != WARM_UP + events:
                raise RuntimeError(f"{server.count} POSTs for {WARM_UP + events} events")
    return {
        "texts_per_second": events / seconds,
        "cpu_seconds_per_1000": 1000 * spent / events,
        "peak_rss_mib": peak / 2**20,
        "most_in_flight": in_flight,
        "cores_busy": busy / seconds,
        "events": events,
    }


def two_against_one(setting: Setting) -> dict[str, float]:
    """(g) A backlog at 100 ms by two processes, each on a core of its own, as a multiple of one on its core; the median
    of five pairs.

    Broker, provider and load need cores, too: `possible` is what all cores would give at the cost that a text has with
    one process, and `of_possible` how much of it two processes reach.
    """

    def on(*cores: int) -> dict[str, float]:
        return _backlog(setting, 100, lambda installation: installation.daemons(*cores), EVENTS_OF_A_PAIR)

    pairs = [(on(0), on(0, 1)) for _ in range(PAIRS)]
    ratio = median(two["texts_per_second"] / one["texts_per_second"] for one, two in pairs)
    possible = (os.cpu_count() or 1) / median(one["cores_busy"] for one, _ in pairs)
    return {
        "ratio": ratio,
        "possible": possible,
        "of_possible": ratio / possible,
        "one_per_second": median(one["texts_per_second"] for one, _ in pairs),
        "two_per_second": median(two["texts_per_second"] for _, two in pairs),
        "one_cores_busy": median(one["cores_busy"] for one, _ in pairs),
        "two_cores_busy": median(two["cores_busy"] for _, two in pairs),
    }


class Outcomes:
    """Counts texts that the results topic says were accepted; `last_at`: when the last one was read here."""

    def __init__(self, installation: Installation) -> None:
        self._reader = Reader(installation.bootstrap, installation.results, PARTITIONS)
        self.count, self.last_at = 0, 0.0

    def until(self, count: int, daemons: Sequence[Daemon], setting: Setting) -> None:
        """Raises `RuntimeError` when it takes too long, or a daemon ends."""
        deadline = time.monotonic() + MOST_SECONDS
        while self.count < count:
            self.take(0.1)
            setting.progress(f"{self.count:,} of {count:,} texts")
            for daemon in daemons:
                daemon.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"only {self.count} of {count} texts within {MOST_SECONDS:g} s")
        if self.count > count:
            raise RuntimeError(f"{self.count} texts for {count} events")

    def take(self, seconds: float) -> None:
        found = sum(ACCEPTED in value for value in self._reader.poll(seconds))
        if found:
            self.count, self.last_at = self.count + found, time.time()

    def close(self) -> None:
        self._reader.close()


def _events(installation: Installation, first: int, count: int) -> Iterator[Event]:
    tenants = installation.tenants
    return (key_ready(tenants[number % len(tenants)], number) for number in range(first, first + count))


def _cpu(daemons: Sequence[Daemon]) -> float:
    return sum(cpu_seconds(daemon.pid) for daemon in daemons)


def _first_post(server: FastServer) -> float:
    return server.posts(WARM_UP)[0].at
