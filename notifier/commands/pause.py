"""`notifier pause|resume`: the emergency stop of sending, as a document in `notifier.config`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from notifier.app.clock import Clock
from notifier.commands.config import who
from notifier.domain.compiling import SHARED_OWNER
from notifier.domain.config_records import stamped
from notifier.domain.document_checks import instead
from notifier.domain.documents import Document, Pause, Tenant, document_key
from notifier.kafka.config_topic import read_config, write_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings

ForTenant = Annotated[str | None, typer.Option("--tenant", help="Only this tenant; without it, all of them.")]
AsJson = Annotated[bool, typer.Option("--json", help="The last line as JSON.")]


class NothingToDo(Exception):
    """It is paused already, or it is not; the message says which."""


def pause(tenant: ForTenant = None, as_json: AsJson = False) -> None:
    """Stop sending at once, for all or for one tenant: what is due is held until `notifier resume`.

    What Twilio already has is followed to its end. Exits 1 when it is paused already.

    Example: notifier pause --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    offset = asyncio.run(_pause(settings, _owner(tenant)))
    _tell("paused", tenant, offset, as_json=as_json)


def resume(tenant: ForTenant = None, as_json: AsJson = False) -> None:
    """Send again what `notifier pause` held, oldest first; what is past its use by now is skipped as expired.

    Exits 1 when it is not paused. Example: notifier resume --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    offset = asyncio.run(_resume(settings, _owner(tenant)))
    _tell("resumed", tenant, offset, as_json=as_json)


def _owner(tenant: str | None) -> str:
    """An empty name is a slip, such as an unset variable, and must not stop everybody."""
    if tenant in ("", SHARED_OWNER):
        raise LookupError("--tenant: needs the name of a tenant; without --tenant it is for all of them")
    return SHARED_OWNER if tenant is None else tenant


def _tell(done: str, tenant: str | None, offset: int, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({done: tenant, "offset": offset}))
    else:
        typer.echo(f"{done} {tenant or 'all tenants'}\noffset {offset}")


async def _pause(settings: Settings, name: str) -> int:
    options, topic = client_options(settings.kafka), settings.topics.name("config")
    snapshot = await read_config(options, topic)
    tenants = sorted(found.tenant for found in snapshot.documents.values() if isinstance(found, Tenant))
    if name != SHARED_OWNER and name not in tenants:
        raise LookupError(f"--tenant: there is no tenant {name}{instead(name, tenants)}")
    document = Pause(tenant=name)
    if document_key(document) in snapshot.documents:
        raise NothingToDo(f"{_called(name)} paused already")
    at = datetime.fromtimestamp(Clock().now(), UTC)
    change = document_key(document), stamped(document, None, at, who(settings))
    return await write_config(options, topic, [change], expected_end=snapshot.end)


async def _resume(settings: Settings, name: str) -> int:
    options, topic = client_options(settings.kafka), settings.topics.name("config")
    snapshot = await read_config(options, topic)
    key = document_key(Pause(tenant=name))
    if key not in snapshot.documents:
        paused = _paused(snapshot.documents.values())
        raise NothingToDo(f"{_called(name)} not paused; paused: {', '.join(paused) or 'nothing'}")
    return await write_config(options, topic, [(key, None)], expected_end=snapshot.end)


def _paused(documents: Iterable[Document]) -> list[str]:
    names = (document.tenant for document in documents if isinstance(document, Pause))
    return sorted("all tenants (resume without --tenant)" if name == SHARED_OWNER else name for name in names)


def _called(name: str) -> str:
    return "all tenants together are" if name == SHARED_OWNER else f"{name} is"
