"""A decision put into effect: where a notification of a key goes, by whom, when, until when, or why not.

A notification of a key keeps no text: it is rendered from the key when its turn comes.
"""

from __future__ import annotations

from notifier.domain.catalog import ConnectionConfig, TenantConfig
from notifier.domain.channel_rules import SHARE_RULE, Part, decide, decide_share
from notifier.engine.arriving import address, expires, hold, skip, wait
from notifier.engine.entities import KeyState, Notification
from notifier.engine.finishing import finish
from notifier.engine.lanes import enqueue, leave_lane
from notifier.engine.preparing import find_person
from notifier.engine.state import State
from notifier.engine.table import touch


def decide_again(state: State, tenant: TenantConfig, known: KeyState, n: Notification, now: float) -> None:
    """The decision for one waiting notification, on the key and the configuration as they are now."""
    part = part_for(tenant, known, n, now)
    if part is None:
        finish(state, n, "cancelled", now, reason="superseded")
    else:
        place(state, tenant, known, n, part, now)


def part_for(tenant: TenantConfig, known: KeyState, n: Notification, now: float) -> Part | None:
    """What the decision says of this notification now; None when its person is not of the key any more."""
    if n.rule == SHARE_RULE:
        return decide_share(tenant, known.key, n.channel, n.to, now, alternative=n.alternative)
    person = find_person(known, n.person)
    if person is None:
        return None
    parts = decide(tenant, known.key, person, n.rule, now).parts
    return next((part for part in parts if part.channel == n.channel), parts[0] if parts else None)


def place(state: State, tenant: TenantConfig, known: KeyState, n: Notification, part: Part, now: float) -> None:
    """Put the decision into effect."""
    before, due = _placing(n), n.due
    lane, sender, moved = (n.tenant, n.to or ""), (n.connection, n.sender), n.to not in (None, part.to)
    address(state, n, part.to)
    n.body = None
    expires(state, n, _deadline(known, part, _due(tenant, known, n)))
    n.connection = part.connection.owner if part.connection else None
    n.sender = _sender(part.connection, part.to) if part.connection and part.to else None
    match part.action:
        case "skip":
            skip(state, n, part.reason or "no_contact", now)
        case "delegate":
            n.channel = "email"
            finish(state, n, "delegated", now, reason=part.reason)
        case "hold":
            hold(state, n, part.reason or "awaiting_credential", now)
        case "send":
            n.due = _due(tenant, known, n)
            held = n.stage == "held" and n.hold in ("connection_broken", "sender_held", "paused")
            if not held or sender != (n.connection, n.sender):  # else only its connection, or an operator, releases it
                _place_in_time(state, n, now, moved=moved, due=due)
    if _placing(n) != before and n.stage != "final":
        touch(state, "n/" + n.id, bound=True)
    if moved or n.stage == "held" or n.due > now:
        leave_lane(state, lane, n, now)


def _placing(n: Notification) -> tuple[object, ...]:
    return n.stage, n.hold, n.to, n.connection, n.sender, n.channel, n.due, n.deadline


def _place_in_time(state: State, n: Notification, now: float, *, moved: bool, due: float) -> None:
    """`due` is when it was due so far."""
    if n.stage != "waiting" or n.status is None or (n.due != due and n.due > now):
        wait(state, n, now)
    elif moved or n.due != due:
        enqueue(state, n, now)
    # else it is in its lane, or waits for its time or for a retry


def _due(tenant: TenantConfig, known: KeyState, n: Notification) -> float:
    """seed A5, A6: the lead counts back from the key's start in absolute time; none, or a past time, is at once."""
    if tenant.lead is None or n.rule != "key_is_ready":
        return n.accepted
    return max(n.accepted, known.key.starts_at.timestamp() - tenant.lead)


def _deadline(known: KeyState, part: Part, due: float) -> float:
    end = known.key.ends_at.timestamp()
    if part.template is not None and part.template.expires_after is not None:
        return min(end, due + part.template.expires_after)
    return end


def _sender(connection: ConnectionConfig, number: str) -> str:
    """The same person always sees the same sender of a connection with several."""
    senders = connection.senders
    return senders[sum(number.encode()) % len(senders)].name if senders else ""
