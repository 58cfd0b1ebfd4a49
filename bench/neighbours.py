"""(f) Whether a tenant with a day of backlog delays the others.

Two installations stand side by side, one with 100,000 texts of one tenant queued at one segment a second, one without;
both daemons live the whole time, each on a core of its own, and are measured in turn, so that what else the machine
does falls on both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from statistics import median

from bench.figures import percentile
from bench.installation import Daemon, Installation, tenant_name
from bench.provider import fast_server
from bench.setting import Setting
from bench.steady import LATENCY_MS, Stream
from bench.traffic import key_ready, publish

QUEUED, RATE = 100_000, 100.0
PAIRS, SECONDS, WARM_UP_SECONDS = 5, 30, 5
SLOW = tenant_name(0)
FIRST = 1_000_000  # number of the others' first event: apart from those that are queued
MOST_PERCENT, MOST_MS = 25.0, 20.0  # one of the two is enough
QUEUE_SECONDS = 600.0


def neighbours(setting: Setting) -> dict[str, float]:
    with ExitStack() as stack:
        alone, alone_daemon = stack.enter_context(_side(setting, 0, core=1))
        beside, beside_daemon = stack.enter_context(_side(setting, setting.scaled(QUEUED), core=0))
        daemons = [alone_daemon, beside_daemon]
        for stream in (alone, beside):
            stream.run(RATE, WARM_UP_SECONDS, daemons)
        seconds = setting.scaled(SECONDS, least=5)
        pairs = []
        for number in range(PAIRS):
            order = (alone, beside) if number % 2 == 0 else (beside, alone)
            p99 = {id(stream): 1000 * percentile(stream.run(RATE, seconds, daemons), 99) for stream in order}
            pairs.append((p99[id(alone)], p99[id(beside)]))
    return summary(pairs)


def summary(pairs: Sequence[tuple[float, float]]) -> dict[str, float]:
    """Of pairs of p99 in milliseconds, without and with the backlog. `share_of_allowed` is 1 at the bar."""
    worse_ms = median(beside - alone for alone, beside in pairs)
    worse_percent = median(100 * (beside / alone - 1) for alone, beside in pairs)
    return {
        "p99_without_ms": median(alone for alone, _ in pairs),
        "p99_with_ms": median(beside for _, beside in pairs),
        "worse_ms": worse_ms,
        "worse_percent": worse_percent,
        "share_of_allowed": min(worse_ms / MOST_MS, worse_percent / MOST_PERCENT),
    }


@contextmanager
def _side(setting: Setting, queued: int, *, core: int) -> Iterator[tuple[Stream, Daemon]]:
    with setting.folder() as folder, fast_server(folder, LATENCY_MS) as server:
        installation = Installation(setting, folder, server.url, rates={SLOW: 1.0})
        installation.prepare()
        with installation.daemons(core) as (daemon,):
            publish(setting.bootstrap, installation.source, (key_ready(SLOW, number) for number in range(queued)))
            _until_accepted(setting, daemon, queued)
            others = installation.tenants[1:]
            yield Stream(installation, server, setting, tenants=others, first=FIRST), daemon


def _until_accepted(setting: Setting, daemon: Daemon, queued: int) -> None:
    """Until the engine has taken them all; only then the backlog is as long as it gets."""
    deadline = time.monotonic() + QUEUE_SECONDS
    accepted = 0
    while accepted < queued:
        _, said = daemon.get("/status")
        daemon.check()
        accepted = sum(json.loads(said)["notifications"].values()) if said else 0
        setting.progress(f"{accepted:,} of {queued:,} queued")
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {accepted} of {queued} were accepted within {QUEUE_SECONDS:g} s")
        time.sleep(1)
