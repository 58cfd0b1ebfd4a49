"""Many stories in a row: `python -m tests.simulation.telling RUNS [FIRST_SEED]` for a figure, or from the tests."""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.judge import Verdict, judge
from tests.simulation.scenario import Story

CHUNK = 50
PROGRESS_EVERY = 10_000  # stories
# Stories only compute: they take what is left of the cores by whatever waits for somebody's answer meanwhile.
NICENESS = 10


@dataclass
class Tally:
    runs: int = 0
    notifications: int = 0
    resent: int = 0
    parked: int = 0
    faults: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        self.runs += other.runs
        self.notifications += other.notifications
        self.resent += other.resent
        self.parked += other.parked
        self.faults.update(other.faults)

    def __str__(self) -> str:
        return (
            f"{self.runs} stories, {self.notifications} notifications: {len(self.faults)} at fault, "
            f"{self.resent} resent without evidence, {self.parked} parked"
        )


def verdict(seed: int, off: frozenset[str] = frozenset(), kind: str | None = None) -> Verdict:
    return judge(Story(seed, off=off, kind=kind).run())


def tell(seeds: Iterable[int]) -> Tally:
    """One chunk. Without the collector in between: a story leaves cycles, and a seventh of the time went to them."""
    tally = Tally()
    gc.collect()
    gc.disable()
    for seed in seeds:
        found = verdict(seed)
        tally.add(Tally(1, found.notifications, found.resent, found.parked))
        if found.faults:
            tally.faults[seed] = found.faults
    gc.enable()
    return tally


def tell_many(runs: int, first: int = 0, progress: Callable[[Tally], None] | None = None) -> Tally:
    """All cores; seeds `first` to `first + runs - 1`, in order, so that what `progress` saw is a figure, too."""
    tally = Tally()
    chunks = [range(start, min(start + CHUNK, first + runs)) for start in range(first, first + runs, CHUNK)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=os.nice, initargs=(NICENESS,)) as pool:
        for done in pool.map(tell, chunks):
            tally.add(done)
            if progress is not None and tally.runs % PROGRESS_EVERY == 0:
                progress(tally)
    return tally


def main() -> None:
    runs, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    begun = time.monotonic()
    shown: set[int] = set()

    def show(so_far: Tally) -> None:
        for seed in sorted(so_far.faults.keys() - shown):
            print(f"seed {seed}: {so_far.faults[seed][:3]}")
        shown.update(so_far.faults)
        print(f"{so_far}; {time.monotonic() - begun:.0f} s", flush=True)

    tally = tell_many(runs, first, show)
    show(tally)
    print(f"{tally}; seeds {first} to {first + runs - 1}, {time.monotonic() - begun:.0f} s, {os.cpu_count()} cores")
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
