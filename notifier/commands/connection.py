"""`notifier connection check`: ask Twilio now what a tenant's Connection is worth, from this machine."""

from __future__ import annotations

import asyncio
import json
import os
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated

import typer

from notifier.domain.compiling import SHARED_OWNER
from notifier.domain.connection_checks import ConnectionCheck, SenderCheck
from notifier.domain.document_checks import instead
from notifier.domain.documents import Connection, Document, Tenant
from notifier.kafka.config_topic import read_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings
from notifier.twilio.connection_checks import open_checks
from notifier.twilio.credentials import Secrets

app = typer.Typer(help="The tenants' Connections to Twilio.", no_args_is_help=True)

NOT_CONNECTED = ConnectionCheck(state=None, reason="it has no Connection of its own")


class NoTenant(Exception):
    """Nobody of this name is configured; the message says who may have been meant."""


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(
    tenant: Annotated[str, typer.Option(help=f"The tenant, or `{SHARED_OWNER}` for the shared Connection.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a Connection.")] = False,
) -> None:
    """Ask Twilio now: are the credentials taken, is the account active, does it own the senders, can they send SMS.

    Nothing is sent or changed. Secrets are opened on this machine. Exits 1 when the state is not `connected`.

    Where a tenant has no Connection of its own, the one that its `builtinSender` names is checked, too.

    Example: notifier connection check --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    checks = asyncio.run(_check(settings, tenant))
    for owner, (connection, result) in checks.items():
        if as_json:
            typer.echo(json.dumps(_row(owner, connection, result), ensure_ascii=False))
        else:
            _tell(owner, connection, result)
    if checks[tenant][1].state != "connected":
        raise typer.Exit(1)


Checked = dict[str, tuple[Connection | None, ConnectionCheck]]


async def _check(settings: Settings, tenant: str) -> Checked:
    """By owner: the tenant, and after it the one whose Connection it borrows. Raises `NoTenant`."""
    snapshot = await read_config(client_options(settings.kafka), settings.topics.name("config"))
    keys = [b64decode(key.get_secret_value()) for key in settings.secrets.keys]
    secrets = Secrets(os.environ, keys, plain_text_allowed=settings.environment == "development")
    found: Checked = {}
    async with open_checks(secrets, base_url=settings.twilio.base_url, transport=settings.twilio.transport) as checks:
        for owner in _owners(snapshot.documents, tenant):
            connection = snapshot.documents.get(f"Connection/{owner}")
            if isinstance(connection, Connection):
                found[owner] = connection, await checks.check(connection)
            else:
                found[owner] = None, NOT_CONNECTED
    return found


def _owners(documents: Mapping[str, Document], tenant: str) -> list[str]:
    document, connection = documents.get(f"Tenant/{tenant}"), documents.get(f"Connection/{tenant}")
    if document is None and connection is None:
        known = sorted({one.tenant for one in documents.values() if isinstance(one, Tenant | Connection)})
        raise NoTenant(f"there is no tenant {tenant}{instead(tenant, known)}")
    if connection is None and isinstance(document, Tenant) and document.builtin_sender is not None:
        return [tenant, document.builtin_sender.connection]
    return [tenant]


def _row(owner: str, connection: Connection | None, result: ConnectionCheck) -> dict[str, object]:
    return {
        "tenant": owner,
        "state": "not_connected" if connection is None else result.state,
        "reason": result.reason,
        "account": None if connection is None else _account(connection, result),
        "senders": [_sender(sender) for sender in result.senders],
        "unverified": list(result.unverified),
        "trouble": result.trouble,
    }


def _account(connection: Connection, result: ConnectionCheck) -> dict[str, object]:
    seen = result.account
    return {
        "sid": connection.account_sid,
        "status": None if seen is None else seen.status,
        "type": None if seen is None else seen.type,
    }


def _sender(sender: SenderCheck) -> dict[str, object]:
    return {"sender": sender.sender, "owned": sender.owned, "sms": sender.sms, "detail": sender.detail}


def _tell(owner: str, connection: Connection | None, result: ConnectionCheck) -> None:
    typer.echo(f"{owner} {_words(connection, result)}")
    if connection is None:
        return
    if result.account is not None:
        typer.echo(f"  account {connection.account_sid}: {result.account.status}, {result.account.type}")
    for sender in result.senders:
        if sender.usable is not None:
            typer.echo(f"  sender {sender.sender}: {sender.detail}")
    for unverified in result.unverified:
        typer.echo(f"  not verified: {unverified}")
    if result.trouble is not None and result.state is not None:
        typer.echo(f"  not all was answered: {result.trouble}")


def _words(connection: Connection | None, result: ConnectionCheck) -> str:
    if connection is None:
        return f"is not connected: {result.reason}"
    match result.state:
        case None:
            return f"could not be checked: {result.trouble}"
        case "connected":
            return "is connected"
        case state:
            return f"is {state}: {result.reason}"
