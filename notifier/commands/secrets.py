"""`notifier secrets generate-key | seal | reseal`: tokens that can lie in a repository, and the change of their key."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
import typer

from notifier.commands.config import write_changes
from notifier.domain.config_changes import Changes
from notifier.domain.documents import Connection, TenantName
from notifier.kafka.config_topic import ConfigSnapshot, read_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings
from notifier.twilio.resealing import Resealed, Resealing
from notifier.twilio.sealing import KEY_BYTES, NONCE_BYTES, key_id, seal

app = typer.Typer(
    help="Secrets that can lie in a repository: sealed with a key that only the daemon has.", no_args_is_help=True
)


class SecretsError(Exception):
    """What was asked for cannot be done; the message says what to do, and holds no secret."""


@app.command("generate-key")
def generate_key() -> None:
    """Make a sealing key: 32 random bytes in base64 on standard output. Keep it like a password.

    Example: export NOTIFIER_SECRETS__KEYS=$(notifier secrets generate-key)
    """
    key = os.urandom(KEY_BYTES)
    typer.echo(b64encode(key).decode("ascii"))
    typer.echo(
        f"This is key {key_id(key)}. Put it first into NOTIFIER_SECRETS__KEYS: the first key seals, all of them open."
        " Whoever has it opens what it sealed; without it nobody does.",
        err=True,
    )


@app.command("seal")
def seal_secret(
    tenant: Annotated[str, typer.Option(help="Whose Connection it is for, or `platform`.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="The value as JSON.")] = False,
) -> None:
    """Seal a token for one tenant's Connection: plain text on standard input, the YAML value on standard output.

    On a terminal you are asked for it, and nothing of it is shown. The value opens only in Connection/TENANT, as
    `authToken` or as `apiKey.secret`.

    Example: notifier secrets seal --tenant harbour-house < token.txt
    """
    _check_name(tenant)
    key = _keys(load_settings(without_broker=True))[0]
    sealed = seal(_plain_text(), key, f"Connection/{tenant}", os.urandom(NONCE_BYTES))
    typer.echo(json.dumps({"sealed": sealed}) if as_json else f'{{sealed: "{sealed}"}}')


@app.command("reseal")
def reseal_secrets(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be sealed anew, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Seal all that is sealed in the configuration anew, with the first key: in one batch, all or nothing.

    When it is in use (`configOffset` at or above the offset of the last line), the other keys can be removed.

    Example: NOTIFIER_SECRETS__KEYS=$NEW,$OLD notifier secrets reseal
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    resealing = Resealing(_keys(settings), lambda: os.urandom(NONCE_BYTES))
    snapshot = asyncio.run(read_config(client_options(settings.kafka), settings.topics.name("config")))
    connections = {key: one for key, one in sorted(snapshot.documents.items()) if isinstance(one, Connection)}
    resealed = {key: resealing.reseal(connection) for key, connection in connections.items()}
    _refuse_faults(resealed, as_json=as_json)
    changed = {key: one.connection for key, one in resealed.items() if one.changed}
    if dry_run or not changed:
        offset = snapshot.end - 1
    else:
        offset = asyncio.run(
            write_changes(Changes({}, changed, (), len(connections) - len(changed)), snapshot, settings)
        )
    _tell(resealed, snapshot, offset, dry_run=dry_run, as_json=as_json)


def _refuse_faults(resealed: Mapping[str, Resealed], *, as_json: bool) -> None:
    faults = [(key, fault) for key, one in resealed.items() for fault in one.faults]
    for key, fault in faults:
        row = {"fault": fault.why, "document": key, "path": fault.field}
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else fault.reason, err=True)
    if faults:
        raise SecretsError(f"{_values(len(faults))} cannot be opened; nothing was written")


def _tell(
    resealed: Mapping[str, Resealed], snapshot: ConfigSnapshot, offset: int, *, dry_run: bool, as_json: bool
) -> None:
    changed = sum(one.changed for one in resealed.values())
    unchanged = sum(one.unchanged for one in resealed.values())
    if as_json:
        counts = {"resealed": 0, "wouldReseal": changed} if dry_run else {"resealed": changed}
        typer.echo(json.dumps(counts | {"unchanged": unchanged, "offset": offset}))
        return
    for key, one in resealed.items():
        if one.changed:
            before = snapshot.documents[key].version or 0
            typer.echo(f"~ {key} (version {before} to {before + 1})")
    typer.echo(f"{_values(changed)} to seal anew, {unchanged} sealed with the first key already")
    typer.echo("nothing was written: this was a dry run" if dry_run else f"offset {offset}")


def _values(count: int) -> str:
    return f"{count} sealed {'value' if count == 1 else 'values'}"


def _check_name(tenant: str) -> None:
    try:
        msgspec.convert(tenant, TenantName)
    except msgspec.ValidationError:
        raise typer.BadParameter(
            "letters, digits, dots, hyphens and underscores are allowed, 100 at most", param_hint="--tenant"
        ) from None


def _keys(settings: Settings) -> Sequence[bytes]:
    """Never empty; the first seals."""
    keys = [b64decode(key.get_secret_value()) for key in settings.secrets.keys]
    if not keys:
        raise SecretsError("NOTIFIER_SECRETS__KEYS is empty; `notifier secrets generate-key` makes a key")
    return keys


def _plain_text() -> str:
    """One line, without the end of the line."""
    try:
        if sys.stdin.isatty():
            text = getpass.getpass("Secret (not shown): ").strip()
        else:
            text = sys.stdin.buffer.read().decode("utf-8").strip()
    except UnicodeDecodeError:
        raise SecretsError("standard input must be UTF-8 text") from None
    except EOFError:
        text = ""
    if not text:
        raise SecretsError("standard input is empty; the secret is read from there")
    if len(text.splitlines()) > 1:
        raise SecretsError("standard input has several lines; one secret on one line is allowed")
    return text
