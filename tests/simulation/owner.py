"""A simulated shell: carries out what a partition asks for, late, twice or never, and dies or stalls when told to."""

from __future__ import annotations

from collections import deque

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendResult
from notifier.domain.catalog import Catalog
from notifier.domain.outcomes import Outcome
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
    InboxRecord,
    Input,
    LedgerChunk,
    LedgerRead,
    LedgerRecord,
    Looked,
    Polled,
    Published,
    SignalRecord,
    SignalsEnd,
    Stopping,
    Tick,
)
from notifier.engine.partition import Partition
from notifier.engine.state import EngineConfig
from tests.simulation.world import World

APPEND_TIMEOUT = 4.0
POST_TIMEOUT = 3.0
HONEST = 0.002
CHUNK = 5  # records


class Owner:
    """One process that thinks, rightly or not, that it owns the partition."""

    def __init__(self, world: World, config: EngineConfig, catalog: Catalog) -> None:
        self.world, self.name = world, config.instance
        self.partition = Partition(config, catalog)
        self.alive = True
        self.elected = True
        self.stalled_until = 0.0
        self._inputs: deque[Input] = deque()
        self._feeding: tuple[int, int] | None = None
        self._in_feed = False
        self._signals_from = 0.0
        self._tick_at = 0.0
        self._appends = 0
        self._unpublished: deque[Outcome] = deque()
        self._publishing = False
        world.listeners.append(self._feed)
        self._carry_out(self.partition.claim(world.now))
        self._heartbeat()

    # Inputs.

    def give(self, given: Input) -> None:
        self._inputs.append(given)
        self._drain()

    def _drain(self) -> None:
        if not self.alive:
            return
        if self.world.now < self.stalled_until:
            self.world.after(self.stalled_until - self.world.now + 1e-6, self._drain)
            return
        while self._inputs and self.alive and self.world.now >= self.stalled_until:
            commands = self.partition.step(self._inputs.popleft(), self.world.now)
            if commands:
                self._carry_out(commands)
        self._feed()

    def _later(self, delay: float, given: Input) -> None:
        self.world.after(delay, lambda: self.give(given))

    def _heartbeat(self) -> None:
        if not self.alive:
            return
        if self.elected and self.partition.state.ledger.phase == "lost":
            self.give(Elected())
        self.world.after(1.0, self._heartbeat)

    def configure(self, catalog: Catalog) -> None:
        self.give(ConfigChanged(catalog))

    def stop(self) -> None:
        self.elected = False
        self.give(Stopping())

    def _feed(self) -> None:
        """Hand on what inbox and signals hold, as the readers of the real shell do; signals are never held back."""
        if self._in_feed or not self.alive:
            return
        self._in_feed = True
        while self._feeding is not None and self.alive and self.world.now >= self.stalled_until:
            inbox, signals = self._feeding
            signals_wait = self.world.now < self._signals_from or not self.partition.wants_signals
            if signals < len(self.world.signals) and not signals_wait:
                self._feeding = (inbox, signals + 1)
                self.give(SignalRecord(signals, self.world.signals[signals]))
            elif inbox < len(self.world.inbox) and self.partition.wants_inbox:
                self._feeding = (inbox + 1, signals)
                self.give(InboxRecord(inbox, *self.world.inbox[inbox]))
            else:
                break
        self._in_feed = False

    def _read_signals_late(self) -> None:
        late = self.world.faults.signals_late
        if late:
            self._signals_from = self.world.now + self.world.random.uniform(0.0, late)
            self.world.after(self._signals_from - self.world.now + 0.001, self._feed)

    def _feed_later(self) -> None:
        self.world.after(self.world.random.uniform(0.0, 0.3), self._feed)

    # Commands.

    def _carry_out(self, commands: list[Command]) -> None:  # noqa: C901 — one flat list of what a shell can do
        for command in commands:
            match command:
                case Append():
                    self._append(command)
                case ReadLedger():
                    self._read(command)
                case Send():
                    self._send(command)
                case Look():
                    self._look(command)
                case Poll():
                    state = self.world.fetch(command.sid)
                    self._later(0.05, Polled(command.notification_id, command.sid, state))
                case Publish():
                    self._unpublished.append(command.outcome)
                    self._publish()
                case FindSignalsEnd():
                    self._find_signals_end(command)
                case Seek():
                    self._feeding = (command.inbox or 0, command.signals or 0)
                    self._read_signals_late()
                    self._feed_later()
                case WakeAt():
                    self._wake(command.time)
                case Halt():
                    self.world.halts.append(command.reason)
                case Measured():
                    pass

    def _wake(self, time: float) -> None:
        def tick() -> None:
            if self._tick_at == time:
                self.give(Tick())

        self._tick_at = time
        self.world.after(max(0.0, time - self.world.now), tick)

    def _append(self, command: Append) -> None:
        world, faults = self.world, self.world.faults
        self._appends += 1
        number = self._appends
        late = world.chance(faults.append_late)
        delay = world.random.uniform(0.5, 9.0) if late else world.random.uniform(0.001, 0.02)
        lost = world.chance(faults.append_lost)
        ack_lost = world.chance(faults.ack_lost)
        answered: list[bool] = []

        def land() -> None:
            first = world.ledger.append(command.records, world.now)
            if world.chance(0.15):
                world.ledger.compact(world.now, tombstones=world.chance(0.3))
            if not ack_lost:
                world.after(HONEST, lambda: answer(Appended(first)))

        def answer(given: Input) -> None:
            if not answered and number == self._appends:
                answered.append(True)
                self.give(given)

        if not lost:
            world.after(delay, land)
        world.after(APPEND_TIMEOUT, lambda: answer(AppendUnknown()))

    def _read(self, command: ReadLedger) -> None:
        world = self.world

        def finish(position: int) -> None:
            end = world.ledger.next if command.end is None else command.end
            self._hand_over(world.ledger.read(position, end), command)
            self.give(LedgerRead(command.epoch, end))

        def begin() -> None:
            middle = world.ledger.next if command.end is None else self._somewhere(command.start, command.end)
            self._hand_over(world.ledger.read(command.start, middle), command)
            self._drain()
            world.after(self._delay(0.4), lambda: finish(middle))

        world.after(self._delay(0.2), begin)

    def _somewhere(self, start: int, end: int) -> int:
        return self.world.random.randint(start, end) if self.world.faults.read_late else end

    def _delay(self, most: float) -> float:
        """Of a reader: `most` seconds, unless it has trouble with its broker."""
        late = self.world.chance(self.world.faults.read_late)
        return self.world.random.uniform(0.001, 8.0 if late else most)

    def _find_signals_end(self, command: FindSignalsEnd) -> None:
        def read() -> None:
            delay = self._delay(0.1) if self.world.faults.read_late else 0.0
            self._later(delay, SignalsEnd(command.epoch, len(self.world.signals)))

        self.world.after(0.02, read)

    def _hand_over(self, records: list[LedgerRecord], command: ReadLedger) -> None:
        self._inputs.extend(
            LedgerChunk(command.epoch, tuple(records[start : start + CHUNK])) for start in range(0, len(records), CHUNK)
        )

    def _send(self, command: Send) -> None:
        world, faults, request = self.world, self.world.faults, command.request
        travel = world.random.uniform(0.01, 0.2) if world.chance(0.9) else world.random.uniform(0.2, POST_TIMEOUT - 0.5)
        answered: list[bool] = []

        def answer(result: SendResult) -> None:
            if not answered:
                answered.append(True)
                self.give(Answer(request.notification_id, request.attempt, command.epoch, result))

        def arrive() -> None:
            result = self._twilio(command)
            if world.chance(faults.answer_lost):
                return
            if world.chance(faults.connection_cut):
                result = InDoubt(cause="connection_lost")
            world.after(0.01, lambda: answer(result))

        world.after(travel, arrive)
        world.after(POST_TIMEOUT, lambda: answer(InDoubt(cause="time_out")))

    def _twilio(self, command: Send) -> SendResult:
        world, faults = self.world, self.world.faults
        draw = world.random.random()
        if draw < faults.too_many:
            return NotSent(error_code=20429, congested=True)
        draw -= faults.too_many
        if draw < faults.rejected:
            return Rejected(error_class="bad_request", error_code=21602)
        draw -= faults.rejected
        if draw < faults.unauthorized or command.request.connection in world.refusing:
            return Rejected(error_class="hold_account", error_code=20003)
        draw -= faults.unauthorized
        if draw < faults.server_error:
            if world.chance(0.5):
                world.create(command.request)
            return InDoubt(cause="server_error")
        return Accepted(sid=world.create(command.request).sid)

    def _look(self, command: Look) -> None:
        world = self.world

        def answer() -> None:
            matches = None if world.chance(0.1) else world.list_messages(command.request)
            self.give(Looked(command.notification_id, command.attempt, matches))

        world.after(world.random.uniform(0.05, 0.5), answer)

    def _publish(self) -> None:
        if self._publishing or not self._unpublished or not self.alive:
            return
        self._publishing = True
        world = self.world
        batch = list(self._unpublished)[:20]

        def land() -> None:
            self._publishing = False
            world.results.extend((world.now, outcome) for outcome in batch)
            if world.chance(world.faults.publish_ack_lost) or not self.alive:
                self._publish()  # unknown: the same again, in the same order
                return
            for _ in batch:
                self._unpublished.popleft()
            self.give(Published(tuple(outcome.id for outcome in batch)))
            self._publish()

        world.after(world.random.uniform(0.005, 0.3), land)

    def kill(self) -> None:
        self.alive = False
        self.world.listeners.remove(self._feed)
