"""A story for people: what happened, when, what it means, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.commands.letter_text import printable
from notifier.commands.standing import INBOX_KEPT, standing, stored
from notifier.commands.story import NotificationStory, Step, Story
from notifier.commands.times import at_milliseconds, at_second
from notifier.domain.explanations import DEAD_LETTERS, DETAILS, IGNORED, NO_EFFECT, Meaning, meaning_of, meaning_of_run
from notifier.domain.failures import CREATE_RULES
from notifier.kafka.traces import Received

_WIDTH = len("2026-12-01T09:13:02.114Z")


def told(story: Story, judgement: list[str], config_offset: int, now: float, *, reveal: bool) -> str:
    """`judgement`: what would come of it by the configuration at `config_offset`; `now` in seconds since 1970."""
    return "\n".join(_lines(story, judgement, config_offset, now, reveal=reveal))


def _lines(story: Story, judgement: list[str], config_offset: int, now: float, *, reveal: bool) -> Iterator[str]:
    kind, source = story.type or "type unknown", story.source or "an unknown source"
    tenant = f"tenant {story.tenant}" if story.tenant is not None else "tenant unknown"
    yield f"event {story.id} ({kind} of {source}), {tenant}"
    yield from _arrival(story)
    for note in story.notes:
        yield from _note(story, note)
    for notification in story.notifications:
        yield ""
        yield from _notification(notification, now, reveal=reveal)
    if story.runs:
        yield ""
    for run in story.runs:
        yield from _run(run)
    if story.changed:
        yield ""
        yield "it changed what other events had begun:"
    for step in story.changed:
        yield _at(step.time, f"{step.subject}: {_what(step)}")
    yield from _silence(story, judgement, config_offset)
    if reveal:
        yield ""
        yield from _data(story)


def _arrival(story: Story) -> Iterator[str]:
    for number, received in enumerate(story.received):
        if number == 0:
            yield _at(at_milliseconds(received.time), f"came in at {_origin(received)}, {_inbox(received)}")
        elif received.position == story.received[0].position:
            yield _at(at_milliseconds(received.time), f"read again from {_origin(received)}: counted, without effect")
        else:
            yield _at(at_milliseconds(received.time), f"came again at {_origin(received)}: a repeat, without effect")
    if not story.received and not story.refused:
        yield _at("", f"where it came in is not known any more: {INBOX_KEPT}")
    for refused in story.refused:
        letter, meaning = refused.letter, DEAD_LETTERS.get(refused.letter.reason)
        replayed = ", replayed since" if refused.replayed else ""
        text = f"refused: dead letter {letter.position} of {letter.origin}{replayed}"
        yield _at(letter.time[:23] + "Z", text)
        yield _at("", f"{letter.reason} ({letter.detail})" + (f": {meaning.what}" if meaning is not None else ""))
        if refused.source is None:
            yield _at("", "its value is no JSON; it holds the id as text, so that it may be this event or another")
        if meaning is not None and not refused.replayed:
            yield from _change(meaning)
    if story.waits_in_inbox:
        yield _at("", "the engine has not come to it yet: it waits in the inbox, or nobody owns its partition")
    if story.remembered_until is not None:
        yield _at("", f"all that it began is over; a repeat is recognised until {at_second(story.remembered_until)}")


def _origin(received: Received) -> str:
    position = received.position
    return f"{position.topic}:{position.partition.partition('@')[0]} offset {position.offset}"


def _inbox(received: Received) -> str:
    return f"into the inbox, partition {received.partition} offset {received.offset}"


def _note(story: Story, note: Step) -> Iterator[str]:
    reason = note.data.reason
    if reason is None:
        affected = ", ".join(note.data.affected)
        yield _at(note.time, "had an effect on what waited" + (f": {affected}" if affected else ""))
        return
    meaning = IGNORED.get(reason)
    yield _at(note.time, f"ignored, {reason}" + (f": {meaning.what}" if meaning is not None else ""))
    why = NO_EFFECT.get(story.type or "")
    if reason == "no_effect" and why is not None:
        yield _at("", why)
    if reason == "stale_version" and story.key is not None:
        yield _at("", f"the key now stands at version {story.key.key.version}")
    if meaning is not None:
        yield from _change(meaning)


def _notification(story: NotificationStory, now: float, *, reveal: bool) -> Iterator[str]:
    steps = [step for step in story.steps if step.kind != "parked.resolved"]
    newest = steps[-1].data if steps else None
    yield f"notification {story.id}{_about(story)}"
    for step in steps:
        yield _at(step.time, _what(step))
        yield from (_at("", line) for line in _beside(step))
    meaning = meaning_of(newest.status or "", newest.reason) if newest is not None else None
    if meaning is not None:
        yield from _change(meaning)
    for step in story.steps:
        if step.kind == "parked.resolved":
            data = step.data
            yield _at(step.time, f"resolved: {data.evidence} shows it as {data.message_sid} ({data.provider_status})")
    if story.now is not None:
        yield from (_at("now", line) for line in standing(story.now, now))
    if reveal:
        sid = newest.provider.message_sid if newest is not None and newest.provider is not None else None
        for name, value, gone in stored(story.now, sid):
            yield _at("", f"{name}: {printable(value.encode())}" if value is not None else f"{name}: gone: {gone}")


def _about(story: NotificationStory) -> str:
    parts: list[str] = []
    if story.steps:
        data = story.steps[-1].data
        person, template, run = data.recipient, data.template, data.workflow
        masked = person.masked if person is not None else None
        parts.append(f"{data.channel or 'sms'}{' to ' + masked if masked else ''}")
        parts += [f"person {person.person_id}"] if person is not None and person.person_id else []
        parts += [f"template {template.name} version {template.version}"] if template is not None else []
        parts += [f"workflow {run.name} version {run.version}, step {run.step}"] if run is not None else []
    elif story.now is not None:
        parts.append(f"{story.now.channel}{' to ' + story.now.masked if story.now.masked else ''}")
        parts.append(story.now.rule)
    return ": " + ", ".join(parts) if parts else ""


def _what(step: Step) -> str:
    """`held, awaiting_credential: The key has …`."""
    data = step.data
    status = data.status or step.kind
    reason = f", {data.reason}" if data.reason else ""
    detail = f" ({data.detail})" if data.detail else ""
    meaning = meaning_of(status, data.reason)
    return f"{status}{reason}{detail}" + (f": {meaning.what}" if meaning is not None else "")


def _beside(step: Step) -> Iterator[str]:
    """What else an outcome says, in words."""
    data = step.data
    if (why := DETAILS.get(data.detail or "")) is not None:
        yield why
    if data.status == "scheduled" and data.reason != "retry" and data.times is not None and data.times.due:
        yield f"due at {data.times.due}"
    if data.status in ("accepted", "scheduled", "unknown") and (data.attempt or 0) > 1:
        yield f"attempt {data.attempt}"
    provider = data.provider
    if provider is not None and provider.error_code is not None:
        rule = CREATE_RULES.get(provider.error_code)
        yield f"Twilio error {provider.error_code}" + (f": {rule.meaning}" if rule is not None else "")
    if data.status == "accepted" and provider is not None and provider.message_sid:
        yield f"as {provider.message_sid}"
    if data.cause is not None and data.cause.event is not None:
        yield f"because of event {data.cause.event.id} ({data.cause.event.type} of {data.cause.event.source})"
    if data.cause is not None and data.cause.notification is not None:
        yield f"it repeats {data.cause.notification}"


def _run(step: Step) -> Iterator[str]:
    data = step.data
    name = f" of workflow {data.workflow.name} version {data.workflow.version}" if data.workflow is not None else ""
    at = f" at step {data.step}" if data.step is not None else ""
    until = f" until {data.until}" if data.until else ""
    meaning = meaning_of_run(step.kind, data.reason)
    reason = f", {data.reason}" if data.reason else ""
    said = f"{step.kind}{at}{until}{reason}" + (f": {meaning.what}" if meaning is not None else "")
    yield _at(step.time, f"run {step.subject}{name}: {said}")


def _silence(story: Story, judgement: list[str], config_offset: int) -> Iterator[str]:
    if not judgement:
        return
    yield ""
    yield f"by the configuration in force now (offset {config_offset}), which may not be the one of then:"
    yield from (_at("", line) for line in judgement)


def _data(story: Story) -> Iterator[str]:
    if story.received:
        yield "data, as its producer wrote it:"
        yield printable(bytes(story.received[0].event.data))
    elif story.refused:
        yield f"data: notifier dead-letters show {story.refused[0].letter.position}"
    else:
        yield f"data: gone: {INBOX_KEPT}"


def _change(meaning: Meaning) -> Iterator[str]:
    if meaning.change:
        yield _at("", f"What would change it: {meaning.change}")


def _at(time: str, text: str) -> str:
    return f"  {time.ljust(_WIDTH)}  {text}"
