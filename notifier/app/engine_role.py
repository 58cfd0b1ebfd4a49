"""The role `engine`: one driver per partition that the election names this process for.

An assignment without a partition does not take it away at once: its driver begins no intent any more, finishes what is
under way and ends; whoever claims next fences it in any case.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from notifier.app.driver import PartitionDriver
from notifier.engine.state import Hold

LOOK_AT_ELECTION = 0.25  # seconds between two looks at who is named


class Electing(Protocol):
    """The group: it says which partitions this process should own, and nothing more."""

    @property
    def named(self) -> frozenset[int]: ...

    def answered_after(self, time: float) -> bool: ...


class EngineRole:
    """Starts and ends drivers as the election goes."""

    def __init__(self, electing: Electing, new_driver: Callable[[int], PartitionDriver], grace: float) -> None:
        self._electing, self._new_driver, self._grace = electing, new_driver, grace
        self._drivers: dict[int, PartitionDriver] = {}
        self._ending: dict[int, PartitionDriver] = {}
        self._stopping = asyncio.Event()
        self._log = structlog.get_logger()

    @property
    def drivers(self) -> Mapping[int, PartitionDriver]:
        return self._drivers

    def holds(self) -> dict[tuple[str, str], Hold]:
        """What holds texts now, by owner of the Connection and sender (an empty one: the whole Connection)."""
        return {key: hold for driver in self._drivers.values() for key, hold in driver.partition.state.holds.items()}

    def configure(self) -> None:
        for driver in (*self._drivers.values(), *self._ending.values()):
            driver.configure()

    async def run(self) -> None:
        """Until `stop`. A driver that fails takes the process with it."""
        async with asyncio.TaskGroup() as group:
            while not self._stopping.is_set():
                self._follow(group)
                self._tell_elected()
                try:
                    async with asyncio.timeout(LOOK_AT_ELECTION):
                        await self._stopping.wait()
                except TimeoutError:
                    continue
            for number in tuple(self._drivers):
                self._end(group, number)

    def stop(self) -> None:
        self._stopping.set()

    def _follow(self, group: asyncio.TaskGroup) -> None:
        assigned = self._electing.named
        for number in sorted(self._drivers.keys() - assigned):
            self._end(group, number)
        for number in sorted(assigned - self._drivers.keys() - self._ending.keys()):
            driver = self._drivers[number] = self._new_driver(number)
            group.create_task(driver.run(), name=f"partition-{number}")
            self._log.info("partition_assigned", partition=number)

    def _end(self, group: asyncio.TaskGroup, number: int) -> None:
        driver = self._ending[number] = self._drivers.pop(number)
        group.create_task(self._wind_up(number, driver), name=f"partition-{number}-end")

    async def _wind_up(self, number: int, driver: PartitionDriver) -> None:
        await driver.stop(self._grace)
        del self._ending[number]
        self._log.info("partition_released", partition=number)

    def _tell_elected(self) -> None:
        """A partition lost to a CLAIM is claimed again only when the group was heard of after that."""
        for driver in self._drivers.values():
            ledger = driver.partition.state.ledger
            if ledger.phase == "lost" and self._electing.answered_after(ledger.lost_at):
                driver.elected()
