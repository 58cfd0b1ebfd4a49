"""(b) How late a text is at a steady rate: from the event on the topic to its POST begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bench.figures import percentile
from bench.installation import Daemon, Installation
from bench.processes import cpu_seconds
from bench.provider import FastServer, fast_server
from bench.setting import Setting
from bench.traffic import Load, at_rate, event_number, key_ready

RATE, LATENCY_MS = 200.0, 100.0
SECONDS, WARM_UP_SECONDS = 60, 5
LAST_POSTS_SECONDS = 120.0


def steady(setting: Setting) -> dict[str, float]:
    with setting.folder() as folder, fast_server(folder, LATENCY_MS) as server:
        installation = Installation(setting, folder, server.url, profile=setting.profile)
        installation.prepare()
        with installation.daemons(0) as (daemon,):
            stream = Stream(installation, server, setting)
            stream.run(RATE, WARM_UP_SECONDS, [daemon])
            begun, spent = time.monotonic(), cpu_seconds(daemon.pid)
            seconds = setting.scaled(SECONDS, least=5)
            waits = stream.run(RATE, seconds, [daemon])
            cores = (cpu_seconds(daemon.pid) - spent) / (time.monotonic() - begun)
    return {
        **in_milliseconds(waits),
        "load_late_max_ms": 1000 * stream.latest,
        "cores_used": cores,
        "events": len(waits),
    }


def in_milliseconds(waits: Sequence[float]) -> dict[str, float]:
    return {
        "p50_ms": 1000 * percentile(waits, 50),
        "p99_ms": 1000 * percentile(waits, 99),
        "max_ms": 1000 * max(waits),
    }


class Stream:
    """Events at a steady rate for `tenants` (all by default), each of a person of its own, and how long each waited.

    `latest`: by how many seconds the load itself was behind its time at the worst; it counts as waiting for nobody.
    """

    def __init__(
        self, installation: Installation, server: FastServer, setting: Setting, *,
        tenants: Sequence[str] | None = None, first: int = 0,
    ) -> None:  # fmt: skip
        self._tenants = tenants or installation.tenants
        self._server, self._setting = server, setting
        self._load = Load(installation.bootstrap, installation.source)
        self._next, self._read = first, 0
        self._begun: dict[int, float] = {}  # event number -> when its POST began
        self.latest = 0.0

    def run(
        self, rate: float, seconds: float, daemons: Sequence[Daemon], meanwhile: Callable[[], None] = lambda: None
    ) -> list[float]:
        """Seconds between handing each event to the producer and its POST; `meanwhile` is called now and then.

        Raises `RuntimeError` when a text does not come, or comes twice.
        """
        first, count = self._next, round(rate * seconds)
        put: dict[int, float] = {}
        for number, due in at_rate(rate, count):
            event = key_ready(self._tenants[(first + number) % len(self._tenants)], first + number)
            put[first + number] = now = time.time()
            self._load.put(event)
            self.latest = max(self.latest, now - due)
            self._setting.progress(f"{number:,} of {count:,} events")
            meanwhile()
        self._next += count
        self._load.flush()
        self._await(put, daemons, meanwhile)
        return [self._begun[number] - at for number, at in put.items()]

    def _await(self, numbers: dict[int, float], daemons: Sequence[Daemon], meanwhile: Callable[[], None]) -> None:
        deadline = time.monotonic() + LAST_POSTS_SECONDS
        while True:
            self._take_posts()
            missing = sum(number not in self._begun for number in numbers)
            if not missing:
                return
            for daemon in daemons:
                daemon.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{missing} of {len(numbers)} texts did not come")
            meanwhile()
            time.sleep(0.02)

    def _take_posts(self) -> None:
        for post in self._server.posts(self._read):
            self._read += 1
            number = event_number(post.number)
            if number in self._begun:
                raise RuntimeError(f"event {number} was texted twice")
            self._begun[number] = post.at
