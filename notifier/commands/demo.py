"""`notifier demo`: the whole thing on one machine, with nobody texted: see every outcome as it comes."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table

from notifier.app.lifecycle import STOPPED_AT_ONCE, stop_on_signals
from notifier.commands.stage import DemoFailed, Samples, Stage, event_ids, kafka_settings, samples, stage
from notifier.domain.outcomes import TERMINAL_STATUSES, NotificationData, Outcome
from notifier.kafka.connection import client_options
from notifier.kafka.results_reader import ResultsReader
from notifier.logs import configure_logs
from notifier.settings import TopicSettings

DEADLINE = 90.0
REDRAW_SECONDS = 0.15
ROWS = 60

T = TypeVar("T")


class Show:
    """What has been told so far, and when that is all."""

    def __init__(self, expected: set[tuple[str, str]], on_stage: Stage, *, as_json: bool) -> None:
        self._expected, self.stage, self._as_json = expected, on_stage, as_json
        self._answered: set[tuple[str, str]] = set()
        self._last: dict[str, NotificationData] = {}
        self._rows: list[tuple[str, ...]] = []
        self.complete = asyncio.Event()

    def told(self, outcome: Outcome, raw: bytes) -> None:
        if self._as_json:
            sys.stdout.write(raw.decode() + "\n")
            sys.stdout.flush()
        about = msgspec.json.decode(outcome.data)["event"]
        self._answered.add((about["source"], about["id"]))
        if outcome.type.startswith("notification."):
            data = msgspec.json.decode(outcome.data, type=NotificationData)
            self._last[data.notification_id] = data
            self._rows.append(self._row(outcome, data))
        else:
            reason = msgspec.json.decode(outcome.data).get("reason") or ""
            self._rows.append((f"{about['type']} {about['id']}", "", "", outcome.type, reason, ""))
        if self._answered >= self._expected and all(data.terminal for data in self._last.values()):
            self.complete.set()

    def _row(self, outcome: Outcome, data: NotificationData) -> tuple[str, ...]:
        text = self.stage.texts().get(data.notification_id, "") if data.terminal else ""
        person = data.recipient.masked or data.recipient.person_id or ""
        return (f"{data.event.type} {data.event.id}", person, data.channel, data.status, data.reason or "", text)

    def table(self) -> Table:
        table = Table(expand=True, box=SIMPLE, title="Outcomes, newest last", padding=(0, 1, 0, 0))
        for name, ratio in (("event", 5), ("person", 3), ("channel", 2), ("status", 3), ("reason", 4), ("text", 9)):
            table.add_column(name, ratio=ratio, overflow="ellipsis", no_wrap=True)
        for row in self._rows[-ROWS:]:
            table.add_row(*row)
        return table

    def summary(self) -> str:
        counts = Counter(data.status for data in self._last.values())
        unfinished = [data for data in self._last.values() if data.status not in TERMINAL_STATUSES]
        told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
        return f"{len(self._answered)} events, {len(self._last)} notifications ({len(unfinished)} unfinished): {told}"


def demo(
    as_json: Annotated[
        bool, typer.Option("--json", help="One outcome a line on standard output, nothing else.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave all running until Ctrl-C, and print the addresses.")
    ] = False,
    events: Annotated[
        Path | None, typer.Option("--events", exists=True, dir_okay=False, help="Publish these instead of the samples.")
    ] = None,
) -> None:
    """Run the daemon against an embedded broker and a stand-in for Twilio; nobody is texted.

    Applies the sample tenants, publishes the sample events, prints every outcome as it comes, and a summary. Exits 0
    when every notification is final, 1 when one is not in time.

    Examples: notifier demo; notifier demo --json | jq .type; notifier demo --keep
    """
    configure_logs("console", "error")
    raise typer.Exit(asyncio.run(_demo(events, as_json=as_json, keep=keep)))


async def _demo(events: Path | None, *, as_json: bool, keep: bool) -> int:
    stop = asyncio.Event()
    console = Console(stderr=as_json, soft_wrap=True, highlight=False)
    with stop_on_signals(stop):
        async with AsyncExitStack() as stack:
            show = await _unless(stop, _play(stack, samples(events), console, as_json=as_json))
            if keep and show is not None:
                console.print("All is left running; Ctrl-C ends it. In another terminal:")
                for name, value in show.stage.for_commands().items():
                    console.print(f"export {name}={value}")
                await stop.wait()
    if show is None:
        return STOPPED_AT_ONCE
    if not show.complete.is_set():
        raise DemoFailed(f"not everything was final within {DEADLINE:g} s: {show.summary()}")
    return 0


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """What `work` returns; None when somebody had enough before, and `work` was cancelled."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    working.cancel()
    await asyncio.wait({working})
    return None if working.cancelled() else working.result()


async def _play(stack: AsyncExitStack, shown: Samples, console: Console, *, as_json: bool) -> Show:
    """Everything up to the summary; what was started ends with the stack."""
    log = Path(tempfile.mkdtemp(prefix="notifier-demo-")) / "daemon.log"
    on_stage = await stack.enter_async_context(stage(shown, log))
    show = Show(set(event_ids(shown.events)), on_stage, as_json=as_json)
    reader = ResultsReader(
        client_options(kafka_settings(on_stage.bootstrap_servers)), TopicSettings().name("results"), show.told
    )
    reading = asyncio.create_task(reader.read(follow=True))
    stack.push_async_callback(_cancel, reading)
    await on_stage.command("publish", str(shown.events))
    living = asyncio.create_task(on_stage.outlive(log))
    stack.push_async_callback(_cancel, living)
    await _watch(show, {reading, living}, live=not as_json)
    console.print(show.summary())
    _tell_addresses(console, on_stage, log)
    return show


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _watch(show: Show, must_live: set[asyncio.Task[None]], *, live: bool) -> None:
    """Until all is final or the time is over. Raises what ended one of those that must live."""
    complete = asyncio.create_task(show.complete.wait())
    loop = asyncio.get_running_loop()
    until = loop.time() + DEADLINE
    with Live(console=Console(), refresh_per_second=8, transient=False) if live else _Nothing() as picture:
        while not show.complete.is_set() and loop.time() < until:
            await asyncio.wait({complete, *must_live}, timeout=REDRAW_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for task in must_live:
                if task.done():
                    task.result()
            picture.update(show.table())
    complete.cancel()


class _Nothing:
    """In place of the live table where only outcomes are wanted."""

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def update(self, _: Table) -> None:
        return


def _tell_addresses(console: Console, on_stage: Stage, log: Path) -> None:
    console.print(f"metrics {on_stage.metrics_url}   broker {on_stage.bootstrap_servers}")
    console.print(f"Twilio stand-in {on_stage.standin.url}   daemon's log {log}")
    console.print(
        "On a real cluster: export NOTIFIER_KAFKA__BOOTSTRAP_SERVERS=broker:9092; notifier topics create; "
        "notifier config apply FOLDER; notifier run"
    )
