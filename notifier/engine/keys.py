"""PMS events: a key as it now stands, and who has to be told what (seed-systems.md section 4.1, contract 4.1).

A notification of a key keeps no text: it is rendered from the key when its turn comes, so whatever changed until then
is in the first message, and only what changes afterwards needs another one (seed A9, A10).
"""

from __future__ import annotations

from notifier.domain.catalog import ConnectionConfig, TenantConfig
from notifier.domain.channel_rules import Part, decide
from notifier.domain.events import EventRef, InboxEvent, KeyData, Person
from notifier.domain.identifiers import identity_of, notification_id
from notifier.domain.outcomes import Cause, Channel, TemplateRef
from notifier.engine.arriving import address, arrive, event_time, hold, skip, wait
from notifier.engine.emitting import emit_applied, emit_ignored
from notifier.engine.entities import KeyState, Notification, Told
from notifier.engine.finishing import finish
from notifier.engine.lanes import enqueue, leave_lane
from notifier.engine.preparing import find_person, person_name
from notifier.engine.state import State
from notifier.engine.table import key_key, touch

CANCELLING = {"key.revoked": "key_revoked", "reservation.cancelled": "reservation_cancelled"}


def accept_key_event(
    state: State, tenant: TenantConfig, event: InboxEvent, data: KeyData, inbox: int, now: float
) -> None:
    """One PMS event, whole: the key, the notifications it starts, and what it releases or cancels."""
    key = key_key(tenant.name, data.key.id)
    known = state.keys.get(key)
    if known is not None and data.key.version <= known.key.version:
        emit_ignored(state, event, inbox, "stale_version", now)
        return
    if known is None:
        known = KeyState(tenant=tenant.name, key=data.key, inbox=inbox)
        state.keys.put(key, known)
    known.key, known.inbox, known.identity = data.key, inbox, identity_of(event.ref).hex()
    touch(state, key, bound=True)
    state.timers.at(data.key.ends_at.timestamp() + 1.0, "key_end", key)
    change = KeyChange(state, tenant, event, known, inbox, now)
    match event.type:
        case "key.ready":
            known.ready = True
            change.refresh()
            change.tell_new_persons()
        case "key.updated":
            change.refresh()
            if known.ready:
                change.tell_new_persons()
        case "doorcode.changed":
            change.refresh()
            change.tell_changed_code()
        case "key.revoked" | "reservation.cancelled":
            change.cancel(CANCELLING[event.type])
    change.report()


class KeyChange:
    """One event at work on one key: collects what it affected and what it started."""

    def __init__(
        self, state: State, tenant: TenantConfig, event: InboxEvent, known: KeyState, inbox: int, now: float
    ) -> None:
        self._state, self._tenant, self._event, self._known = state, tenant, event, known
        self._inbox, self._now = inbox, now
        self._affected: list[str] = []
        self._started = 0

    def refresh(self) -> None:
        """What waits is decided again on the key as it now stands; what is under way, when it comes back."""
        persons = {person_name(person, position) for position, person in enumerate(self._known.key.persons)}
        for n in of_key(self._state, self._known):
            if n.stage not in ("held", "waiting"):
                if n.person not in persons and cancel(self._state, n, "superseded", self._event.ref, self._now):
                    self._affected.append(n.id)
                continue
            before, cause = (n.stage, n.hold, n.to, n.due), n.cause
            n.cause = Cause(event=self._event.ref)
            decide_again(self._state, self._tenant, self._known, n, self._now)
            if (n.stage, n.hold, n.to, n.due) != before or n.stage == "waiting":
                self._affected.append(n.id)
                touch(self._state, "n/" + n.id, bound=True)
            else:
                n.cause = cause

    def tell_new_persons(self) -> None:
        for position, person in enumerate(self._known.key.persons):
            name = person_name(person, position)
            if name not in self._known.told:
                self._start(person, name, "key_is_ready")

    def tell_changed_code(self) -> None:
        """seed A10: only who got a first message is told of the new code; the others get it with their first."""
        waiting = {n.person for n in of_key(self._state, self._known) if n.stage in ("held", "waiting")}
        for position, person in enumerate(self._known.key.persons):
            name = person_name(person, position)
            told = self._known.told.get(name)
            if told is None or told.silent:
                continue
            if name not in waiting:
                self._start(person, name, "doorcode_is_changed")
            elif told.mailed:  # the text that waits will say the new code, the mail that went said the old one
                self._start(person, name, "doorcode_is_changed", channels=("email",))

    def _start(self, person: Person, name: str, rule: str, *, channels: tuple[Channel, ...] = ("sms", "email")) -> None:
        """Begin what the decision says; the person's SMS, else the e-mail, stands for the first message."""
        decision = decide(self._tenant, self._known.key, person, rule, self._now)
        for part in decision.parts:
            if part.channel not in channels:
                continue
            n = self._new(person, name, rule, part)
            arrive(self._state, n)
            self._started += 1
            if rule == "key_is_ready" and (part.channel == "sms" or name not in self._known.told):
                mailed = name in self._known.told and self._known.told[name].mailed
                self._known.told[name] = Told(n.id, mailed=mailed)
            place(self._state, self._tenant, self._known, n, part, self._now)

    def _new(self, person: Person, name: str, rule: str, part: Part) -> Notification:
        event = self._event
        return Notification(
            id=notification_id(self._tenant.name, event.source, event.id, rule, name, part.channel),
            tenant=self._tenant.name, event=event.ref, inbox=self._inbox, order=self._started, accepted=self._now,
            event_time=event_time(event), traceparent=event.traceparent, key_id=self._known.key.id, rule=rule,
            person=name, person_id=person.id, channel=part.channel,
            class_=part.template.class_ if part.template else "code",
            template=TemplateRef(part.template.name, part.template.version) if part.template else None,
            due=self._now,
        )  # fmt: skip

    def cancel(self, reason: str) -> None:
        """What has no intent is cancelled; what has one, or is in doubt, is not repeated."""
        for n in of_key(self._state, self._known):
            if cancel(self._state, n, reason, self._event.ref, self._now):
                self._affected.append(n.id)

    def report(self) -> None:
        if self._affected:
            emit_applied(self._state, self._event, self._inbox, tuple(self._affected), self._now)
        elif not self._started:
            emit_ignored(self._state, self._event, self._inbox, "no_effect", self._now)


def of_key(state: State, known: KeyState) -> list[Notification]:
    """Living notifications of a key, oldest first."""
    found = (state.notifications.get(name) for name in state.by_key.get(known.key.id, ()))
    mine = [n for n in found if n is not None and n.tenant == known.tenant and n.stage != "final"]
    return sorted(mine, key=lambda n: (n.inbox, n.order))


def cancel(state: State, n: Notification, reason: str, event: EventRef | None, now: float) -> bool:
    """A cancellation wins while no POST has begun; afterwards it forbids the repeat. True when it had an effect."""
    if n.stage in ("final", "handed") or n.cancel is not None:
        return False
    n.cause = Cause(event=event) if event is not None else n.cause
    if n.stage in ("held", "waiting"):
        finish(state, n, "cancelled", now, reason=reason)
        return True
    n.cancel = reason
    touch(state, "n/" + n.id, bound=True)
    return n.stage == "doubt" or n.id not in state.posted


def decide_again(state: State, tenant: TenantConfig, known: KeyState, n: Notification, now: float) -> None:
    """The decision for one waiting notification, on the key and the configuration as they are now."""
    if find_person(known, n.person) is None:
        finish(state, n, "cancelled", now, reason="superseded")
        return
    part = part_for(tenant, known, n, now)
    if part is not None:
        place(state, tenant, known, n, part, now)


def part_for(tenant: TenantConfig, known: KeyState, n: Notification, now: float) -> Part | None:
    """What the decision says of this notification now; None when its person is not of the key any more."""
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
    n.deadline = _deadline(known, part, _due(tenant, known, n))
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
            held = n.stage == "held" and n.hold in ("connection_broken", "sender_held")
            if not held or sender != (n.connection, n.sender):  # else only its connection releases it
                _place_in_time(state, n, now, moved=moved, due=due)
    if _placing(n) != before and n.stage != "final":
        touch(state, "n/" + n.id, bound=True)
        state.timers.at(n.deadline, "expire", n.id)
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


def key_ended(state: State, key: str, now: float) -> None:
    """The key is over and nothing of it is alive: it is forgotten."""
    known = state.keys.get(key)
    if known is None:
        return
    if now <= known.key.ends_at.timestamp():
        return  # it was moved, and has its own timer
    if of_key(state, known):
        state.timers.at(now + 60.0, "key_end", key)
        return
    state.keys.remove(key)
    touch(state, key)
