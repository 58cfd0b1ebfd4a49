"""The writing side of the ledger: the claim, batches, the fence (design section 2, rules 1 to 3 and 7).

Rules of this file: at most one batch is in flight; what a batch sets in motion happens when it is acknowledged and the
fence holds, and only if the state still says the same; void records are answered by writing our own value again before
anything else is believed.
"""

from __future__ import annotations

from hashlib import blake2b

from notifier.engine.commands import Append, Halt, Measured, ReadLedger, Record
from notifier.engine.entities import Claim, Notification, decode_entity, encode_entity
from notifier.engine.inputs import LedgerRecord
from notifier.engine.publishing import publish_written
from notifier.engine.state import Batch, State, Written
from notifier.engine.table import entity, inbox_offset, outcomes_of, positions_key, touch

BATCH_BYTES = 512 * 1024
BOUND_KEYS = 300  # about BATCH_BYTES: more events are not accepted before these are written
MOST_BOUND_KEYS = 1_500  # about 2 MiB; a batch may have 8
LOOSE_KEYS = 1_000
BOUND_BYTES = 1024 * 1024  # of events, which may be few and large
CLAIM_KEPT = 7 * 86_400.0


def begin_claim(state: State, now: float) -> None:
    """Append a CLAIM by a new producer; whatever was known is read again behind it (rule 10)."""
    ledger = state.ledger
    name = f"{state.config.instance}/{state.config.partition}/{now!r}/{ledger.losses}"
    key = f"claim/{blake2b(name.encode(), digest_size=16).hexdigest()}"
    ledger.phase = "claiming"
    ledger.in_flight = Batch(epoch=-1, asked_at=now, written=[Written(key)])
    claim = Claim(instance=state.config.instance, at=now)
    state.commands.append(Append((Record(key, encode_entity(claim), None),)))
    state.commands.append(Measured("claims_total"))


def has_room(state: State) -> bool:
    """False while a batch's worth waits to be written: whatever can wait for the acknowledgement, waits."""
    ledger = state.ledger
    return len(ledger.bound) < BOUND_KEYS and len(ledger.loose) < LOOSE_KEYS and ledger.bound_bytes < BOUND_BYTES


def cut(state: State, now: float) -> None:
    """Put what has to be written into one atomic batch, unless one is still in flight."""
    ledger = state.ledger
    if ledger.in_flight is not None or ledger.gap is not None:
        return
    if not (ledger.bound or ledger.loose or ledger.void_touched):
        return
    if ledger.phase == "lost":
        _cut_facts(state, now)
        return
    if ledger.phase != "owning" or ledger.epoch is None:
        return
    for key in sorted(ledger.void_touched):
        touch(state, key, bound=True)
    ledger.void_touched.clear()
    touch(state, positions_key(ledger.epoch), bound=True)
    records: list[Record] = []
    written: list[Written] = []
    size = 0
    for key in ledger.bound:
        size += _write(state, key, records, written)
    ledger.bound, ledger.bound_bytes = {}, 0
    while ledger.loose and size < BATCH_BYTES:
        key = next(iter(ledger.loose))
        del ledger.loose[key]
        size += _write(state, key, records, written)
    ledger.in_flight = batch = Batch(ledger.epoch, now, written)
    if not state.config.safe("publish_acknowledged"):
        batch.first = ledger.last + 1
        publish_written(state, batch)
    ledger.written_at = now
    state.commands.append(Append(tuple(records)))


def _write(state: State, key: str, records: list[Record], written: list[Written]) -> int:
    value = entity(state, key)
    record = Record(key, None if value is None else encode_entity(value), state.ledger.epoch)
    records.append(record)
    intent = None
    if isinstance(value, Notification):
        intent = state.intending.pop(value.id, None)
    written.append(Written(key, tuple(outcomes_of(value)), intent))
    return len(key) + len(record.value or b"") + 32


def _cut_facts(state: State, now: float) -> None:
    """A former owner writes nothing any more but that its POSTs were answered, under its old epoch."""
    ledger = state.ledger
    keys = [key for key in (*ledger.bound, *ledger.loose) if key.startswith("n/")]
    ledger.bound, ledger.loose = {}, {}
    records = []
    for key in keys:
        value = entity(state, key)
        if isinstance(value, Notification) and value.answer is not None:
            records.append(Record(key, encode_entity(value), ledger.epoch))
    if records:
        ledger.in_flight = Batch(ledger.epoch or 0, now, [])
        state.commands.append(Append(tuple(records)))


def acknowledged(state: State, first: int, now: float) -> list[Batch]:
    """The fence. Returns the batches whose consequences may follow now; asks for the gap when there is one."""
    ledger = state.ledger
    batch, ledger.in_flight = ledger.in_flight, None
    if batch is None or ledger.phase != "owning":
        return []
    batch.first = first
    state.commands.append(Measured("ledger_append_seconds", (), now - batch.asked_at))
    if first <= ledger.last:
        halt(state, f"the ledger lost its tail: offset {first} was given although {ledger.last} was known")
        return []
    if first > ledger.last + 1 and state.config.safe("fence"):
        ledger.gap = batch
        state.commands.append(ReadLedger(batch.epoch, ledger.last + 1, first))
        ledger.last = first + len(batch.written) - 1
        return []
    ledger.last = first + len(batch.written) - 1
    return _released(state, batch)


def gap_record(state: State, record: LedgerRecord) -> bool:
    """One record that somebody else wrote between two of our batches. False: a newer CLAIM, the partition is lost."""
    if record.key.startswith("claim/"):
        return record.value is None
    void_record(state, record)
    return True


def gap_read(state: State) -> list[Batch]:
    """The gap holds no CLAIM: what was acknowledged behind it counts, once the void keys are written again."""
    batch, state.ledger.gap = state.ledger.gap, None
    return [] if batch is None else _released(state, batch)


def _released(state: State, batch: Batch) -> list[Batch]:
    ledger = state.ledger
    ledger.held.append(batch)
    if ledger.void_touched:
        return []  # cured first: the next batch brings these along
    released, ledger.held = ledger.held, []
    return released


def void_record(state: State, record: LedgerRecord) -> None:
    """Take the fact in a void record, and see to it that our own value is the newest again (rules 1 and 2)."""
    known = entity(state, record.key) is not None
    passed = state.positions.inbox or 0
    if record.value is not None:
        value = decode_entity(record.key, record.value)
        if isinstance(value, Notification) and value.answer is not None:
            state.facts.append((value.id, value.answer))
        offset = inbox_offset(value)
        if not known and offset is not None and offset >= passed:
            state.ledger.void_unknown[record.key] = offset
            return
    if state.config.safe("reappend"):
        state.ledger.void_touched.add(record.key)


def settle_unknown(state: State) -> None:
    """Keys that only a void record knew: their inbox record has been read again, so our word on them is final."""
    unknown = state.ledger.void_unknown
    if not unknown:
        return
    passed = state.positions.inbox or 0
    for key in [key for key, offset in unknown.items() if offset < passed]:
        del unknown[key]
        touch(state, key, bound=True)


def expire_claims(state: State, now: float) -> None:
    for key in [key for key, at in state.ledger.claims.items() if at < now - CLAIM_KEPT]:
        del state.ledger.claims[key]
        touch(state, key)


def halt(state: State, reason: str) -> None:
    state.ledger.phase = "halted"
    state.commands.append(Halt(reason))
