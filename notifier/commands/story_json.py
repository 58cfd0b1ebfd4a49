"""A story for programs: one object a line. Numbers are masked, and texts and data absent, unless they are revealed."""

from __future__ import annotations

import msgspec

from notifier.commands.standing import standing, stored
from notifier.commands.story import NotificationStory, Step, Story
from notifier.commands.times import at_milliseconds, at_second
from notifier.domain.explanations import DEAD_LETTERS, IGNORED, Meaning, meaning_of, meaning_of_run
from notifier.kafka.traces import Received, Refused

Row = dict[str, object]


def as_row(story: Story, judgement: list[str], config_offset: int, now: float, *, reveal: bool) -> Row:
    """As `story_text.told`."""
    row: Row = {
        "event": {"id": story.id, "source": story.source, "type": story.type},
        "tenant": story.tenant,
        "received": [_received(received) for received in story.received],
        "refused": [_refused(refused) for refused in story.refused],
        "waitsInInbox": story.waits_in_inbox,
        "repeatRecognisedUntil": None if story.remembered_until is None else at_second(story.remembered_until),
        "records": [_step(step) for step in story.notes],
        "notifications": [_notification(each, now, reveal=reveal) for each in story.notifications],
        "runs": [_step(step) for step in story.runs],
        "changed": [_step(step) for step in story.changed],
        "judgement": judgement,
        "judgedByConfigOffset": config_offset if judgement else None,
    }
    if reveal:
        row["data"] = msgspec.json.decode(story.received[0].event.data) if story.received else None
    return row


def _received(received: Received) -> Row:
    position = received.position
    return {
        "time": at_milliseconds(received.time), "topic": position.topic,
        "partition": int(position.partition.partition("@")[0]), "offset": position.offset,
        "inboxPartition": received.partition, "inboxOffset": received.offset,
    }  # fmt: skip


def _refused(refused: Refused) -> Row:
    letter = refused.letter
    return {
        "position": str(letter.position), "time": letter.time, "topic": letter.origin.topic,
        "partition": letter.origin.partition, "offset": letter.origin.offset, "reason": letter.reason,
        "detail": letter.detail, **_words(DEAD_LETTERS.get(letter.reason)), "replayed": refused.replayed,
        "certain": refused.source is not None,
    }  # fmt: skip


def _notification(story: NotificationStory, now: float, *, reveal: bool) -> Row:
    newest = story.steps[-1].data if story.steps else None
    recipient = newest.recipient if newest is not None else None
    row: Row = {
        "notificationId": story.id,
        "channel": newest.channel if newest is not None else None,
        "masked": recipient.masked if recipient is not None else None,
        "personId": recipient.person_id if recipient is not None else None,
        "steps": [_step(step) for step in story.steps],
        "now": list(standing(story.now, now)) if story.now is not None else [],
    }
    if reveal:
        provider = newest.provider if newest is not None else None
        kept = stored(story.now, provider.message_sid if provider is not None else None)
        row["stored"] = {
            name: {"value": value, "gone": None if value is not None else gone} for name, value, gone in kept
        }
    return row


def _step(step: Step) -> Row:
    data = step.data
    row: Row = {"time": step.time, "type": step.kind, "subject": step.subject, "sequence": step.sequence}
    fields = msgspec.to_builtins(data)
    chosen = ("status", "terminal", "reason", "detail", "attempt", "cause", "provider", "template", "workflow",
              "affected", "step", "until", "times", "evidence", "messageSid", "providerStatus")  # fmt: skip
    row |= {name: fields[name] for name in chosen if fields[name] not in (None, (), [])}
    return row | _words(_meaning(step))


def _meaning(step: Step) -> Meaning | None:
    if step.kind.startswith("run."):
        return meaning_of_run(step.kind, step.data.reason)
    if step.kind == "event.ignored":
        return IGNORED.get(step.data.reason or "")
    return meaning_of(step.data.status or "", step.data.reason)


def _words(meaning: Meaning | None) -> Row:
    return {"meaning": None, "change": None} if meaning is None else {
        "meaning": meaning.what, "change": meaning.change or None,
    }  # fmt: skip
