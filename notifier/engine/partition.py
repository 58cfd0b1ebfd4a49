"""One partition: `step(input, now) -> commands`. Every input goes to one function; nothing else changes the state.

Life: idle → claiming (a CLAIM is in flight) → restoring (the table is read) → owning → lost, from where it claims again
while the election names it. `halted` is left by nothing but a restart.
"""

from __future__ import annotations

from collections.abc import Callable

from notifier.domain.catalog import Catalog
from notifier.domain.signals import DeliveryStatus
from notifier.engine import (
    accepting,
    configuring,
    delivery,
    doubts,
    forgetting,
    ledger,
    operating,
    publishing,
    restoring,
    sending,
    timing,
)
from notifier.engine.commands import Command, Measured, ReadLedger, Seek, WakeAt
from notifier.engine.entities import AnswerFact
from notifier.engine.finishing import retire_when_done
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
    Looked,
    Polled,
    Published,
    SignalRecord,
    SignalsEnd,
    Stopping,
    Tick,
)
from notifier.engine.lanes import slot_freed
from notifier.engine.remembering import page_written
from notifier.engine.resuming import resume
from notifier.engine.state import Batch, EngineConfig, State
from notifier.engine.table import positions_key, touch

FIRST_BACKOFF = 0.5  # seconds after a first loss, doubling up to the session time-out


class Partition:
    """The state machine of one partition, for as long as this process may own it."""

    def __init__(self, config: EngineConfig, catalog: Catalog) -> None:
        self.state = State(config, catalog)

    @property
    def wants_inbox(self) -> bool:
        return accepting.wants_inbox(self.state)

    @property
    def wants_signals(self) -> bool:
        return accepting.wants_signals(self.state)

    def claim(self, now: float) -> list[Command]:
        """The election names this process: begin."""
        ledger.begin_claim(self.state, now)
        return self._finish(now)

    def step(self, given: Input, now: float) -> list[Command]:
        """Take one input. Returns what the shell has to do, in order."""
        state = self.state
        if state.ledger.phase == "halted":
            return []
        if isinstance(given, (LedgerChunk, LedgerRead, SignalsEnd)) and given.epoch != state.ledger.epoch:
            return []  # asked for before this claim
        if state.ledger.phase == "restoring" and isinstance(given, LedgerChunk):
            restoring.read_back(state, given.records)  # nothing follows from them before all are read
            return []
        _HANDLERS[type(given)](self, given, now)
        return self._finish(now)

    def _finish(self, now: float) -> list[Command]:
        state = self.state
        state.rest()
        if state.ledger.phase == "owning":
            timing.fire(state, now)
            configuring.reconsider(state, now)
            forgetting.go_on(state, now)
            doubts.ask_signals_end(state)
            sending.pump(state, now)
            self._take_facts(now)
            timing.sweep(state)
        ledger.cut(state, now)
        state.rest()
        self._wake(now)
        commands, state.commands = state.commands, []
        return commands

    def _wake(self, now: float) -> None:
        state, timers = self.state, self.state.timers
        goes_on = configuring.goes_on(state) or forgetting.goes_on(state)
        at = now if goes_on else timing.next_at(state)
        if at is not None and at != timers.wake_at and state.ledger.phase == "owning":
            timers.wake_at = at
            state.commands.append(WakeAt(at))

    # The ledger.

    def _appended(self, given: Appended, now: float) -> None:
        state, first = self.state, given.first_offset
        if state.ledger.phase == "claiming":
            restoring.forget(state)
            state.ledger.in_flight = None
            state.ledger.phase, state.ledger.epoch = "restoring", first
            state.ledger.claimed_at = now
            state.commands.append(ReadLedger(first, 0, None))
            return
        if state.ledger.phase == "lost":
            state.ledger.in_flight = None
            return
        self._effects(ledger.acknowledged(state, first, now), now)

    def _effects(self, batches: list[Batch], now: float) -> None:
        """The fence held behind these: what they say may be acted on."""
        state = self.state
        for batch in batches:
            publishing.publish_written(state, batch)
            for written in batch.written:
                if written.intent is not None:
                    sending.intent_acknowledged(state, written.key[2:], written.intent, now)
                if written.key.startswith("e/p"):
                    page_written(state, written.key)
                elif not written.outcomes:
                    retire_when_done(state, written.key, now)

    def _append_unknown(self, _given: AppendUnknown, now: float) -> None:
        state = self.state
        state.ledger.in_flight = None
        if state.ledger.phase == "lost":
            return
        state.ledger.phase = "claiming"
        state.ledger.losses += 1
        state.ledger.lost_at = now
        ledger.begin_claim(state, now)

    def _ledger_chunk(self, given: LedgerChunk, now: float) -> None:
        if self.state.ledger.gap is None:
            return  # it was lost meanwhile
        if not all(ledger.gap_record(self.state, record) for record in given.records):
            self._lost(now)

    def _ledger_read(self, given: LedgerRead, now: float) -> None:
        state = self.state
        if state.ledger.phase == "owning" and state.ledger.gap is not None:
            self._effects(ledger.gap_read(state), now)
            return
        if state.ledger.phase != "restoring":
            return
        found = restoring.restored(state, given.end)
        if found == "halted":
            return
        if found == "lost":
            self._lost(now)
            self._late_answers(now)
            return
        state.ledger.phase = "owning"
        state.commands.append(Seek(state.positions.inbox, state.positions.signals))
        resume(state, now)
        timing.deflate_later(state, now)
        publishing.publish_again(state)
        self._late_answers(now)

    def _lost(self, now: float) -> None:
        """A newer CLAIM: no POST is begun any more, and only answers to those under way are still written."""
        state = self.state
        state.ledger.phase = "lost"
        state.commands.append(Measured("fenced_total"))
        state.ledger.gap, state.ledger.held = None, []
        unwritten = (*state.ledger.bound, *state.ledger.loose)
        state.ledger.bound, state.ledger.loose = {}, {key: None for key in unwritten if key.startswith("n/")}
        state.ledger.lost_at = now
        state.ledger.losses += 1
        state.intending.clear()

    def _elected(self, _given: Elected, now: float) -> None:
        state = self.state
        backoff = min(state.config.session_timeout, FIRST_BACKOFF * 2.0 ** min(state.ledger.losses - 1, 10))
        if state.ledger.phase == "lost" and state.ledger.in_flight is None and now >= state.ledger.lost_at + backoff:
            ledger.begin_claim(state, now)

    # What the world says.

    def _inbox_record(self, record: InboxRecord, now: float) -> None:
        if self.state.ledger.phase == "owning":
            accepting.accept(self.state, record, now)

    def _looked(self, result: Looked, now: float) -> None:
        if self.state.ledger.phase == "owning":
            delivery.looked(self.state, result, now)

    def _polled(self, result: Polled, now: float) -> None:
        if self.state.ledger.phase == "owning":
            delivery.polled(self.state, result, now)

    def _published(self, given: Published, now: float) -> None:
        for key in publishing.published(self.state, given.outcome_ids):
            retire_when_done(self.state, key, now)

    def _signals_end(self, given: SignalsEnd, _now: float) -> None:
        doubts.signals_end(self.state, given.offset)

    def _config_changed(self, given: ConfigChanged, now: float) -> None:
        configuring.configure(self.state, given.catalog, now)

    def _stop(self, _given: Stopping, _now: float) -> None:
        self.state.ledger.draining = True

    def _tick(self, _given: Tick, _now: float) -> None:
        self.state.timers.wake_at = None  # it may have come a rounding too early

    def _answer(self, answer: Answer, now: float) -> None:
        state = self.state
        if state.ledger.phase in ("claiming", "restoring"):
            state.late_answers.append(answer)
            return
        n = state.notifications.get(answer.notification_id)
        if state.ledger.phase == "lost":
            if n is not None and n.attempt == answer.attempt:
                n.answer = AnswerFact(answer.attempt, answer.result)
                touch(state, "n/" + n.id)
            return
        owner = state.posted.pop(answer.notification_id, None) if answer.epoch == state.ledger.epoch else None
        if owner is not None:
            congested, accepted = sending.congestion(answer.result)
            slot_freed(state, owner, congested=congested, accepted=accepted, now=now)
        if n is not None:
            sending.apply_answer(state, n, AnswerFact(answer.attempt, answer.result), now)

    def _late_answers(self, now: float) -> None:
        answers, self.state.late_answers = self.state.late_answers, []
        for answer in answers:
            self._answer(answer, now)

    def _take_facts(self, now: float) -> None:
        facts, self.state.facts = self.state.facts, []
        for notification_id, fact in facts:
            n = self.state.notifications.get(notification_id)
            if n is not None:
                sending.apply_answer(self.state, n, fact, now)

    def _signal(self, record: SignalRecord, now: float) -> None:
        state = self.state
        positions = state.positions
        if state.ledger.phase != "owning" or (positions.signals is not None and record.offset < positions.signals):
            return
        if isinstance(record.signal, DeliveryStatus):
            delivery.status_callback(state, record.signal, now)
        elif record.signal is not None:
            operating.carry_out(state, record.signal, now)
        positions.signals = record.offset + 1
        touch(state, positions_key(state.ledger.epoch), bound=True)
        doubts.look_when_read(state)


_HANDLERS: dict[type, Callable[..., None]] = {  # `...`: each takes the input that it stands beside
    InboxRecord: Partition._inbox_record,
    SignalRecord: Partition._signal,
    Appended: Partition._appended,
    AppendUnknown: Partition._append_unknown,
    LedgerChunk: Partition._ledger_chunk,
    LedgerRead: Partition._ledger_read,
    Answer: Partition._answer,
    Looked: Partition._looked,
    Polled: Partition._polled,
    Published: Partition._published,
    SignalsEnd: Partition._signals_end,
    ConfigChanged: Partition._config_changed,
    Elected: Partition._elected,
    Stopping: Partition._stop,
    Tick: Partition._tick,
}
