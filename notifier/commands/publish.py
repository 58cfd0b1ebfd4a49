"""`notifier publish FILE…`: events from files onto the source topics, the way a producer would.

Rules: every event is read as ingest will read it, and nothing is published unless all are good; an event goes to the
PMS topic when its type is one of the PMS, else to the care topic; its key is its tenant, so that one tenant's events
keep their order.
"""

from __future__ import annotations

import asyncio
import json
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
        typer.Option(help="Publish to this topic; its events are read as care events unless it is a PMS one."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Events a second; as fast as the brokers take them without it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The last line as JSON.")] = False,
) -> None:
    """Publish events as a producer would: all are validated first, and each is keyed by its tenant."""
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    messages, faults = read_messages(files, settings.topics, topic, settings.ingest.max_event_bytes)
    for fault in faults:
        typer.echo(str(fault), err=True)
    if faults:
        typer.echo(f"notifier: {len(faults)} of the events cannot be used; nothing was published", err=True)
        raise typer.Exit(1)
    asyncio.run(_publish(settings, messages, rate))
    typer.echo(json.dumps({"published": len(messages)}) if as_json else f"published {len(messages)}")


def read_messages(
    files: list[Path], topics: TopicSettings, topic: str | None, max_bytes: int
) -> tuple[list[Message], list[Fault]]:
    """The events of `files` as records, and what cannot be used of them. `topic` None: by their types."""
    messages: list[Message] = []
    faults: list[Fault] = []
    try:
        for file in find_files(files, (*YAML_ENDINGS, *JSON_ENDINGS, *LINES_ENDINGS)):
            for written in read_objects(file):
                message = _message(written, topics, topic, max_bytes)
                messages.append(message) if isinstance(message, Message) else faults.append(message)
    except Unreadable as unreadable:
        faults.append(unreadable.fault)
    return messages, faults


def _message(written: Written, topics: TopicSettings, topic: str | None, max_bytes: int) -> Message | Fault:
    value = json.dumps(written.value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    platform = _platform(written.value, topics, topic)
    event = read_event(value, _HEADERS, platform, max_bytes)
    if isinstance(event, Refusal):
        field, _, rule = event.detail.partition(": ")
        line = written.line(tuple(part for part in field.split(".") if part != "value"))
        return Fault(written.file, line, field, f"{rule} ({event.reason})")
    return Message(topic or topics.sources(platform)[0], event.tenant.encode(), value, _HEADERS)


def _platform(value: object, topics: TopicSettings, topic: str | None) -> Platform:
    if topic is not None:
        return "pms" if topic in topics.sources("pms") else "care"
    event_type = value.get("type") if isinstance(value, dict) else None
    return "pms" if isinstance(event_type, str) and event_type in PMS_EVENT_TYPES else "care"


async def _publish(settings: Settings, messages: list[Message], rate: float | None) -> None:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("publishing", total=len(messages))
        options = client_options(settings.kafka)
        await publish_messages(options, messages, per_second=rate, published=lambda: progress.advance(bar))
