"""The story of one event, put together from its traces; no I/O.

One story for each tenant and source: the same id from two sources is two events. A notification's steps are its
outcomes in their sequence; what the ledger still holds of it says where it stands now.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from notifier.domain.events import EventRef
from notifier.domain.outcomes import Cause, Outcome, Provider, Recipient, TemplateRef, Times, WorkflowRef
from notifier.engine.entities import KeyState, Notification, decode_entity
from notifier.kafka.ledger_table import Row
from notifier.kafka.traces import Received, Refused, Traces, key_of


class Data(msgspec.Struct, kw_only=True, rename="camel"):
    """What any record of the results topic may say; what a kind of record lacks stays empty."""

    notification_id: str | None = None
    event: EventRef | None = None
    status: str | None = None
    terminal: bool = False
    reason: str | None = None
    detail: str | None = None
    channel: str | None = None
    class_: str | None = msgspec.field(name="class", default=None)
    recipient: Recipient | None = None
    template: TemplateRef | None = None
    workflow: WorkflowRef | None = None
    cause: Cause | None = None
    provider: Provider | None = None
    attempt: int | None = None
    times: Times | None = None
    affected: tuple[str, ...] = ()
    step: int | None = None
    until: str | None = None
    evidence: str | None = None
    message_sid: str | None = None
    provider_status: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One outcome: when, of what kind (`notification.held`, `run.completed`, …), and what it says."""

    time: str
    kind: str
    subject: str
    sequence: int
    data: Data


@dataclass(slots=True)
class NotificationStory:
    """`now`: what the ledger still holds of it; None once it is over and forgotten, or was never seen there."""

    id: str
    steps: list[Step] = field(default_factory=list)
    now: Notification | None = None


@dataclass(slots=True, kw_only=True)
class Story:
    """`type` None where only broken text is left. `remembered_until`: until when a repeat is recognised, seconds.

    `waits_in_inbox`: the engine has not come to it. `changed`: outcomes of other events' notifications that this one
    brought about. `key`: the PMS key as it now stands in the ledger.
    """

    id: str
    source: str | None
    tenant: str | None
    type: str | None = None
    received: list[Received] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    notifications: list[NotificationStory] = field(default_factory=list)
    runs: list[Step] = field(default_factory=list)
    notes: list[Step] = field(default_factory=list)
    changed: list[Step] = field(default_factory=list)
    key: KeyState | None = None
    waits_in_inbox: bool = False
    remembered_until: float | None = None

    @property
    def is_silent(self) -> bool:
        """Nobody was to be told, as far as is known: the question that a judgement answers."""
        return not self.notifications and not self.runs and not self.changed


def stories_of(event: str, traces: Traces) -> list[Story]:
    """By tenant and source; none when there is no trace."""
    return _Gathering(event, traces).stories()


class _Gathering:
    def __init__(self, event: str, traces: Traces) -> None:
        self._event, self._traces = event, traces
        self._stories: dict[tuple[str | None, str | None], Story] = {}
        self._seen: set[str] = set()
        self._owners: dict[str, Story] = {}  # by notification

    def stories(self) -> list[Story]:
        for received in sorted(self._traces.received, key=lambda each: (each.time, each.partition, each.offset)):
            story = self._story(received.event.tenant, received.event.source, received.event.type)
            story.received.append(received)
        for said in self._traces.said:
            self._take_outcome(said.outcome, direct=said.direct)
        for row in self._traces.rows:
            self._take_row(row)
        for refused in self._traces.refused:
            self._story(refused.tenant, refused.source, refused.type).refused.append(refused)
        for story in self._stories.values():
            self._finish(story)
        return sorted(self._stories.values(), key=lambda story: (story.tenant or "", story.source or ""))

    def _story(self, tenant: str | None, source: str | None, type_: str | None) -> Story:
        story = self._stories.setdefault((tenant, source), Story(id=self._event, source=source, tenant=tenant))
        story.type = story.type or type_
        return story

    def _take_outcome(self, outcome: Outcome, *, direct: bool) -> None:
        if outcome.id in self._seen:
            return  # a crash may repeat a record
        self._seen.add(outcome.id)
        try:
            data = msgspec.json.decode(outcome.data, type=Data)
        except msgspec.ValidationError:
            data = Data()  # in a form that another version wrote: its kind and time are told all the same
        sequence = outcome.id.rpartition(":")[2]
        step = Step(outcome.time, outcome.type, outcome.subject, int(sequence) if sequence.isdigit() else 0, data)
        about = data.event if direct else (data.cause.event if data.cause is not None else None)
        owner = self._owners.get(outcome.subject)
        if owner is None and about is not None:
            owner = self._story(outcome.tenant, about.source, about.type)
        if owner is not None:
            self._file(owner, step, direct=direct)

    def _file(self, story: Story, step: Step, *, direct: bool) -> None:
        if not direct:
            story.changed.append(step)
        elif step.kind.startswith(("notification.", "parked.")):
            self._owners[step.subject] = story
            self._notification(story, step.subject).steps.append(step)
        elif step.kind.startswith("run."):
            story.runs.append(step)
        else:
            story.notes.append(step)

    def _notification(self, story: Story, name: str) -> NotificationStory:
        for known in story.notifications:
            if known.id == name:
                return known
        story.notifications.append(NotificationStory(name))
        return story.notifications[-1]

    def _take_row(self, row: Row) -> None:
        try:
            entity = decode_entity(row.key, row.value)
        except (KeyError, msgspec.DecodeError):
            return  # of another version: its outcomes speak for it
        if isinstance(entity, Notification) and entity.event.id == self._event:
            story = self._stories.get((entity.tenant, entity.event.source))
            story = story or self._story(entity.tenant, entity.event.source, entity.event.type)
            self._notification(story, entity.id).now = entity
            for outcome in entity.outcomes:  # not published yet
                self._take_outcome(outcome, direct=True)
        elif isinstance(entity, KeyState):
            for story in self._stories.values():
                if row.key in map(key_of, story.received):
                    story.key = entity

    def _finish(self, story: Story) -> None:
        for notification in story.notifications:
            notification.steps.sort(key=lambda step: (step.kind == "parked.resolved", step.sequence))
        story.notifications.sort(key=_began)
        story.runs.sort(key=lambda step: (step.subject, step.sequence))
        story.changed.sort(key=lambda step: (step.time, step.subject, step.sequence))
        story.remembered_until = self._traces.pages.get(story.source or "")
        story.waits_in_inbox = bool(story.received) and not story.notes and story.is_silent and self._is_behind(story)

    def _is_behind(self, story: Story) -> bool:
        """The engine's own position in the inbox says so."""
        first = story.received[0]
        positions = self._traces.positions.get(first.partition)
        return positions is None or positions.inbox is None or positions.inbox <= first.offset


def _began(notification: NotificationStory) -> tuple[str, str]:
    return (notification.steps[0].time if notification.steps else "", notification.id)
