"""`notifier consent import`: consents from a file onto the care topic, as events (contract section 5)."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from notifier.app.clock import Clock
from notifier.commands.files import LINES_ENDINGS, Unreadable, find_files
from notifier.commands.progress import counting
from notifier.domain.consent_rows import COLUMNS, Import, RowFault
from notifier.domain.documents import Tenant
from notifier.kafka.batches import Message
from notifier.kafka.config_topic import read_config
from notifier.kafka.connection import client_options
from notifier.kafka.event_producer import publish_messages
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings

CSV_ENDINGS = (".csv",)
FAULTS_SHOWN = 50
_HEADERS = (("content-type", b"application/cloudevents+json"),)

app = typer.Typer(help="Who agreed to be texted.", no_args_is_help=True)


class ConsentRefused(Exception):
    """Nothing was published; the message says why."""


@app.callback()
def _group() -> None:
    """Keeps `import` a command of its own while it is the only one."""


@app.command("import")
def import_consents(
    file: Annotated[
        Path, typer.Argument(help=f"CSV with the columns {','.join(COLUMNS)}, or NDJSON with the same names.")
    ],
    tenant: Annotated[str, typer.Option(help="The care tenant whose patients or customers these are.")],
    as_json: Annotated[bool, typer.Option("--json", help="The last line as JSON.")] = False,
) -> None:
    """Publish consents from a file: every row is checked first, and the same file again changes nothing.

    Exits 1 when a row cannot be used; then none is published.

    Example: notifier consent import --tenant north-clinic consents.csv
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    document = asyncio.run(_tenant(settings, tenant))
    consents = Import(document.default_region, datetime.fromtimestamp(Clock().now(), UTC))
    for line, fields in _read(file, consents):
        consents.read(line, fields)
    _refuse_faults(file, consents.faults)
    topic, key = settings.topics.sources("care")[0], settings.results.hash_key
    secret = key.get_secret_value().encode() if key is not None else b""
    events = [row.event(tenant, secret) for row in consents.rows]
    messages = [Message(topic, tenant.encode(), msgspec.json.encode(event), _HEADERS) for event in events]
    asyncio.run(_publish(settings, messages))
    counts = Counter(row.state for row in consents.rows)
    if as_json:
        row = {"published": len(messages), "given": counts["given"], "withdrawn": counts["withdrawn"]}
        typer.echo(json.dumps(row | {"repeated": consents.repeated, "topic": topic}))
    else:
        twice = f"; {consents.repeated} rows said what another had said" if consents.repeated else ""
        typer.echo(f"published {len(messages)}: {counts['given']} given, {counts['withdrawn']} withdrawn{twice}")


def _read(file: Path, consents: Import) -> Iterator[tuple[int, dict[str, object]]]:
    """The rows with their lines; a line that is none becomes a fault. Raises `Unreadable`."""
    if file.is_dir():
        raise Unreadable(str(file), None, "a file is needed, and this is a folder")
    find_files([file], (*CSV_ENDINGS, *LINES_ENDINGS))
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(str(file), None, "must be UTF-8") from None
    except OSError as error:
        raise Unreadable(str(file), None, f"cannot be read: {error.strerror}") from None
    is_csv = file.suffix.lower() in CSV_ENDINGS
    return _csv_rows(file, text, consents) if is_csv else _json_rows(text, consents)


def _csv_rows(file: Path, text: str, consents: Import) -> Iterator[tuple[int, dict[str, object]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = _names(file, reader.line_num, cells)
            elif len(cells) != len(names):
                message = f"has {len(cells)} columns, and {len(names)} are needed: {','.join(names)}"
                consents.faults.append(RowFault(reader.line_num, "", message))
            else:
                yield reader.line_num, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise Unreadable(str(file), reader.line_num, f"is not CSV: {error}") from None
    if names is None:
        raise Unreadable(str(file), 1, f"the first line must be {','.join(COLUMNS)}")


def _names(file: Path, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    if sorted(names) != sorted(COLUMNS):
        raise Unreadable(str(file), line, f"the first line must be {','.join(COLUMNS)}, in any order, with commas")
    return names


def _json_rows(text: str, consents: Import) -> Iterator[tuple[int, dict[str, object]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, RecursionError):
            consents.faults.append(RowFault(number, "", "must be a JSON object"))


def _refuse_faults(file: Path, faults: list[RowFault]) -> None:
    for fault in faults[:FAULTS_SHOWN]:
        where = f"{file}:{fault.line}: {fault.column}: " if fault.column else f"{file}:{fault.line}: "
        typer.echo(where + fault.message, err=True)
    if len(faults) > FAULTS_SHOWN:
        typer.echo(f"and {len(faults) - FAULTS_SHOWN} more", err=True)
    if faults:
        rows = len({fault.line for fault in faults})
        raise ConsentRefused(f"{rows} row{'s' if rows > 1 else ''} cannot be used; nothing was published")


async def _tenant(settings: Settings, name: str) -> Tenant:
    snapshot = await read_config(client_options(settings.kafka), settings.topics.name("config"))
    for document in snapshot.documents.values():
        if isinstance(document, Tenant) and document.tenant == name:
            if document.platform != "care":
                raise ConsentRefused(f"{name} is a tenant of the platform {document.platform}; consents are for care")
            return document
    raise ConsentRefused(f"there is no tenant {name}; notifier config export shows which there are")


async def _publish(settings: Settings, messages: list[Message]) -> None:
    with counting("publishing", len(messages)) as published:
        await publish_messages(client_options(settings.kafka), messages, published=published)
