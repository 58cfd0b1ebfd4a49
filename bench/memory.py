"""(d) Memory over many events: whether it stays flat, and what a remembered identity costs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from statistics import median

from bench.callbacks import Following
from bench.callers import Callers
from bench.installation import Daemon, Installation
from bench.processes import resident_bytes
from bench.provider import fast_server
from bench.setting import Setting
from bench.traffic import Load, care_event

EVENTS = 300_000
SHORT_WINDOW = "10s"
MOST_AHEAD = 5_000  # events published and not yet delivered: what waits is not what is measured
PUT_AT_ONCE = 1_000
SAMPLE_EVERY = 1.0
STEADY_FROM, STEADY_TO, LAST_FROM = 0.40, 0.50, 0.90  # parts of the run that are compared
IDENTITIES_BEFORE = 30_000  # a process that has worked for a while is what grows
PAGES_SECONDS = 75.0  # an identity waits a minute for its page, and the entity for that
MOST_SECONDS = 1200.0

Samples = list[tuple[int, int]]  # events that were over, resident bytes


def flatness(setting: Setting) -> dict[str, float]:
    """Care orders, each texted, delivered by callback and remembered for ten seconds only; nothing of them may stay."""
    events = setting.scaled(EVENTS, least=5_000)
    samples: Samples = []
    with setting.folder() as folder, fast_server(folder, 0) as server:
        installation = Installation(
            setting, folder, server.url, platform="care", profile=setting.profile,
            settings={"NOTIFIER_DEDUPE__WINDOW": SHORT_WINDOW},
        )  # fmt: skip
        installation.prepare()
        begun = time.monotonic()
        with installation.daemons(0) as (daemon,), Callers("127.0.0.1", daemon.public_port) as callers:
            following = Following(installation, callers, ("delivered",))
            load, tenants = Load(installation.bootstrap, installation.source, linger_ms=5), installation.tenants
            put = 0
            sampled_at = 0.0
            while following.texts < events or callers.waiting:
                over = following.texts - callers.waiting
                while put < events and put - over < MOST_AHEAD:
                    load.put(care_event("order.shipped", tenants[put % len(tenants)], put))
                    put += 1
                following.follow(0.05)
                if time.monotonic() - sampled_at >= SAMPLE_EVERY:
                    daemon.check()
                    sampled_at = time.monotonic()
                    samples.append((over, resident_bytes(daemon.pid)))
                    setting.progress(f"{over:,} of {events:,} texts delivered, {samples[-1][1] / 2**20:.0f} MiB")
                if time.monotonic() - begun > MOST_SECONDS:
                    raise RuntimeError(f"only {following.texts} of {events} texts within {MOST_SECONDS:g} s")
            callers.answered_within(60)
            load.flush()
            seconds = time.monotonic() - begun
    return growth(samples, events) | {"texts_per_second": events / seconds, "events": events}


def growth(samples: Samples, events: int) -> dict[str, float]:
    """The median of the last tenth against that of a tenth in the middle, when everything had reached its size."""

    def between(low: float, high: float) -> float:
        found = [size for over, size in samples if low * events <= over <= high * events]
        if not found:
            raise RuntimeError("the run was too short to be sampled")
        return median(found)

    steady, last = between(STEADY_FROM, STEADY_TO), between(LAST_FROM, 1.0)
    passed = ((LAST_FROM + 1.0) - (STEADY_FROM + STEADY_TO)) / 2 * events
    return {
        "growth_percent": 100 * (last / steady - 1),
        "growth_bytes_per_event": (last - steady) / passed,
        "steady_mib": steady / 2**20,
        "end_mib": last / 2**20,
        "largest_step_mib": max((after - before for (_, before), (_, after) in pairwise(samples)), default=0) / 2**20,
    }


def identities(setting: Setting) -> dict[str, float]:
    """Events that start nothing: once they are in pages, their identity is all that is left of them."""
    events = setting.scaled(EVENTS, least=5_000)
    with setting.folder() as folder, fast_server(folder, 0) as server:
        installation = Installation(setting, folder, server.url, platform="care")
        installation.prepare()
        with installation.daemons(0) as (daemon,):
            load, tenants = Load(installation.bootstrap, installation.source, linger_ms=5), installation.tenants

            def taken(events: int) -> bool:
                return _accepted(daemon) >= events

            def ignored(first: int, count: int) -> None:
                for number in range(first, first + count):
                    load.put(care_event("order.created", tenants[number % len(tenants)], number))
                    if number % PUT_AT_ONCE == 0:
                        load.flush()
                        setting.progress(f"{number:,} events put")
                        _until(daemon, partial(taken, number - MOST_AHEAD))
                load.flush()
                _until(daemon, partial(taken, first + count))
                time.sleep(PAGES_SECONDS)

            ignored(0, IDENTITIES_BEFORE)
            before = resident_bytes(daemon.pid)
            ignored(IDENTITIES_BEFORE, events)
            after = resident_bytes(daemon.pid)
    return {"bytes_per_identity": (after - before) / events, "events": events, "end_mib": after / 2**20}


def _accepted(daemon: Daemon) -> int:
    """Inbox records that the engine has taken."""
    _, said = daemon.get("/status")
    return sum(one["inbox"] or 0 for one in json.loads(said)["partitions"]) if said else 0


def _until(daemon: Daemon, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while not done():
        daemon.check()
        if time.monotonic() > deadline:
            raise RuntimeError("the events were not taken in time")
        time.sleep(0.05)
