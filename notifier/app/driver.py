"""The shell of one partition: carries out what `Partition.step` asks for and reports what came of it.

Rules: it decides nothing. Inputs are taken one after the other, on the event loop, without a lock; what waits is
a task of the driver's own group and ends in exactly one input. Whatever raises here that is not foreseen ends the
driver, and with it the process: a partition that nobody understands is not worked on.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import aclosing

import structlog

from notifier.app.appending import Appender
from notifier.app.clock import Clock
from notifier.app.feeding import Feed
from notifier.app.ports import Following, PartitionStore, Publishing, Texting
from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendResult
from notifier.engine.commands import (
    Append,
    Command,
    FindSignalsEnd,
    Halt,
    Look,
    Measured,
    Poll,
    Publish,
    ReadLedger,
    Seek,
    Send,
    WakeAt,
)
from notifier.engine.inputs import (
    Answer,
    Appended,
    AppendUnknown,
    ConfigChanged,
    Elected,
    Input,
    LedgerChunk,
    LedgerRead,
    Looked,
    Polled,
    Published,
    SignalsEnd,
    Stopping,
    Tick,
)
from notifier.engine.partition import Partition
from notifier.engine.state import EngineConfig
from notifier.kafka.failures import AppendFailed
from notifier.metrics import Metrics

_RESULTS: dict[type[SendResult], str] = {
    Accepted: "accepted",
    NotSent: "not_sent",
    Rejected: "rejected",
    InDoubt: "in_doubt",
}
SLOW_RESTORE = 360.0  # seconds: a tenth of the ledger's min.compaction.lag (design section 2, rule 10)
MOST_UNPUBLISHED = 10_000  # outcomes that wait for the results topic; above it no event causes more
RETRY_APPEND = 1.0  # seconds until a new producer tries


class _Stopped(Exception):
    """Leaves the group, which cancels what is still under way: nobody waits for it any more."""


class PartitionDriver:
    """Runs one partition from its claim until it is stopped."""

    def __init__(
        self, config: EngineConfig, *, clock: Clock, store: PartitionStore, texting: Texting, publishing: Publishing,
        following: Following, metrics: Metrics, append_deadline: float,
    ) -> None:  # fmt: skip
        self.number = config.partition
        self.partition = Partition(config, following.catalog)
        self.halted: str | None = None
        self.progressed_at = clock.now()
        self._clock, self._store, self._texting = clock, store, texting
        self._publishing, self._following, self._metrics = publishing, following, metrics
        self._feed = Feed(store, following, self.give, self._wants_inbox, lambda: self.partition.wants_signals)
        self._inputs: deque[Input] = deque()
        self._stepping = False
        self._appender = Appender(store, append_deadline)
        self._timer: asyncio.TimerHandle | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._posts = 0
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._group: asyncio.TaskGroup | None = None
        self._log = structlog.get_logger().bind(partition=config.partition)

    async def run(self) -> None:
        """Claim, and work until `stop` is through."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._carry_out(self.partition.claim(self._clock.now()))
                await self._stopped.wait()
                raise _Stopped
        except* _Stopped:
            pass
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await self._appender.close()

    async def stop(self, grace: float) -> None:
        """Begin no intent, wait for the POSTs under way and for what they answered to be written, then end.

        What is not through within `grace` seconds is left in doubt, for the next owner to settle.
        """
        self.give(Stopping())
        try:
            async with asyncio.timeout(grace):
                while not self.drained:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._log.warning("stopped_with_posts_under_way", posts=self._posts)
        self._stopped.set()

    def _wants_inbox(self) -> bool:
        return self.partition.wants_inbox and self._publishing.waiting < MOST_UNPUBLISHED

    @property
    def inbox_end(self) -> int:
        """One behind the newest inbox record that was seen."""
        return self._feed.inbox_end

    @property
    def drained(self) -> bool:
        """Nothing is under way and nothing waits to be written."""
        ledger = self.partition.state.ledger
        idle = ledger.in_flight is None and ledger.gap is None and not ledger.bound and not ledger.loose
        return self._posts == 0 and (idle or ledger.phase in ("idle", "claiming", "restoring", "halted"))

    def elected(self) -> None:
        """The group was heard of and still names this process."""
        self.give(Elected())

    def configure(self) -> None:
        self.give(ConfigChanged(self._following.catalog))

    # Inputs.

    def give(self, given: Input) -> None:
        """Take one input, now if no other is being taken."""
        if self._stopped.is_set() or self.halted is not None:
            return
        self._inputs.append(given)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._inputs:
                now = self._clock.now()
                self._carry_out(self.partition.step(self._inputs.popleft(), now))
                self.progressed_at = now
        finally:
            self._stepping = False
        self._changed.set()
        self._feed.look_again()

    # Commands.

    def _carry_out(self, commands: list[Command]) -> None:
        for command in commands:
            if isinstance(command, Measured):
                self._metrics.record(command.metric, command.labels, command.value)
            elif isinstance(command, Publish):
                self._publishing.publish(command.outcome, self._published)
            else:
                _CARRIERS[type(command)](self, command)

    def _begin_append(self, command: Append) -> None:
        self._start(self._append(command), "append")

    def _begin_read(self, command: ReadLedger) -> None:
        self._start(self._read(command), "read-ledger")

    def _begin_send(self, command: Send) -> None:
        self._posts += 1
        self._start(self._send(command), "post")

    def _begin_look(self, command: Look) -> None:
        self._start(self._look(command), "look")

    def _begin_poll(self, command: Poll) -> None:
        self._start(self._poll(command), "poll")

    def _begin_find(self, command: FindSignalsEnd) -> None:
        self._start(self._find_signals_end(command), "signals-end")

    def _start(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        assert self._group is not None
        return self._group.create_task(work, name=f"partition-{self.number}-{name}")

    def _published(self, outcome_ids: tuple[str, ...]) -> None:
        self.give(Published(outcome_ids))

    def _wake(self, command: WakeAt) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, command.time - self._clock.now())
        self._timer = asyncio.get_running_loop().call_later(delay, self.give, Tick())

    def _halt(self, command: Halt) -> None:
        self.halted = command.reason
        self._log.error("partition_halted", reason=command.reason)
        self._stop_readers()

    async def _append(self, command: Append) -> None:
        if command.records[0].epoch is None:
            self._stop_readers()
        try:
            first = await self._appender.append(command.records)
        except AppendFailed as failure:
            self._log.warning("append_unknown", detail=str(failure))
            await self._appender.close()
            await asyncio.sleep(RETRY_APPEND)
            self.give(AppendUnknown())
            return
        self.give(Appended(first))

    async def _read(self, command: ReadLedger) -> None:
        begun = self._clock.now()
        end = command.start
        count = 0
        async with aclosing(self._store.read_ledger(command.start, command.end)) as chunks:
            async for records, read_to in chunks:
                self.give(LedgerChunk(command.epoch, tuple(records)))
                count, end = count + len(records), read_to
                await asyncio.sleep(0)
        if command.end is None:
            seconds = self._clock.now() - begun
            self._metrics.record("restore_seconds", (), seconds)
            if seconds > SLOW_RESTORE:
                self._log.error("restore_slow", seconds=round(seconds), records=count)
            self._metrics.record("restored_records_total", (), float(count))
        self.give(LedgerRead(command.epoch, end))

    async def _send(self, command: Send) -> None:
        request = command.request
        begun = self._clock.now()
        try:
            result = await self._texting.send(request)
        finally:
            self._posts -= 1
        self._metrics.record("twilio_request_seconds", (), self._clock.now() - begun)
        self._metrics.record("twilio_requests_total", (_RESULTS[type(result)],))
        self.give(Answer(request.notification_id, request.attempt, command.epoch, result))

    async def _look(self, command: Look) -> None:
        matches = await self._texting.look(command.request)
        self.give(Looked(command.notification_id, command.attempt, matches))

    async def _poll(self, command: Poll) -> None:
        found = await self._texting.fetch(command.connection, command.sid)
        self.give(Polled(command.notification_id, command.sid, found))

    async def _find_signals_end(self, command: FindSignalsEnd) -> None:
        self.give(SignalsEnd(command.epoch, await self._store.signals_end()))

    # Readers.

    def _seek(self, command: Seek) -> None:
        self._stop_readers()
        self._readers = [
            self._start(self._feed.inbox(command.inbox), "inbox"),
            self._start(self._feed.signals(command.signals), "signals"),
        ]
        self._log.info("partition_restored", inbox=command.inbox, epoch=self.partition.state.ledger.epoch)

    def _stop_readers(self) -> None:
        for reader in self._readers:
            reader.cancel()
        self._readers = []


_CARRIERS: dict[type, Callable[..., None]] = {  # `...`: each takes the command that it stands beside
    Append: PartitionDriver._begin_append,
    ReadLedger: PartitionDriver._begin_read,
    Send: PartitionDriver._begin_send,
    Look: PartitionDriver._begin_look,
    Poll: PartitionDriver._begin_poll,
    FindSignalsEnd: PartitionDriver._begin_find,
    Seek: PartitionDriver._seek,
    WakeAt: PartitionDriver._wake,
    Halt: PartitionDriver._halt,
}
