"""`notifier ingest resume TOPIC:PARTITION`: end the halt of a source partition (`INGEST__HALT_AFTER`, lost records)."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from notifier.domain.documents import Halt
from notifier.kafka.config_topic import read_config, write_config
from notifier.kafka.connection import client_options
from notifier.kafka.halts import halt_key
from notifier.settings import Settings
from notifier.settings_source import load_settings

app = typer.Typer(help="Reading of the source topics.", no_args_is_help=True)


class NotHalted(Exception):
    """There is nothing to resume; the message says what is halted."""


@app.callback()
def _group() -> None:
    """Keeps `resume` a command of its own while it is the only one."""


@app.command()
def resume(
    partition: Annotated[str, typer.Argument(metavar="TOPIC:PARTITION", help="As the alert and /status name it.")],
    as_json: Annotated[bool, typer.Option("--json", help="The last line as JSON.")] = False,
) -> None:
    """Read a halted source partition on: behind what is in the dead letters, or behind what retention deleted.

    Exits 1 when it is not halted. Example: notifier ingest resume pms.events:0
    """
    offset = asyncio.run(_resume(load_settings(), partition))
    typer.echo(json.dumps({"resumed": partition, "offset": offset}) if as_json else f"offset {offset}")


async def _resume(settings: Settings, name: str) -> int:
    options, topic = client_options(settings.kafka), settings.topics.name("config")
    snapshot = await read_config(options, topic)
    halted = sorted(document.name for document in snapshot.documents.values() if isinstance(document, Halt))
    if name not in halted:
        raise NotHalted(f"{name} is not halted; halted: {', '.join(halted) or 'nothing'}")
    return await write_config(options, topic, [(halt_key(name), None)], expected_end=snapshot.end)
