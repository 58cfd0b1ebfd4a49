"""Which events were accepted, and when their traces may go (design section 2, rules 6 and 8).

While anything that an event started is alive, that carries its identity; afterwards a page does, many identities in one
record. A tombstone is written only when the identity stands in an acknowledged page and the last outcome is published.
"""

from __future__ import annotations

from notifier.domain.events import SourcePosition
from notifier.domain.identifiers import identity_of
from notifier.engine.entities import EventNote, IdentityPage, Notification, Position, Run
from notifier.engine.state import State
from notifier.engine.table import entity, touch

PAGE_FULL = 2_000  # identities: 43 KB as JSON


def read_again(state: State, position: SourcePosition) -> bool:
    """The record was accepted before, by its place in the source topic (rule 8)."""
    if not state.config.safe("source_positions"):
        return False
    highest = state.positions.sources.get(f"{position.topic}/{position.partition}")
    if highest is None or position.incarnation > highest.incarnation:
        return False
    return position.offset <= highest.offset and position.timestamp <= highest.timestamp


def advance(state: State, position: SourcePosition) -> None:
    sources = state.positions.sources
    name = f"{position.topic}/{position.partition}"
    highest = sources.get(name)
    fresh = highest is None or position.incarnation > highest.incarnation
    recreated = highest is not None and position.offset <= highest.offset and position.timestamp > highest.timestamp
    if highest is None or fresh or recreated:
        sources[name] = Position(position.incarnation, position.offset, position.timestamp)
    else:
        sources[name] = Position(
            highest.incarnation,
            max(highest.offset, position.offset),
            max(highest.timestamp, position.timestamp),
        )


def index(state: State, n: Notification) -> None:
    """Find it by tenant, key, and message; its event is known while it lives."""
    state.by_tenant.setdefault(n.tenant, {})[n.id] = None
    if n.key_id is not None:
        state.by_key.setdefault(n.key_id, {})[n.id] = None
    if n.sid is not None:
        state.by_sid[n.sid] = n.id
    born(state, identity_of(n.event))


def born(state: State, identity: bytes) -> None:
    """One more entity carries this event's identity."""
    live = state.identities.live
    live[identity] = live.get(identity, 0) + 1


def retire(state: State, key: str, identity: bytes, now: float) -> None:
    """The entity is final and published: its identity goes into the next page, then the entity goes."""
    identities = state.identities
    keys = identities.awaiting.setdefault(identity, [])
    if key not in keys:
        keys.append(key)
    if identities.opened_at is None:
        identities.opened_at = now
        state.timers.at(now + state.config.page_after, "write_page")
    if len(identities.awaiting) >= PAGE_FULL:
        write_page(state, now)


def write_page(state: State, now: float) -> None:
    identities = state.identities
    identities.opened_at = None
    if not identities.awaiting:
        return
    identities.counter += 1
    key = f"e/p{state.ledger.epoch}.{identities.counter}"
    page = IdentityPage(expires=now + state.config.dedupe_window, identities=b"".join(identities.awaiting))
    identities.pages[key] = page
    identities.retiring[key] = [entity for keys in identities.awaiting.values() for entity in keys]
    identities.awaiting = {}
    identities.paged.add(page.identities)
    state.timers.at(page.expires, "page", key)
    touch(state, key)


def index_pages(state: State) -> None:
    """Remember what the restored pages say, also those whose time is over: they go afterwards."""
    for page in state.identities.pages.values():
        state.identities.paged.add(page.identities)


def watch_pages(state: State, now: float) -> None:
    """After a restore: every page goes when its time is over."""
    for key, page in list(state.identities.pages.items()):
        if page.expires <= now:
            drop_page(state, key)
        else:
            state.timers.at(page.expires, "page", key)


def drop_page(state: State, key: str) -> None:
    page = state.identities.pages.pop(key, None)
    if page is None:
        return
    state.identities.paged.discard(page.identities)
    touch(state, key)


def page_written(state: State, key: str) -> None:
    """The page is acknowledged: what it remembers in their place may go."""
    for entity_key in state.identities.retiring.pop(key, ()):
        remove(state, entity_key)


def remove(state: State, key: str) -> None:
    value = entity(state, key)
    match value:
        case Notification():
            state.notifications.remove(value.id)
            _unindex(state, value)
            _dead(state, identity_of(value.event))
        case Run():
            del state.runs[value.id]
            _dead(state, identity_of(value.event))
        case EventNote():
            del state.notes[key]
            _dead(state, bytes.fromhex(value.identity))
        case _:
            return
    touch(state, key)


def _unindex(state: State, notification: Notification) -> None:
    for members_of, name in ((state.by_key, notification.key_id), (state.by_tenant, notification.tenant)):
        members = members_of.get(name or "")
        if members is not None:
            members.pop(notification.id, None)
            if not members:
                del members_of[name or ""]
    if notification.sid is not None:
        state.by_sid.pop(notification.sid, None)


def _dead(state: State, identity: bytes) -> None:
    live = state.identities.live
    left = live.get(identity, 0) - 1
    if left > 0:
        live[identity] = left
    else:
        live.pop(identity, None)
