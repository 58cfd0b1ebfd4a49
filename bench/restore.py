"""(c) How long a daemon takes to take over what stands in the ledger: the whole `notifier run`, until it is ready."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from bench.installation import Daemon, Installation
from bench.old_ledger import PAGE_IDENTITIES, Copies, Row, sample, write
from bench.processes import resident_bytes
from bench.provider import fast_server
from bench.setting import Setting

RECORDS = 500_000
RECORDS_A_TEXT = 6  # its key, intent, answer, sent, final, tombstone
OPEN_SHARE = 10  # every tenth text is not over, and half of its records are missing
BATCH_UNDER_LOAD, BATCH_OF_A_DAY = 300, 4

DAY_EVENTS = 50 * 86_400
KEYS_A_DAY = 500_000  # living ones: every second event is about a key, and each key is told about some four times
NEVER_ENDED = 43_000  # of a hundred texts one is never heard of again
TAIL_SECONDS = 5_400  # not compacted yet: between one and two hours
READY_SECONDS = 900.0


def raw_log(setting: Setting) -> dict[str, float]:
    """500,000 records as a busy hour leaves them before any compaction, in the batches that a busy daemon writes."""
    texts = setting.scaled(round(RECORDS / (RECORDS_A_TEXT * (1 - 1 / OPEN_SHARE / 2))))

    def rows(copies: Copies) -> Iterator[Row]:
        for number in range(texts):
            yield from copies.life(number, over=number % OPEN_SHARE != 0)
            if number % PAGE_IDENTITIES == 0:
                yield copies.page(number // PAGE_IDENTITIES)

    return _restored(setting, rows, BATCH_UNDER_LOAD)


def after_a_day(setting: Setting) -> dict[str, float]:
    """What is left of a day at 50 events a second: identities in pages, living keys, texts never heard of, and a tail
    that compaction has not reached, all in the small batches of that rate."""

    def rows(copies: Copies) -> Iterator[Row]:
        keys, lost = setting.scaled(KEYS_A_DAY), setting.scaled(NEVER_ENDED)
        pages = setting.scaled(DAY_EVENTS // PAGE_IDENTITIES)
        tail = range(keys, keys + setting.scaled(50 * TAIL_SECONDS))
        return chain(
            (copies.page(number) for number in range(pages)),
            (copies.key(number) for number in range(keys)),
            (copies.handed(number) for number in range(lost)),
            chain.from_iterable(copies.life(number) for number in tail),
        )

    return _restored(setting, rows, BATCH_OF_A_DAY)


def _restored(setting: Setting, rows: Callable[[Copies], Iterator[Row]], batch: int) -> dict[str, float]:
    found = sample(setting)
    with setting.folder() as folder, fast_server(folder, 0) as server:
        installation = Installation(setting, folder, server.url, profile=setting.profile)
        installation.prepare()
        records = write(
            setting, installation.ledger, rows(Copies(found, installation.tenants)), batch=batch,
            progress=lambda count: setting.progress(f"{count:,} records written"),
        )  # fmt: skip
        begun = time.monotonic()
        with installation.daemon() as daemon:
            daemon.await_ready(READY_SECONDS)
            ready = time.monotonic() - begun
            read = daemon.metric("notifier_restored_records_total")
            peak = resident_bytes(daemon.pid, "VmHWM")
            seconds = _restore_seconds(daemon)
    if read < records:
        raise RuntimeError(f"{read:g} records were read back, and {records} written")
    return {
        "records_per_second": read / seconds,
        "restore_seconds": seconds,
        "ready_seconds": ready,
        "records": read,
        "peak_rss_mib": peak / 2**20,
    }


def _restore_seconds(daemon: Daemon) -> float:
    """From the first partition assigned to the last one restored, by its own log: CLAIMs, reading, building."""
    times: dict[str, list[float]] = {"partition_assigned": [], "partition_restored": []}
    for line in daemon.log.read_text().splitlines():
        if line.startswith("{"):
            said = json.loads(line)
            if said.get("event") in times:
                times[said["event"]].append(datetime.fromisoformat(said["timestamp"]).timestamp())
    return max(times["partition_restored"]) - min(times["partition_assigned"])
