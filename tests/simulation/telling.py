"""Many stories in a row: `python -m tests.simulation.telling RUNS [FIRST_SEED]` for a figure, or from the tests."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.simulation.judge import Verdict, judge
from tests.simulation.scenario import Story

CHUNK = 250


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
    tally = Tally()
    for seed in seeds:
        found = verdict(seed)
        tally.add(Tally(1, found.notifications, found.resent, found.parked))
        if found.faults:
            tally.faults[seed] = found.faults
    return tally


def tell_many(runs: int, first: int = 0) -> Tally:
    """All cores; the seeds are `first` to `first + runs - 1`."""
    tally = Tally()
    chunks = [range(start, min(start + CHUNK, first + runs)) for start in range(first, first + runs, CHUNK)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        for done in pool.map(tell, chunks):
            tally.add(done)
    return tally


def main() -> None:
    runs, first = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    begun = time.monotonic()
    tally = tell_many(runs, first)
    for seed, faults in sorted(tally.faults.items())[:20]:
        print(f"seed {seed}: {faults[:3]}")
    print(f"{tally}; seeds {first} to {first + runs - 1}, {time.monotonic() - begun:.0f} s, {os.cpu_count()} cores")
    sys.exit(1 if tally.faults else 0)


if __name__ == "__main__":
    main()
