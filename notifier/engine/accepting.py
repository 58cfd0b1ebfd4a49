"""From the inbox into the state: every event is accepted once, in order, and executed whenever its turn comes."""

from __future__ import annotations

import msgspec

from notifier.domain.events import KeyData
from notifier.domain.identifiers import identity_of
from notifier.engine.commands import Measured
from notifier.engine.emitting import emit_ignored
from notifier.engine.inputs import InboxRecord
from notifier.engine.keys import accept_key_event
from notifier.engine.ledger import BOUND_KEYS, settle_unknown
from notifier.engine.remembering import advance, read_again
from notifier.engine.runs import CONSENT_TYPES, accept_care_event, accept_consent
from notifier.engine.state import State


def wants_inbox(state: State) -> bool:
    """Back-pressure: no further event while a batch's worth of consequences is still to be written."""
    ledger = state.ledger
    return ledger.phase == "owning" and not ledger.draining and len(ledger.bound) < BOUND_KEYS


def accept(state: State, record: InboxRecord, now: float) -> None:
    """Raises msgspec.ValidationError when ingest let through what it must not."""
    positions = state.positions
    if positions.inbox is not None and record.offset < positions.inbox:
        return
    event, position = record.event, record.position
    result = _accept_once(state, record, now)
    state.commands.append(Measured("events_total", (position.topic, event.type, result)))
    advance(state, position)
    positions.inbox = record.offset + 1
    settle_unknown(state)


def _accept_once(state: State, record: InboxRecord, now: float) -> str:
    if read_again(state, record.position):
        return "read_again"
    event = record.event
    if state.identities.known(identity_of(event.ref)):
        return "repeated"
    tenant = state.catalog.tenants.get(event.tenant)
    if tenant is None:
        emit_ignored(state, event, record.offset, "no_effect", now)
        return "ignored"
    if event.platform == "pms":
        data = msgspec.json.decode(event.data, type=KeyData)
        accept_key_event(state, tenant, event, data, record.offset, now)
    elif event.type in CONSENT_TYPES:
        accept_consent(state, tenant, event, record.offset, now)
    else:
        accept_care_event(state, tenant, event, record.offset, now)
    return "accepted"
