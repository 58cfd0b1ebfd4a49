"""`notifier forget`: erase what is stored of a number, but for its refusals, which stay as a keyed hash."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Annotated

import typer

from notifier.commands.asking import ask, heard
from notifier.commands.looking import ledger_rows
from notifier.domain.document_checks import instead
from notifier.domain.documents import Tenant
from notifier.domain.phone_numbers import mask, normalise
from notifier.domain.signals import Forget
from notifier.engine.table import forgetting_key
from notifier.kafka.config_topic import read_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings

_LEFT = (
    "left until their retention is over: the event itself in its source topic, notifier.inbox and notifier.signals"
    " (7 days), dead letters (30 days); older states in the ledger until its compaction (2 hours)"
)
_NO_KEY = (
    "warning: NOTIFIER_RESULTS__HASH_KEY is empty: a refusal of this number (STOP, withdrawn consent) cannot be kept as"
    " a hash and stays as it is, since nobody who said STOP is ever texted"
)


def forget(
    phone: Annotated[str, typer.Option("--phone", metavar="NUMBER", help="Best with its country code.")],
    tenant: Annotated[str | None, typer.Option("--tenant", help="Only this tenant; without it, all of them.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    wait: Annotated[float, typer.Option("--wait", min=0.0, help="Seconds until it is done; 0: do not wait.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a tenant.")] = False,
) -> None:
    """Erase what is stored of a phone number: texts that wait, contacts in keys, consents, parked requests.

    That the person wants no texts is kept, as a keyed hash. It cannot be undone.
    Example: notifier forget --phone +12025550143 --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    wishes = asyncio.run(_wishes(settings, phone, tenant))
    if not settings.results.hash_key:
        typer.echo(_NO_KEY, err=True)
    if not yes and sys.stdin.isatty():
        owners = tenant or f"all {len(wishes)} tenants"
        typer.confirm(f"Erase what is stored of {mask(wishes[0].phone)} for {owners}?", abort=True, err=True)
    asyncio.run(_forget(settings, wishes, wait))
    for wish in wishes:
        row = {"forgotten": mask(wish.phone), "tenant": wish.tenant}
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else f"{row['forgotten']} forgotten: {wish.tenant}")
    if not as_json:
        typer.echo(_LEFT)


async def _wishes(settings: Settings, phone: str, tenant: str | None) -> list[Forget]:
    """For every tenant that is configured, and those that were and have left something in the ledger."""
    snapshot = await read_config(client_options(settings.kafka), settings.topics.name("config"))
    tenants = {found.tenant: found for found in snapshot.documents.values() if isinstance(found, Tenant)}
    region = tenants[tenant].default_region if tenant in tenants else None
    number = normalise(phone, region)
    if number is None:
        raise ValueError("--phone: is no phone number; with country code, such as +12025550143, it always is one")
    chosen = {tenant} if tenant in tenants else tenants.keys() | await _left_in_the_ledger(settings)
    if tenant is not None and tenant not in chosen:
        raise LookupError(f"--tenant: there is no tenant {tenant}{instead(tenant, sorted(tenants))}")
    if not chosen:
        raise LookupError("there are no tenants")
    return [Forget(tenant=name, phone=number) for name in ([tenant] if tenant is not None else sorted(chosen))]


async def _left_in_the_ledger(settings: Settings) -> set[str]:
    rows = await ledger_rows(settings, None, lambda key, _: key.startswith(("k/", "c/", "o/")))
    return {row.key.split("/", 2)[1] for row in rows}


async def _forget(settings: Settings, wishes: list[Forget], wait: float) -> None:
    stored = await ask(settings, wishes)
    if wait:
        keys = [forgetting_key(wish.tenant, wish.phone) for wish in wishes]
        await heard(settings, stored, wait, undone=keys)
