"""Identifiers computed from what they name, so that every restart computes the same ones (contract section 6)."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import blake2b

from notifier.domain.events import EventRef, InboxEvent


def _digest(*parts: str, size: int = 16) -> bytes:
    joined = "".join([f"{len(part)}:{part}" for part in parts])  # lengths, so that no two lists of parts read alike
    return blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=size).digest()


@lru_cache(maxsize=1024)  # asked for several times while an event is worked on
def event_identity(source: str, event_id: str) -> bytes:
    """The 16 bytes by which an accepted event is remembered; `(source, id)` is its identity."""
    return _digest(source, event_id)


def identity_of(event: EventRef | InboxEvent) -> bytes:
    return event_identity(event.source, event.id)


def event_subject(source: str, event_id: str) -> str:
    """`evt_<hash>`, the stem of the ids of `event.applied` and `event.ignored`."""
    return "evt_" + event_identity(source, event_id).hex()


def notification_id(tenant: str, source: str, event_id: str, rule: str, person: str, channel: str) -> str:
    """`rule` names the template or the workflow with step and visit; `person` is the id or the position."""
    return "ntf_" + _digest(tenant, source, event_id, rule, person, channel).hex()


def run_id(tenant: str, source: str, event_id: str, workflow: str) -> str:
    return "run_" + _digest(tenant, source, event_id, workflow).hex()


def consent_import_id(key: bytes, tenant: str, number: str, state: str, source: str, at: str) -> str:
    """The id of the event that says what one row of an import says. `key` keeps the number from being guessed from it;
    without one (empty) whoever knows the rest of the row can try numbers."""
    row = _digest(tenant, number, state, source, at, size=32)
    return "consent_" + hmac.digest(key, row, "sha256")[:16].hex()
