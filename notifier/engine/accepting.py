"""From the inbox into the state: every event is accepted once, in order, and executed whenever its turn comes."""

from __future__ import annotations

import msgspec

from notifier.domain.events import KeyData
from notifier.domain.identifiers import identity_of
from notifier.engine.commands import Measured
from notifier.engine.emitting import emit_ignored
from notifier.engine.inputs import InboxRecord
from notifier.engine.keys import accept_key_event
from notifier.engine.ledger import MOST_BOUND_KEYS, has_room, settle_unknown
from notifier.engine.remembering import advance, read_again
from notifier.engine.runs import CONSENT_TYPES, accept_care_event, accept_consent
from notifier.engine.state import State

UNPACKED_BYTES = 2_000  # of one as a struct with what belongs to it, as measured
INDEX_BYTES = 600  # of its places in lanes, timers and indexes

_key_data = msgspec.json.Decoder(KeyData)


def wants_inbox(state: State) -> bool:
    """Back-pressure: no further event while a batch's worth of consequences is still to be written, or while what
    waits takes too many bytes. How many texts of one tenant wait is no reason."""
    ledger = state.ledger
    if ledger.phase != "owning" or ledger.draining or not has_room(state):
        return False
    return held_bytes(state) < state.config.most_held_bytes


def wants_signals(state: State) -> bool:
    """Signals wait for nobody; only what a slow append leaves unwritten has to fit into one batch."""
    return len(state.ledger.bound) < MOST_BOUND_KEYS


def held_bytes(state: State) -> int:
    """What notifications and keys take in memory, roughly."""
    tables = (state.notifications, state.keys)
    return sum(len(table) * INDEX_BYTES + table.unpacked * UNPACKED_BYTES + table.packed_bytes for table in tables)


def accept(state: State, record: InboxRecord, now: float) -> None:
    """Raises msgspec.ValidationError when ingest let through what it must not."""
    positions = state.positions
    if positions.inbox is not None and record.offset < positions.inbox:
        return
    event, position = record.event, record.position
    result = _accept_once(state, record, now)
    state.commands.append(Measured("events_total", (position.topic, event.type, result)))
    state.ledger.bound_bytes += len(event.data)
    advance(state, position)
    positions.inbox = record.offset + 1
    settle_unknown(state)


def _accept_once(state: State, record: InboxRecord, now: float) -> str:
    if read_again(state, record.position):
        return "read_again"
    event = record.event
    if state.identities.known(identity_of(event)):
        return "repeated"
    tenant = state.catalog.tenants.get(event.tenant)
    if tenant is None:
        emit_ignored(state, event, record.offset, "no_effect", now)
        return "ignored"
    if event.platform == "pms":
        accept_key_event(state, tenant, event, _key_data.decode(event.data), record.offset, now)
    elif event.type in CONSENT_TYPES:
        accept_consent(state, tenant, event, record.offset, now)
    else:
        accept_care_event(state, tenant, event, record.offset, now)
    return "accepted"
