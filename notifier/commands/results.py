"""`notifier results`: what became of the events, from the results topic."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

import msgspec
import typer

from notifier.commands.output import ReaderGone, is_read
from notifier.domain.outcomes import Outcome, Status
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which outcomes are shown: those that fit all that is set."""

    tenant: str | None = None
    event: str | None = None
    status: Status | None = None

    def fits(self, outcome: Outcome, summary: Summary) -> bool:
        """Whether this outcome is to be shown; a record that is not of a notification has no status."""
        return (
            self.tenant in (None, outcome.tenant)
            and self.event in (None, summary.event.id)
            and self.status in (None, summary.status)
        )


def results(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay, and show what comes.")] = False,
    tenant: Annotated[str | None, typer.Option(help="Only outcomes of this tenant.")] = None,
    event: Annotated[str | None, typer.Option(help="Only outcomes of the event with this id.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only notifications with this status.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The records as they are, one a line.")] = False,
) -> None:
    """Show outcomes, from the oldest that is kept to the end of the topic.

    Examples: notifier results --follow; notifier results --tenant harbour-house --status failed --json
    """
    settings = load_settings()
    configure_logs(settings.log.format, "warning")
    wanted = Wanted(tenant, event, status)

    def told(outcome: Outcome, value: bytes) -> None:
        summary = summarise(outcome)
        if wanted.fits(outcome, summary):
            typer.echo(value.decode() if as_json else line(outcome, summary))
            if not is_read():
                raise ReaderGone

    reader = ResultsReader(client_options(settings.kafka), settings.topics.name("results"), told)
    try:
        asyncio.run(reader.read(follow=follow))
    except* ReaderGone:
        pass


def summarise(outcome: Outcome) -> Summary:
    """What a line can tell of it; of data in a form that another version may have written, nothing."""
    try:
        return msgspec.json.decode(outcome.data, type=Summary)
    except msgspec.ValidationError:
        return Summary()


def line(outcome: Outcome, summary: Summary) -> str:
    """One outcome for people: when, whose, what, why, by what, to whom, because of what, of which event.

    In columns; what is wider than its column moves the rest of its line, and nothing is cut off.
    """
    cause = summary.template or summary.workflow
    columns = (
        (outcome.time, 24),
        (outcome.tenant, 15),
        (summary.status or outcome.type, 15),
        (": ".join(part for part in (summary.reason, summary.detail) if part), 26),
        (summary.channel or "", 5),
        ((summary.recipient.masked if summary.recipient is not None else None) or "", 13),
        (cause.name if cause is not None else "", 19),
    )
    return "  ".join([*(text.ljust(width) for text, width in columns), f"{summary.event.type} {summary.event.id}"])
