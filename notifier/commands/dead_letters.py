"""`notifier dead-letters list | show | replay`: what was refused, why, and putting it back (contract section 7)."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from notifier.app.clock import Clock
from notifier.commands.letter_text import as_row, contents, line, whole
from notifier.commands.progress import counting, scanning
from notifier.commands.replay_plan import NoSuchLetter, Plan, Selection, Verdicts, plan_replay
from notifier.commands.times import since as parse_since
from notifier.domain.catalog import build
from notifier.domain.cloudevents import RefusalReason
from notifier.domain.events import Platform
from notifier.kafka.config_topic import read_config
from notifier.kafka.connection import client_options
from notifier.kafka.dead_letters import DeadLetter, Letters, Look, Position, parse_position, read_letters, read_values
from notifier.kafka.replaying import replay as put_back
from notifier.kafka.topic_scan import partition_counts
from notifier.logs import configure_logs
from notifier.settings import Settings, TopicSettings
from notifier.settings_source import load_settings

_NAMED_AT_MOST = 20

app = typer.Typer(help="Records that were refused: list them, look at one, put them back.", no_args_is_help=True)

Reason = Annotated[RefusalReason | None, typer.Option(help="Only those with this reason.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only those refused since: 2026-12-01T09:00:00Z, or a duration back, 24h."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


class NothingReplayed(Exception):
    """The command did nothing; the message says why."""


@app.command("list")
def list_letters(
    reason: Reason = None,
    since: Since = None,
    only_open: Annotated[bool, typer.Option("--open", help="Only those that were not replayed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every dead letter, oldest first: where it lies, when, why, and where it came from; never its value.

    Example: notifier dead-letters list --reason unknown_tenant --since 24h
    """
    settings, selection = _begin(), Selection(reason=reason, since=_moment(since))
    letters = asyncio.run(_read(settings))
    for letter in sorted(letters.found.values(), key=lambda letter: (letter.time, letter.position)):
        is_replayed = letter.position in letters.replayed
        if selection.fits(letter) and not (only_open and is_replayed):
            typer.echo(
                json.dumps(as_row(letter, replayed=is_replayed), ensure_ascii=False)
                if as_json
                else line(letter, replayed=is_replayed)
            )
    if letters.foreign:
        typer.echo(f"{letters.foreign} records of the topic are no dead letters of the notifier", err=True)


@app.command()
def show(
    position: Annotated[str, typer.Argument(metavar="PARTITION:OFFSET", help="As `list` shows it.")],
    raw: Annotated[bool, typer.Option("--raw", help="Nothing but the bytes of the value.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter whole, with its value: that may hold what a producer knows of a person.

    Example: notifier dead-letters show 0:12
    """
    settings, wanted = _begin(), _position(position)
    letter, value, is_replayed = asyncio.run(_find(settings, wanted))
    if raw:
        typer.echo(value or b"", nl=False)
    elif as_json:
        typer.echo(json.dumps(as_row(letter, replayed=is_replayed) | contents(letter, value), ensure_ascii=False))
    else:
        typer.echo(whole(letter, value, replayed=is_replayed))


@app.command()
def replay(
    positions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PARTITION:OFFSET…", help="As `list` shows them; all that fit without.", show_default=False
        ),
    ] = None,
    reason: Reason = None,
    since: Since = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were replayed before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put the original records back on their topics, each once, and mark them as replayed.

    Exits 1 when nothing was left to replay. Example: notifier dead-letters replay --reason unknown_tenant --since 24h
    """
    settings = _begin()
    named = frozenset(_position(each) for each in positions or ())
    selection = Selection(named=named, reason=reason, since=_moment(since))
    asyncio.run(_Replay(settings, selection, again=again, as_json=as_json).run(yes=yes))


class _Replay:
    def __init__(self, settings: Settings, selection: Selection, *, again: bool, as_json: bool) -> None:
        self._settings, self._selection, self._again, self._as_json = settings, selection, again, as_json
        self._options = client_options(settings.kafka)
        self._topic = settings.topics.name("dead_letters")
        self._platforms = _platforms(settings.topics)
        self._done: Counter[str] = Counter()

    async def run(self, *, yes: bool) -> None:
        snapshot = await read_config(self._options, self._settings.topics.name("config"))
        catalog = build(snapshot.documents.values(), snapshot.end - 1)
        verdicts = Verdicts(self._platforms, self._settings.ingest.max_event_bytes, catalog)
        letters = await _read(self._settings, verdicts.look, self._selection)
        plan = plan_replay(letters, self._selection, self._platforms, again=self._again)
        _name_left(plan)
        if not plan.due:
            raise NothingReplayed("nothing was left to replay")
        _ask(plan, verdicts, yes=yes)
        await self._put_back(plan.due)

    async def _put_back(self, due: Sequence[DeadLetter]) -> None:
        topics = {letter.origin.topic for letter in due}
        counts = await partition_counts(self._options, sorted(topics))
        with counting("replaying", len(due)) as counted:

            def replayed(letter: DeadLetter, partition: int) -> None:
                counted()
                self._done[letter.origin.topic] += 1
                if self._as_json:
                    row = {"position": str(letter.position), "topic": letter.origin.topic, "partition": partition}
                    typer.echo(json.dumps(row))

            gone = await put_back(self._options, self._topic, due, counts, replayed)
        for letter in gone:
            typer.echo(f"{letter.position}: was deleted by retention meanwhile", err=True)
        if not self._done:
            raise NothingReplayed("nothing was left to replay")
        total = sum(self._done.values())
        if self._as_json:
            typer.echo(json.dumps({"replayed": total, "topics": self._done}))
        else:
            by_topic = ", ".join(f"{count} to {topic}" for topic, count in sorted(self._done.items()))
            typer.echo(f"replayed {total} dead letter{'s' if total > 1 else ''}: {by_topic}")


def _name_left(plan: Plan) -> None:
    for letter, why in plan.left[:_NAMED_AT_MOST]:
        typer.echo(f"{letter.position}: not replayed: {why}", err=True)
    more = len(plan.left) - _NAMED_AT_MOST
    if more > 0:
        typer.echo(f"and {more} more", err=True)


def _ask(plan: Plan, verdicts: Verdicts, *, yes: bool) -> None:
    if yes:
        return
    topics = ", ".join(sorted({letter.origin.topic for letter in plan.due}))
    count = len(plan.due)
    what = f"{count} dead letter{'s' if count > 1 else ''} onto {topics} ({verdicts.summary(plan.due)})"
    if not sys.stdin.isatty():
        raise NothingReplayed(f"nobody can be asked here: add --yes to replay {what}")
    typer.confirm(f"Replay {what}?", abort=True, err=True)


def _begin() -> Settings:
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    return settings


async def _read(settings: Settings, look: Look | None = None, selection: Selection | None = None) -> Letters:
    options, topic = client_options(settings.kafka), settings.topics.name("dead_letters")
    partitions = range((await partition_counts(options, [topic]))[topic])

    def look_where_selected(letter: DeadLetter, value: bytes | None) -> None:
        if look is not None and (selection is None or selection.fits(letter)):
            look(letter, value)

    with scanning("reading the dead letters") as progress:
        letters, _ = await read_letters(options, topic, partitions, look_where_selected, progress)
    return letters


async def _find(settings: Settings, wanted: Position) -> tuple[DeadLetter, bytes | None, bool]:
    letters = await _read(settings)
    letter = letters.found.get(wanted)
    if letter is None:
        raise NoSuchLetter(f"there is no dead letter at {wanted}; notifier dead-letters list shows what there is")
    options, topic = client_options(settings.kafka), settings.topics.name("dead_letters")
    values = await read_values(options, topic, {wanted})
    return letter, values.get(wanted), wanted in letters.replayed


def _platforms(topics: TopicSettings) -> dict[str, Platform]:
    found: dict[str, Platform] = dict.fromkeys(topics.sources("pms"), "pms")
    return found | dict.fromkeys(topics.sources("care"), "care")


def _position(text: str) -> Position:
    try:
        return parse_position(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_since(text, datetime.fromtimestamp(Clock().now(), UTC))
    except ValueError as error:
        raise typer.BadParameter(f"--since: {error}") from None
