"""`notifier publish FILE…`: events from files onto the source topics, the way a producer would.

Rules: every event is read as ingest will read it, and nothing is published unless all are good; an event goes to the
PMS topic when its type is one of the PMS, else to the care topic; its key is its tenant, so that one tenant's events
keep their order.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from notifier.commands.files import JSON_ENDINGS, LINES_ENDINGS, YAML_ENDINGS, Unreadable, find_files, read_objects
from notifier.domain.cloudevents import Refusal, read_event
from notifier.domain.events import PMS_EVENT_TYPES, Platform
from notifier.domain.validation import Fault, Written
from notifier.kafka.batches import Message
from notifier.kafka.connection import client_options
from notifier.kafka.event_producer import publish_messages
from notifier.logs import configure_logs
from notifier.settings import Settings, TopicSettings
from notifier.settings_source import load_settings

_HEADERS = (("content-type", b"application/cloudevents+json"),)


def publish(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="CloudEvents as JSON, NDJSON or YAML; a folder means its files."),
    ],
    topic: Annotated[
        str | None,
        typer.Option(help="Publish all to this topic instead of the one of their platform."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Events a second; as fast as the brokers take them without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The last line as JSON.")] = False,
) -> None:
    """Publish events as a producer would: all are validated first, and each is keyed by its tenant.

    Exits 1 when one cannot be used; then none is published.

    Examples: notifier publish deploy/samples/events.yaml; notifier publish --rate 5 events.ndjson
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    messages, faults = read_messages(files, settings.topics, topic, settings.ingest.max_event_bytes)
    for fault in faults:
        typer.echo(str(fault), err=True)
    if faults:
        typer.echo(f"notifier: {len(faults)} of the events cannot be used; nothing was published", err=True)
        raise typer.Exit(1)
    asyncio.run(_publish(settings, messages, rate))
    typer.echo(last_line(messages, as_json=as_json))


def read_messages(
    files: list[Path], topics: TopicSettings, topic: str | None, max_bytes: int
) -> tuple[list[Message], list[Fault]]:
    """The events of `files` as records, and what cannot be used of them. `topic` None: by their types."""
    messages: list[Message] = []
    faults: list[Fault] = []
    for file in _each_file(files, faults):
        try:
            written = read_objects(file)
        except Unreadable as unreadable:
            faults.append(unreadable.fault)
            continue
        for position, one in enumerate(written, start=1):
            message = _message(one, position, topics, topic, max_bytes)
            messages.append(message) if isinstance(message, Message) else faults.append(message)
    return messages, faults


def last_line(messages: list[Message], *, as_json: bool) -> str:
    """How many went to which topics."""
    counts = Counter(message.topic for message in messages)
    if as_json:
        return json.dumps({"published": len(messages), "topics": counts})
    by_topic = ", ".join(f"{count} to {topic}" for topic, count in counts.items()) or "the files hold none"
    return f"published {len(messages)} {'event' if len(messages) == 1 else 'events'}: {by_topic}"


def _each_file(paths: list[Path], faults: list[Fault]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in paths:
        try:
            found.update(dict.fromkeys(find_files([path], (*YAML_ENDINGS, *JSON_ENDINGS, *LINES_ENDINGS))))
        except Unreadable as unreadable:
            faults.append(unreadable.fault)
    return list(found)


def _message(
    written: Written, position: int, topics: TopicSettings, topic: str | None, max_bytes: int
) -> Message | Fault:
    value = json.dumps(written.value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    platform = _platform(written.value, topics, topic)
    event = read_event(value, _HEADERS, platform, max_bytes)
    if isinstance(event, Refusal):
        field, _, rule = event.detail.partition(": ")
        line = written.line(tuple(part for part in field.split(".") if part != "value"))
        where = field if line is not None else f"event {position}: {field}"  # the JSON parser tells no lines
        return Fault(written.file, line, where, f"{rule} ({event.reason})")
    return Message(topic or topics.sources(platform)[0], event.tenant.encode(), value, _HEADERS)


def _platform(value: object, topics: TopicSettings, topic: str | None) -> Platform:
    """Of the topic that was named, when it is one that ingest reads; else of the event's type."""
    if topic in topics.sources("pms"):
        return "pms"
    if topic in topics.sources("care"):
        return "care"
    event_type = value.get("type") if isinstance(value, dict) else None
    return "pms" if isinstance(event_type, str) and event_type in PMS_EVENT_TYPES else "care"


async def _publish(settings: Settings, messages: list[Message], rate: float | None) -> None:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("publishing", total=len(messages))
        options = client_options(settings.kafka)
        await publish_messages(options, messages, per_second=rate, published=lambda: progress.advance(bar))
