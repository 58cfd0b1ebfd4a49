"""`notifier schemas export DIR`: the JSON Schemas and the AsyncAPI document of what goes in and comes out."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, get_args

import typer

from notifier.domain.schemas import asyncapi, configuration, dead_letters, events, outcomes
from notifier.domain.schemas.shaping import Schema
from notifier.kafka.topics import planned
from notifier.settings import TopicRole, TopicSettings

app = typer.Typer(
    help="JSON Schemas of events, configuration and outcomes, and an AsyncAPI document.", no_args_is_help=True
)


class SchemasNotWritten(Exception):
    """The folder cannot be used; the message says why."""


@app.command("export")
def export_schemas(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made when it is not there.", show_default=False)],
) -> None:
    """Write all schemas into a folder; what stands there under the same names is replaced, the rest stays.

    Example: notifier schemas export schemas
    """
    files = schema_files()
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise SchemasNotWritten(f"DIR: {error.filename} cannot be written: {error.strerror}") from None
    typer.echo(f"{len(files)} files in {folder}")


def schema_files() -> dict[str, str]:
    """Every file by its path below the folder; the same code gives the same bytes."""
    found: dict[str, Schema] = {}
    for part in (configuration, events, outcomes, dead_letters):
        found |= {f"{name}.schema.json": schema for name, schema in part.schemas().items()}
    found["asyncapi.json"] = asyncapi.document(version("notifier"), _topics())
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in sorted(found.items())}


def _topics() -> dict[str, asyncapi.TopicFacts]:
    """As `topics create` makes them by default; the sources are their producers'."""
    settings = TopicSettings()
    by_name = {topic.name: topic for topic in planned(settings)}
    found: dict[str, asyncapi.TopicFacts] = {}
    for role in get_args(TopicRole):
        topic = by_name[settings.name(role)]
        values = {name: setting.value for name, setting in topic.settings.items()}
        found[role] = asyncapi.TopicFacts(topic.name, topic.partitions, values)
    for role, names in (("pms_events", settings.sources("pms")), ("care_events", settings.sources("care"))):
        found[role] = asyncapi.TopicFacts(names[0], 0, {})
    return found
