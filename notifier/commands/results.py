"""`notifier results`: what became of the events, from the results topic."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from notifier.domain.outcomes import Outcome
from notifier.kafka.connection import client_options
from notifier.kafka.results_reader import ResultsReader
from notifier.logs import configure_logs
from notifier.settings_source import load_settings


class _Named(msgspec.Struct):
    """A template or a workflow."""

    name: str = "-"


class _EventOf(msgspec.Struct):
    id: str = "-"
    type: str = "-"


class _RecipientOf(msgspec.Struct):
    masked: str | None = None


class Summary(msgspec.Struct, rename="camel"):
    """What a line tells of the `data` of any record of the topic; what a kind of record lacks stays empty."""

    event: _EventOf = msgspec.field(default_factory=_EventOf)
    status: str | None = None
    reason: str | None = None
    detail: str | None = None
    channel: str | None = None
    recipient: _RecipientOf | None = None
    template: _Named | None = None
    workflow: _Named | None = None
    segments: int | None = None


def results(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay, and show what comes.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Only outcomes of this tenant.")] = None,
    event: Annotated[str | None, typer.Option(help="Only outcomes of the event with this id.")] = None,
    status: Annotated[str | None, typer.Option(help="Only notifications with this status.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records as they are, one a line.")] = False,
) -> None:
    """Show outcomes, from the oldest that is kept to the end of the topic."""
    settings = load_settings()
    configure_logs(settings.log.format, "warning")

    def told(outcome: Outcome, value: bytes) -> None:
        summary = msgspec.json.decode(outcome.data, type=Summary)
        if tenant not in (None, outcome.tenant) or event not in (None, summary.event.id):
            return
        if status not in (None, summary.status):
            return
        typer.echo(value.decode() if as_json else line(outcome, summary))

    reader = ResultsReader(client_options(settings.kafka), settings.topics.name("results"), told)
    asyncio.run(reader.read(follow=follow))


def line(outcome: Outcome, summary: Summary) -> str:
    """One outcome for people: when, what, why, to whom, of which event."""
    what = summary.status or outcome.type
    why = ": ".join(part for part in (summary.reason, summary.detail) if part)
    cause = summary.template or summary.workflow
    parts = [
        outcome.time,
        outcome.tenant,
        f"{what} ({why})" if why else what,
        summary.channel or "",
        (summary.recipient.masked if summary.recipient is not None else None) or "",
        cause.name if cause is not None else "",
        f"{summary.event.type} {summary.event.id}",
    ]
    return "  ".join(part for part in parts if part)
