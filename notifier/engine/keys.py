"""PMS events: a key as it now stands, and who has to be told what (seed-systems.md section 4.1, contract 4.1).

A notification of a key keeps no text: it is rendered from the key when its turn comes, so whatever changed until then
is in the first message, and only what changes afterwards needs another one (seed A9, A10).
"""

from __future__ import annotations

from notifier.domain.catalog import TenantConfig
from notifier.domain.channel_rules import SHARE_RULE, Part, decide
from notifier.domain.events import EventRef, InboxEvent, KeyData, Person, Share
from notifier.domain.identifiers import identity_of, notification_id
from notifier.domain.outcomes import Cause, Channel, TemplateRef
from notifier.engine.arriving import arrive, event_time
from notifier.engine.emitting import emit_applied, emit_ignored
from notifier.engine.entities import KeyState, Notification, Told
from notifier.engine.finishing import finish
from notifier.engine.placing import decide_again, place
from notifier.engine.preparing import person_name
from notifier.engine.sharing import share, was_shared_with
from notifier.engine.state import State
from notifier.engine.table import key_key, touch

CANCELLING = {"key.revoked": "key_revoked", "reservation.cancelled": "reservation_cancelled"}


def accept_key_event(
    state: State, tenant: TenantConfig, event: InboxEvent, data: KeyData, inbox: int, now: float
) -> None:
    """One PMS event, whole: the key, the notifications it starts, and what it releases or cancels."""
    key = key_key(tenant.name, data.key.id)
    known = state.keys.get(key)
    shared = event.type == "credentials.shared"
    stale = known is not None and _is_stale(known, data.key.version, shared=shared)
    if stale and not shared:
        emit_ignored(state, event, inbox, "stale_version", now)
        return
    if known is None:
        known = KeyState(tenant=tenant.name, key=data.key, inbox=inbox)
        state.keys.put(key, known)
    known.inbox, known.identity = inbox, identity_of(event).hex()
    touch(state, key, bound=True)
    change = KeyChange(state, tenant, event, known, inbox, now)
    if not stale:
        known.key = data.key
        known.changed = known.changed if shared else data.key.version
        state.timers.at(data.key.ends_at.timestamp() + 1.0, "key_end", key)
        change.take_effect()
    if shared and data.share is not None:
        change.share(data.share)
    change.report()


def _is_stale(known: KeyState, version: int, *, shared: bool) -> bool:
    """A share carries the key as it stands, maybe ahead of the event that tells of the change."""
    if version != known.key.version:
        return version < known.key.version
    return shared or version <= known.changed


class KeyChange:
    """One event at work on one key: collects what it affected and what it started."""

    def __init__(
        self, state: State, tenant: TenantConfig, event: InboxEvent, known: KeyState, inbox: int, now: float
    ) -> None:
        self._state, self._tenant, self._event, self._known = state, tenant, event, known
        self._inbox, self._now = inbox, now
        self._affected: list[str] = []
        self._started = 0

    def take_effect(self) -> None:
        """What follows from the key as it now stands. A share that brings a newer key is an update, too."""
        match self._event.type:
            case "key.ready":
                self._known.ready = True
                self.refresh()
                self.tell_new_persons()
            case "key.updated" | "credentials.shared":
                self.refresh()
                if self._known.ready:
                    self.tell_new_persons()
            case "doorcode.changed":
                self.refresh()
                self.tell_changed_code()
            case "key.revoked" | "reservation.cancelled":
                self.cancel(CANCELLING[self._event.type])

    def share(self, wish: Share) -> None:
        share(
            self._state, self._tenant, self._known, self._event, wish, inbox=self._inbox, order=self._started,
            now=self._now,
        )  # fmt: skip
        self._started += 1

    def refresh(self) -> None:
        """What waits is decided again on the key as it now stands; what is under way, when it comes back."""
        living = of_key(self._state, self._known)
        if not living:
            return
        persons = {person_name(person, position) for position, person in enumerate(self._known.key.persons)}
        for n in living:
            if n.stage not in ("held", "waiting"):
                gone = n.person not in persons and n.rule != SHARE_RULE
                if gone and cancel(self._state, n, "superseded", self._event.ref, self._now):
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
        waiting = {n.person for n in of_key(self._state, self._known) if _will_tell(n)}
        for position, person in enumerate(self._known.key.persons):
            name = person_name(person, position)
            told = self._known.told.get(name)
            if (told is None or told.silent) and not was_shared_with(self._known, name):
                continue
            if name not in waiting:
                self._start(person, name, "doorcode_is_changed")
            elif told is not None and told.mailed:  # the text that waits says the new code, the mail said the old one
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


def _will_tell(n: Notification) -> bool:
    """It is still to be rendered, and its person will read it."""
    shared_by_mail = n.rule == SHARE_RULE and n.channel == "email"
    return n.stage in ("held", "waiting") and not n.alternative and not shared_by_mail


def of_key(state: State, known: KeyState) -> list[Notification]:
    """Living notifications of a key, oldest first."""
    names = state.by_key.get(known.key.id)
    if names is None:
        return []
    found = [state.notifications.get(name) for name in names]
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
