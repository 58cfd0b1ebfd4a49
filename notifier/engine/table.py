"""The table: which entity stands under which ledger key, and what has to be written again.

A change of an entity is made in memory and its key is touched; the next batch carries its whole present state. A key
that stands for nothing any more is written as a tombstone.
"""

from __future__ import annotations

from notifier.domain.outcomes import Outcome
from notifier.engine.entities import (
    Consent,
    Entity,
    EventNote,
    Forgetting,
    IdentityPage,
    KeyState,
    Notification,
    OptOut,
    Run,
)
from notifier.engine.state import State


def positions_key(epoch: int | None) -> str:
    return f"w/{epoch}"


def key_key(tenant: str, key_id: str) -> str:
    return f"k/{tenant}/{key_id}"


def consent_key(tenant: str, number: str) -> str:
    return f"c/{tenant}/{number}"


def opt_out_key(tenant: str, sender: str, number: str) -> str:
    return f"o/{tenant}/{sender}/{number}"


def opt_out_parts(key: str) -> tuple[str, str, str]:
    """Tenant, sender and number of an opt-out's key. Raises ValueError for another key."""
    _, tenant, sender, number = key.split("/", 3)
    return tenant, sender, number


def forgetting_key(tenant: str, number: str) -> str:
    return f"f/{tenant}/{number}"


def entity(state: State, key: str) -> Entity | None:
    """What stands under a key now; None is what a tombstone says."""
    prefix, _, rest = key.partition("/")
    match prefix:
        case "n":
            return state.notifications.get(rest)
        case "r":
            return state.runs.get(rest)
        case "k":
            return state.keys.get(key)
        case "e":
            return state.identities.pages.get(key) if rest.startswith("p") else state.notes.get(key)
        case "c":
            return state.consents.get(key)
        case "o":
            return state.opt_outs.get(key)
        case "f":
            return state.forgetting.get(key)
        case "w" if key == positions_key(state.ledger.epoch):
            return state.positions
    return None


def put(state: State, key: str, value: Entity) -> None:
    """Put a restored entity into its place; positions and claims are taken by the restore itself."""
    match value:
        case Notification():
            state.notifications.put(value.id, value)
        case Run():
            state.runs[value.id] = value
        case KeyState():
            state.keys.put(key, value)
        case EventNote():
            state.notes[key] = value
        case IdentityPage():
            state.identities.pages[key] = value
        case Consent():
            state.consents[key] = value
        case OptOut():
            state.opt_outs[key] = value
        case Forgetting():
            state.forgetting[key] = value
        case _:
            raise TypeError(f"{type(value).__name__} has no place in the table")


def inbox_offset(value: Entity) -> int | None:
    """The inbox record that made this entity, where it was made by one: reading that again makes it again."""
    if isinstance(value, (Notification, Run, KeyState, EventNote, Consent)):
        return value.inbox
    return None


def outcomes_of(value: Entity | None) -> list[Outcome]:
    return value.outcomes if isinstance(value, (Notification, Run, EventNote)) else []


def touch(state: State, key: str, *, bound: bool = False) -> None:
    """Write `key` with the next batch. `bound`: in the very batch that carries the positions, never later."""
    ledger = state.ledger
    if bound:
        ledger.loose.pop(key, None)
        ledger.bound[key] = None
    elif key not in ledger.bound:
        ledger.loose[key] = None
