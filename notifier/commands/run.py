"""`notifier run`: the daemon."""

from __future__ import annotations

import asyncio
import gc
import sys
from enum import StrEnum
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry

from notifier.app.composition import Daemon, Roles
from notifier.app.lifecycle import stop_on_signals
from notifier.logs import configure_logs
from notifier.metrics import Metrics
from notifier.settings import Settings
from notifier.settings_source import load_settings, printed

_SWITCH_THREADS_AFTER = 0.000_05  # seconds
_COLLECT_AFTER = (50_000, 20, 20)  # more objects than were freed, and how many times that for the older ones


class Role(StrEnum):
    ingest = "ingest"
    engine = "engine"
    webhooks = "webhooks"


def run(
    role: Annotated[
        list[Role] | None, typer.Option("--role", help="Run only this role; may be repeated. Without it: all roles.")
    ] = None,
    print_settings: Annotated[
        bool, typer.Option("--print-settings", help="Show the effective settings, secrets masked, and exit.")
    ] = False,
) -> None:
    """Run the daemon until SIGTERM.

    Settings come from NOTIFIER_* variables and a .env file; `docs/reference/settings.md` lists them.
    Exits 0 when it was stopped, 1 when settings or topics do not fit.

    Examples: NOTIFIER_KAFKA__BOOTSTRAP_SERVERS=localhost:9092 notifier run; notifier run --role ingest --role webhooks
    """
    settings = load_settings()
    if print_settings:
        typer.echo(printed(settings))
        return
    configure_logs(settings.log.format, settings.log.level)
    wanted = set(role or Role)
    roles = Roles(ingest=Role.ingest in wanted, engine=Role.engine in wanted, webhooks=Role.webhooks in wanted)
    metrics = Metrics(CollectorRegistry(), version("notifier"), tenant_label=settings.metrics.tenant_label)
    _with_fast_loop(settings, roles, metrics)


def _with_fast_loop(settings: Settings, roles: Roles, metrics: Metrics) -> None:
    """uvloop where there is one; it is optional at run time."""
    factory = None
    if find_spec("uvloop") is not None:
        factory = import_module("uvloop").new_event_loop
    _calm_collector()
    # The transport's own thread hands every answer over under the interpreter's lock: with the usual 5 ms for a turn,
    # a busy event loop let answers wait for a second.
    sys.setswitchinterval(_SWITCH_THREADS_AFTER)
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_run(settings, roles, metrics))


def _calm_collector() -> None:
    """A backlog is millions of living objects and hardly a cycle: looking through them took a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def _run(settings: Settings, roles: Roles, metrics: Metrics) -> None:
    stop = asyncio.Event()
    with stop_on_signals(stop):
        await Daemon(settings, roles, metrics).run(stop)
