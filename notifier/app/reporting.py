"""What the process says of itself: `/status`, `/readyz`, `/healthz`, and the gauges that are sums over partitions.

No personal data: counts, offsets, ages and states, with tenants named only where staff named them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf

from notifier.app.clock import Clock
from notifier.app.connection_report import ConnectionReport
from notifier.app.driver import PartitionDriver
from notifier.domain.catalog import Catalog
from notifier.engine.state import State
from notifier.metrics import Metrics

PHASES = ("idle", "claiming", "restoring", "owning", "lost", "halted")
SLICE, PAUSE = 1_000, 0.01  # notifications, which take half a millisecond; seconds in which everything else goes on
GAUGE_EVERY, LOOP_LAG_EVERY = 2.0, 0.5
WAITING = ("held", "waiting", "sending", "doubt", "handed")


class Report:
    """Reads the state of the partitions; changes nothing."""

    def __init__(
        self,
        clock: Clock,
        metrics: Metrics,
        drivers: Callable[[], Mapping[int, PartitionDriver]],
        catalog: Callable[[], Catalog],
        missing: Callable[[], Sequence[str]],
        loops: Callable[[], Mapping[str, float]],
        inbox_topic: str,
        connections: Callable[[], ConnectionReport | None],
    ) -> None:
        """`loops`: other loops of the process, by the time of their last progress; `connections` None: none is used."""
        self._clock, self._metrics, self._drivers = clock, metrics, drivers
        self._catalog, self._missing, self._loops = catalog, missing, loops
        self._inbox_topic, self._connections = inbox_topic, connections
        self._partition_states, self._lags = metrics.series("partition_state"), metrics.series("consumer_lag")
        self._sender_backlogs = metrics.series("sender_backlog_seconds")
        self._connection_states = metrics.series("connection_state")

    def progress(self) -> Mapping[str, float]:
        """Seconds since each loop moved; a partition that is owned at least feels its own heartbeat."""
        now = self._clock.now()
        return {name: now - at for name, at in self._loops().items()} | {
            f"partition-{number}": now - driver.progressed_at
            for number, driver in self._drivers().items()
            if driver.partition.state.ledger.phase == "owning"
        }

    def missing(self) -> list[str]:
        found = list(self._missing())
        for number, driver in sorted(self._drivers().items()):
            phase = driver.partition.state.ledger.phase
            if driver.halted is not None:
                found.append(f"partition {number} is halted: {driver.halted}")
            elif phase != "owning":
                found.append(f"partition {number} is {phase}")
        return found

    def status(self) -> Mapping[str, object]:
        drivers = self._drivers()
        states = [driver.partition.state for driver in drivers.values()]
        stages = Counter(stage for state in states for stage, _ in state.notifications.stages())
        catalog, connections = self._catalog(), self._connections()
        return {
            "configOffset": catalog.offset,
            "configFaults": list(catalog.faults),
            "partitions": [self._partition(number, drivers[number]) for number in sorted(drivers)],
            "connections": connections.rows() if connections is not None else [],
            "timers": sum(len(state.timers.heap) for state in states),
            "inDoubt": stages["doubt"],
            "notifications": dict(stages),
            "halts": sorted(catalog.halts),
            "paused": sorted(catalog.paused),
        }

    def _partition(self, number: int, driver: PartitionDriver) -> Mapping[str, object]:
        state = driver.partition.state
        return {
            "partition": number,
            "state": state.ledger.phase,
            "epoch": state.ledger.epoch,
            "inbox": state.positions.inbox,
            "signals": state.positions.signals,
            "ledger": state.ledger.last,
            "lag": _lag(driver),
            "halted": driver.halted,
        }

    async def gauge_now_and_then(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(GAUGE_EVERY)
            await self.gauge()

    async def gauge(self) -> None:
        """Sums over partitions. Looks through a long backlog in slices with pauses, so that a
        text, whose way has many steps of the event loop, waits for hardly one of them."""
        drivers = self._drivers()
        states = [driver.partition.state for driver in drivers.values()]
        now = self._clock.now()
        stages, oldest = await _surveyed(states)
        for stage in WAITING:
            self._metrics.record("backlog", (stage,), float(stages[stage]))
            self._metrics.record("backlog_oldest_seconds", (stage,), max(0.0, now - oldest.get(stage, now)))
        self._metrics.record("in_doubt", (), float(stages["doubt"]))
        self._metrics.record("timers", (), float(sum(len(state.timers.heap) for state in states)))
        in_flight = sum(account.in_flight for state in states for account in state.accounts.values())
        self._metrics.record("twilio_in_flight", (), float(in_flight))
        self._partition_states.tell(
            {
                (str(number), phase): float(driver.partition.state.ledger.phase == phase)
                for number, driver in drivers.items()
                for phase in PHASES
            }
        )
        self._lags.tell({(self._inbox_topic, str(number)): float(_lag(one)) for number, one in drivers.items()})
        self._sender_backlogs.tell(await _sender_backlogs(states))
        connections = self._connections()
        if connections is not None:
            self._connection_states.tell(connections.series())


async def measure_loop_lag(metrics: Metrics) -> None:
    """Twice a second, whatever the gauges do meanwhile."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOP_LAG_EVERY
        await asyncio.sleep(LOOP_LAG_EVERY)
        metrics.record("event_loop_lag_seconds", (), max(0.0, loop.time() - due))


def _lag(driver: PartitionDriver) -> int:
    """Inbox records that were seen and are not accepted yet."""
    return max(0, driver.inbox_end - (driver.partition.state.positions.inbox or 0))


async def _sender_backlogs(states: Sequence[State]) -> dict[tuple[str, ...], float]:
    """By tenant and sender: seconds until what stands in line there is gone."""
    seconds: dict[tuple[str, ...], float] = {}
    looked = 0
    for queue in [queue for state in states for queue in state.senders.values()]:
        for tenant, lanes in [*queue.tenants.items()]:
            waiting = 0
            for lane in [*lanes]:
                waiting += len(lane.due)
                looked += 1
                if looked % SLICE == 0:
                    await asyncio.sleep(PAUSE)
            seconds[tenant, queue.name] = waiting / queue.rate
    return seconds


async def _surveyed(states: Sequence[State]) -> tuple[Counter[str], Mapping[str, float]]:
    """How many notifications are in each stage, and when the oldest of them was due."""
    stages: Counter[str] = Counter()
    oldest: dict[str, float] = {}
    for state in states:
        for looked, (stage, due) in enumerate(state.notifications.stages(), 1):
            stages[stage] += 1
            if due < oldest.get(stage, inf):
                oldest[stage] = due
            if looked % SLICE == 0:
                await asyncio.sleep(PAUSE)
    return stages, oldest
