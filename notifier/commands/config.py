"""`notifier config validate | apply | export`: configuration documents, from files to the topic and back."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from notifier.app.clock import Clock
from notifier.commands.documents import as_yaml, read_documents, tell
from notifier.domain.config_changes import Changes, changes_between, remaining
from notifier.domain.config_records import encode_document
from notifier.domain.documents import Connection, Document, OperatorDocument, document_key
from notifier.domain.validation import Fault, Validation, Written, validate
from notifier.kafka.config_topic import ConfigSnapshot, read_config, write_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings
from notifier.twilio.credentials import Secrets

app = typer.Typer(help="Configuration documents: checked, applied, shown.", no_args_is_help=True)

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH…", help="YAML or JSON files, or folders of them.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command("validate")
def validate_documents(
    paths: Paths,
    resolve: Annotated[bool, typer.Option("--resolve", help="Open env, file and sealed references here, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check documents without a broker: every fault with its place and what is allowed.

    Warnings and faults are what it prints; exits 1 when there is a fault.

    Examples: notifier config validate deploy/samples/tenants; notifier config validate --resolve harbour-house.yaml
    """
    settings = load_settings(without_broker=True)
    written, faults = read_documents(paths)
    validation = validate(written, development=settings.environment == "development")
    faults += validation.faults
    if resolve:
        faults += _unresolved(validation.documents, written, settings)
    tell(validation.warnings, "warning", as_json=as_json, to_stderr=False)
    tell(faults, "fault", as_json=as_json, to_stderr=False)
    _refuse_faults(faults)
    if not as_json:
        typer.echo(f"{len(validation.documents)} documents are without fault")


@app.command("apply")
def apply_documents(
    paths: Paths,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, write nothing.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what PATH lacks of the tenants that it names.")
    ] = False,
    prune_tenants: Annotated[
        bool, typer.Option("--prune-tenants", help="Also remove tenants of whom PATH holds nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before tenants are removed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Validate all, show what changes, and write it in one batch: all or nothing.

    The last line is `offset N`: a daemon whose /status shows a configOffset of at least N uses it. Exits 1 when it was
    refused, and then nothing is written.

    Examples: notifier config apply deploy/samples/tenants; notifier config apply --dry-run --prune tenants
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    written, unreadable = read_documents(paths)
    snapshot = asyncio.run(read_config(client_options(settings.kafka), settings.topics.name("config")))
    validation, changes = _planned(written, snapshot, settings, prune=prune or prune_tenants, others=prune_tenants)
    faults = [*unreadable, *validation.faults]
    tell(validation.warnings, "warning", as_json=as_json, to_stderr=True)
    tell(faults, "fault", as_json=as_json, to_stderr=True)
    _refuse_faults(faults)
    if not as_json:
        _show(changes, snapshot)
    if changes.removed_tenants and not (yes or dry_run) and sys.stdin.isatty():
        typer.confirm(f"Remove {', '.join(changes.removed_tenants)} and cancel all that waits?", abort=True, err=True)
    offset = snapshot.end - 1 if dry_run or not changes else asyncio.run(write_changes(changes, snapshot, settings))
    if as_json:
        row = {"applied": 0, "wouldApply": len(changes)} if dry_run else {"applied": len(changes)}
        typer.echo(json.dumps(row | {"offset": offset}))
    else:
        typer.echo("nothing was written: this was a dry run" if dry_run else f"offset {offset}")


@app.command("export")
def export_documents(
    tenant: Annotated[str | None, typer.Option(help="Only the documents of this tenant, or of `platform`.")] = None,
    schema: Annotated[
        str, typer.Option(help="Where an editor finds the schema, from the file's folder or as an address.")
    ] = "schemas/configuration.schema.json",
    as_json: AsJson = False,
) -> None:
    """Show what is in force, as the same YAML that `apply` takes; secrets stay as they are stored.

    The first line tells editors the schema, which `notifier schemas export schemas` writes.

    Example: notifier config export --tenant harbour-house > harbour-house.yaml
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    snapshot = asyncio.run(read_config(client_options(settings.kafka), settings.topics.name("config")))
    shown = [
        document
        for document in snapshot.documents.values()
        if not isinstance(document, OperatorDocument) and tenant in (None, document.tenant)
    ]
    shown.sort(key=_export_order)
    if tenant is not None and not shown:
        raise LookupError(f"nothing is in force for {tenant}")
    if as_json:
        for document in shown:
            typer.echo(encode_document(document).decode())
    elif shown:
        typer.echo(f"# yaml-language-server: $schema={schema}\n" + "---\n".join(map(as_yaml, shown)), nl=False)


def _export_order(document: Document) -> tuple[str, int, str]:
    kinds = ("Tenant", "Connection", "Template", "Workflow")
    return document.tenant, kinds.index(type(document).__name__), document_key(document)


def _planned(
    written: Sequence[Written], snapshot: ConfigSnapshot, settings: Settings, *, prune: bool, others: bool
) -> tuple[Validation, Changes]:
    """What the files mean together with what stays in force beside them."""
    development = settings.environment == "development"
    alone = validate(written, development=development).documents
    changes = changes_between(snapshot.documents, alone, prune=prune, prune_tenants=others)
    staying = remaining(snapshot.documents, changes.removed)
    return validate(written, development=development, in_force=staying), changes


def _unresolved(documents: Sequence[Document], written: Sequence[Written], settings: Settings) -> Iterator[Fault]:
    """Every secret that cannot be opened on this machine."""
    keys = [b64decode(key.get_secret_value()) for key in settings.secrets.keys]
    secrets = Secrets(os.environ, keys, plain_text_allowed=True)  # whether it is was validated before
    connections = {document.tenant: document for document in documents if isinstance(document, Connection)}
    for one in written:
        value = one.value
        if isinstance(value, dict) and value.get("kind") == "Connection" and value.get("tenant") in connections:
            for unavailable in secrets.unavailable(connections.pop(value["tenant"])):
                line = one.line(tuple(unavailable.field.split(".")))
                yield Fault(one.file, line, unavailable.field, unavailable.why)


async def write_changes(changes: Changes, snapshot: ConfigSnapshot, settings: Settings) -> int:
    """All in one batch onto what was read as `snapshot`; the offset of the last. Raises as `write_config` does."""
    now = datetime.fromtimestamp(Clock().now(), UTC)
    records = list(changes.records(snapshot.documents, now, who(settings)))
    topic = settings.topics.name("config")
    return await write_config(client_options(settings.kafka), topic, records, expected_end=snapshot.end)


def who(settings: Settings) -> str:
    """Whom `updatedBy` of a stored document names."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user needs no name
        user = str(os.getuid())
    return f"{user}@{settings.instance_id}"


def _show(changes: Changes, snapshot: ConfigSnapshot) -> None:
    for key in changes.added:
        typer.echo(f"+ {key}")
    for key in changes.changed:
        before = snapshot.documents[key].version or 0
        typer.echo(f"~ {key} (version {before} to {before + 1})")
    for key in changes.removed:
        typer.echo(f"- {key}")
    typer.echo(f"{len(changes)} to write, {changes.unchanged} unchanged")


def _refuse_faults(faults: Sequence[Fault]) -> None:
    if faults:
        typer.echo(f"notifier: {len(faults)} {'faults' if len(faults) > 1 else 'fault'}", err=True)
        raise typer.Exit(1)
