"""`notifier explain --event ID`: the whole story of one event, also when nothing happened."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from notifier.app.clock import Clock
from notifier.commands.looking import partitions_for
from notifier.commands.progress import scanning
from notifier.commands.story import Story, stories_of
from notifier.commands.story_json import as_row
from notifier.commands.story_text import told
from notifier.commands.times import at_milliseconds
from notifier.domain.catalog import build
from notifier.domain.documents import Halt
from notifier.domain.events import KeyData
from notifier.domain.judging import judge_care, judge_key, judge_tenant
from notifier.engine.runs import CONSENT_TYPES
from notifier.kafka.config_topic import ConfigSnapshot, read_config
from notifier.kafka.connection import client_options
from notifier.kafka.topic_scan import Scanned
from notifier.kafka.traces import Sought, TraceReader, Traces
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings


class NothingKnown(Exception):
    """There is no trace of the event."""


def explain(
    event: Annotated[str, typer.Option(metavar="ID", help="The event's id.")],
    source: Annotated[str | None, typer.Option(help="Only the event of this source.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Only of this tenant; much faster, one partition is read.")] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Numbers, texts and data that are still stored, and why others are gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each tenant and source.")] = False,
) -> None:
    """Tell the whole story of one event: where it came in, what was decided and why, every step with its time.

    Exits 1 when nothing is known of the event. Example: notifier explain --event evt-0001 --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    sought = Sought(event=event, source=source, tenant=tenant)
    traces, snapshot = asyncio.run(_read(settings, sought))
    told_of = stories_of(event, traces)  # the ledger's rows are found by the event's id alone
    stories = [story for story in told_of if source in (None, story.source) and tenant in (None, story.tenant)]
    if not stories:
        _say_where(traces.scanned, snapshot)
        raise NothingKnown(f"nothing is known of event {event}{_narrowed(sought)}")
    now = Clock().now()
    for number, story in enumerate(stories):
        judgement = judged(story, snapshot, now)
        if as_json:
            row = as_row(story, judgement, snapshot.end - 1, now, reveal=reveal)
            typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            blank = "\n" if number else ""
            typer.echo(blank + told(story, judgement, snapshot.end - 1, now, reveal=reveal))


async def _read(settings: Settings, sought: Sought) -> tuple[Traces, ConfigSnapshot]:
    options = client_options(settings.kafka)

    def chosen(count: int) -> tuple[int, ...]:
        return partitions_for(sought.tenant, count)

    with scanning("looking for traces") as progress:
        traces = await TraceReader(options, settings.topics, sought, chosen, progress).read()
    return traces, await read_config(options, settings.topics.name("config"))


def judged(story: Story, snapshot: ConfigSnapshot, now: float) -> list[str]:
    """What would come of an event that brought nothing about, by the configuration as it is now.

    Where the history of its key or of a consent decided, the configuration says nothing, and nothing is said.
    """
    if not story.is_silent or story.tenant is None or story.type is None:
        return []
    catalog = build(snapshot.documents.values(), snapshot.end - 1)
    tenant = catalog.tenants.get(story.tenant)
    received = story.received[0].event if story.received else None
    platform = received.platform if received is not None else tenant.document.platform if tenant is not None else ""
    wrong = judge_tenant(catalog, story.tenant, platform)
    if wrong is not None or tenant is None:
        return [] if wrong is None else [wrong]
    if received is None and story.refused:
        return [f"tenant {story.tenant} is configured"]
    if platform == "pms":
        if received is None or story.notes:
            return []
        return list(judge_key(tenant, story.type, msgspec.json.decode(received.data, type=KeyData), now))
    if story.type in CONSENT_TYPES:
        return []
    payload = msgspec.json.decode(received.data, type=dict[str, object]) if received is not None else None
    return list(judge_care(snapshot.documents.values(), story.tenant, story.type, payload))


def _narrowed(sought: Sought) -> str:
    source = f" of source {sought.source}" if sought.source is not None else ""
    return source + (f" for tenant {sought.tenant}" if sought.tenant is not None else "")


def _say_where(scanned: Iterable[Scanned], snapshot: ConfigSnapshot) -> None:
    """What was looked at, how far back it reaches, and what was not read yet."""
    typer.echo("looked in:", err=True)
    for each in scanned:
        reach = "empty" if each.oldest is None else f"{each.records} records, back to {at_milliseconds(each.oldest)}"
        count = len(each.partitions)
        typer.echo(f"  {each.topic}, {count} partition{'s' if count > 1 else ''}: {reach}", err=True)
    for document in snapshot.documents.values():
        if isinstance(document, Halt):
            typer.echo(
                f"  {document.name} is halted at offset {document.offset} ({document.reason}): what stands behind it is"
                " not read until notifier ingest resume",
                err=True,
            )
