"""Reading the ledger back: one function puts a record into the table, whether it is read after a CLAIM or lives on.

What a restore finds is judged record by record (design section 2, rules 1, 2 and 10): valid when the writer's epoch is
not below the newest CLAIM before it, else void. Nothing is replayed from the past, the newest valid value is the state.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from typing import Literal

import msgspec

from notifier.domain.events import AwareTime
from notifier.domain.identifiers import identity_of
from notifier.domain.outcomes import Outcome
from notifier.engine.entities import (
    AnswerFact,
    Claim,
    Consent,
    Doubt,
    Entity,
    EventNote,
    Forgetting,
    KeyState,
    Notification,
    OptOut,
    Positions,
    Run,
    decode_entity,
)
from notifier.engine.inputs import LedgerRecord
from notifier.engine.ledger import halt
from notifier.engine.remembering import born, index, index_pages
from notifier.engine.state import Restore, State
from notifier.engine.table import inbox_offset, outcomes_of, positions_key, put, touch
from notifier.engine.validity import is_claim, is_valid

_GONE = (-1, None)  # a tombstone, or what has been taken: only that its key was there counts


class _End(msgspec.Struct, rename="camel"):
    ends_at: AwareTime


class _EndOfKey(msgspec.Struct):
    """All that has to be known of a key before somebody asks for it."""

    key: _End


_end_of_key = msgspec.json.Decoder(_EndOfKey)


def forget(state: State) -> None:
    """Before a restore: nothing in memory counts any more but answers to POSTs that are still under way."""
    fresh = State(state.config, state.catalog)
    for name in (
        "restore", "publication", "identities", "positions", "notifications", "runs", "keys", "notes", "consents",
        "opt_outs", "lanes", "accounts", "senders", "runnable", "holds", "forgetting", "to_forget", "by_key",
        "by_tenant", "by_sid", "uncertain", "reconsider", "intending", "posted", "polls", "settling",
        "wants_signals_end", "asked_signals_end", "facts", "timers",
    ):  # fmt: skip
        setattr(state, name, getattr(fresh, name))
    ledger = state.ledger
    ledger.held, ledger.bound, ledger.loose, ledger.bound_bytes = [], {}, {}, 0
    ledger.void_touched, ledger.void_unknown, ledger.claims, ledger.gap = set(), {}, {}, None


def read_back(state: State, records: Iterable[LedgerRecord]) -> None:
    """Records of a restore, in the order of the log."""
    restore = state.restore
    for record in records:
        key, value = record.key, record.value
        if is_claim(key):
            _read_claim(state, record)
        elif is_valid(record.epoch, restore.newest_claim):
            restore.valid[key] = _GONE if value is None else (record.offset, value)
        else:
            restore.void.setdefault(key, []).append(record)


def _read_claim(state: State, record: LedgerRecord) -> None:
    if record.value is None:
        state.ledger.claims.pop(record.key, None)
        return
    state.restore.newest_claim = record.offset
    state.ledger.claims[record.key] = msgspec.json.decode(record.value, type=Claim).at


def restored(state: State, end: int) -> Literal["restored", "lost", "halted"]:
    """Build the state from what was read. `lost`: a newer CLAIM stands in the log."""
    restore, ledger = state.restore, state.ledger
    if restore.newest_claim != ledger.epoch:
        _take_answered(state, restore)
        return "lost"
    ledger.last = end - 1
    _take_positions(state, restore)
    for key, (offset, value) in restore.valid.items():
        if value is not None and not key.startswith("w/"):
            _take(state, key, offset, value)
            restore.valid[key] = _GONE  # its memory is needed for what follows
    index_pages(state)
    for key, records in restore.void.items():
        _judge_void(state, key, records)
        if ledger.phase == "halted":
            return "halted"
    _order_publication(state)
    restore.valid, restore.void = {}, {}
    return "restored"


def _take_answered(state: State, restore: Restore) -> None:
    """The notifications whose POSTs were answered meanwhile: the answers are facts, also when nothing else counts."""
    for answer in state.late_answers:
        key = "n/" + answer.notification_id
        _, value = restore.valid.get(key, (0, None))
        if value is not None:
            put(state, key, decode_entity(key, value))


def _take_positions(state: State, restore: Restore) -> None:
    """The newest valid positions win; older ones are tombstoned after our own are written, in the same batch."""
    newest, positions = -1, Positions()
    for key, (offset, value) in restore.valid.items():
        if key.startswith("w/") and value is not None:
            touch(state, key)
            if offset > newest:
                newest, positions = offset, msgspec.json.decode(value, type=Positions)
    state.positions = positions
    touch(state, positions_key(state.ledger.epoch), bound=True)


def _take(state: State, key: str, offset: int, value: bytes) -> None:
    if key.startswith("k/"):
        state.keys.put_as_read(key, value)
        state.timers.at(_end_of_key.decode(value).key.ends_at.timestamp() + 1.0, "key_end", key)
        return
    entity = decode_entity(key, value)
    said = _take_outcomes(state, key, offset, outcomes_of(entity))
    if isinstance(entity, Notification) and not entity.outcomes:  # else it is not packed before they are published
        state.notifications.put_as_read(entity, value, said=said)
    else:
        put(state, key, entity)
    _index(state, entity)
    state.rest()


def _take_outcomes(state: State, key: str, offset: int, outcomes: list[Outcome]) -> bool:
    """True when there were some and the results topic has them: then they are cleared."""
    publication = state.publication
    if outcomes and offset < state.positions.published_up_to:
        outcomes.clear()
        return True
    if outcomes:
        publication.open[offset] = publication.open.get(offset, 0) + len(outcomes)
        publication.under_way.update((outcome.id, (key, offset)) for outcome in outcomes)
    return False


def _index(state: State, entity: Entity) -> None:
    match entity:
        case Notification():
            state.restore.living.append((entity.inbox, entity.order, entity.id))
            index(state, entity)
        case Run():
            born(state, identity_of(entity.event))
        case EventNote():
            born(state, bytes.fromhex(entity.identity))


def _order_publication(state: State) -> None:
    """Outcomes are acknowledged by ledger offset, so what is open has to stand in that order."""
    publication = state.publication
    publication.open = dict(sorted(publication.open.items()))


def _judge_void(state: State, key: str, records: list[LedgerRecord]) -> None:
    restore = state.restore
    for record in records:
        _take_fact(state, record)
    newest = records[-1]
    if key in restore.valid:
        if state.config.safe("reappend"):
            state.ledger.void_touched.add(key)
        return
    if newest.value is None or key.startswith(("w/", "e/p")):
        state.ledger.void_touched.add(key)
        return
    _judge_void_only(state, key, newest.value)


def _judge_void_only(state: State, key: str, value: bytes) -> None:
    """No valid record of this key is left. It is read again from the inbox, or it is none of ours, or in doubt, or
    nobody can know: then nobody goes on."""
    entity = decode_entity(key, value)
    offset = inbox_offset(entity)
    if offset is not None and offset >= (state.positions.inbox or 0):
        state.ledger.void_unknown[key] = offset
        return
    state.ledger.void_touched.add(key)
    if _not_ours(state, entity):
        return
    if isinstance(entity, Notification):
        if entity.stage == "doubt" and entity.doubt is not None:
            entity.doubt = Doubt(cause=entity.doubt.cause, since=entity.doubt.since, inherited=True)
        elif entity.stage != "final":
            entity.stage, entity.doubt = "sending", None  # taken over: in doubt, and said to be
            entity.attempt_at = entity.attempt_at or entity.accepted
            entity.outcomes = list(takewhile(_is_of_before_the_attempt, entity.outcomes))
        put(state, key, entity)
        _index(state, entity)
    elif isinstance(entity, OptOut):
        put(state, key, entity)  # a refusal is the fact of an answered POST: believing it can only spare a text
    else:
        halt(state, f"only void records are left of {key.partition('/')[0]}/… at a position that was already passed")


def _is_of_before_the_attempt(outcome: Outcome) -> bool:
    """What was said while it waited stays true; what was said of the attempt is found out again."""
    return outcome.type in ("notification.held", "notification.scheduled")


def _not_ours(state: State, entity: Entity) -> bool:
    """A former owner decided an event that our own line decided otherwise, and ours is on record."""
    match entity:
        case Forgetting():
            return True  # the wish is read again
        case Notification():
            return _was_decided_otherwise(state, entity) or _is_remembered(state, identity_of(entity.event))
        case EventNote(identity=identity) | KeyState(identity=identity) | Consent(identity=identity):
            known = bytes.fromhex(identity)
            return known in state.identities.live or _is_remembered(state, known)
        case Run():
            return _ends_again(state, entity.id) or _is_remembered(state, identity_of(entity.event))
    return False


def _was_decided_otherwise(state: State, entity: Notification) -> bool:
    """It was to repeat a parked one, of which our own line knows that it was dropped, resolved, or resent."""
    old = state.notifications.get(entity.cause.notification or "") if entity.cause is not None else None
    return old is not None and not old.resend_asked


def _is_remembered(state: State, identity: bytes) -> bool:
    """Of an event that started nothing, or all of which is over."""
    return f"e/{identity.hex()}" in state.notes or identity in state.identities.paged


def _ends_again(state: State, run: str) -> bool:
    """The run's notification is known and has not ended it: the run's record will be made by its own owner."""
    return any(n.workflow and n.workflow.run_id == run and not n.run_ended for n in state.notifications.values())


def _take_fact(state: State, record: LedgerRecord) -> None:
    if record.value is None or not record.key.startswith("n/"):
        return
    value = decode_entity(record.key, record.value)
    if isinstance(value, Notification) and value.answer is not None:
        state.facts.append((value.id, AnswerFact(value.answer.attempt, value.answer.result)))
