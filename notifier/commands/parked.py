"""`notifier parked`: what could not be settled, and waits for a person to decide (contract section 6, In doubt)."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from notifier.app.clock import Clock
from notifier.commands.asking import ask, heard
from notifier.commands.looking import ledger_rows
from notifier.commands.resending import Decision, resend_and_watch
from notifier.commands.times import age, at_second
from notifier.domain.signals import DropParked
from notifier.engine.entities import Notification, decode_entity
from notifier.engine.parking import is_parked
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings

app = typer.Typer(help="Notifications that wait for a person to decide.", no_args_is_help=True)
Ids = Annotated[list[str], typer.Argument(metavar="NOTIFICATION_ID...", help="As `notifier parked list` names them.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Wait = Annotated[float, typer.Option("--wait", min=1.0, help="Seconds until somebody has carried it out.")]


class NotParked(Exception):
    """Nobody can decide on it (any more); the message says which."""


@app.command("list")
def list_parked(
    tenant: Annotated[str | None, typer.Option(help="Only those of this tenant.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what is parked and can still be resent or dropped, oldest first.

    Example: notifier parked list --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    now = Clock().now()
    for n in sorted(asyncio.run(read_parked(settings, tenant, now)), key=lambda n: (n.final_at or 0.0, n.id)):
        typer.echo(json.dumps(as_row(n, now), ensure_ascii=False) if as_json else line(n, now))


@app.command("resend")
def resend(ids: Ids, wait: Wait = 60.0, as_json: AsJson = False) -> None:
    """Look once more whether Twilio has it; if nothing shows it, send it again as a new notification.

    Exits 1 when one was not sent again. Example: notifier parked resend ntf_7f3c2a
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    decided = asyncio.run(_resend(settings, ids, wait))
    for decision in decided:
        typer.echo(json.dumps(decision.as_row(), ensure_ascii=False) if as_json else str(decision))
    if not all(decision.is_on_its_way for decision in decided):
        raise typer.Exit(1)


async def _resend(settings: Settings, ids: list[str], wait: float) -> list[Decision]:
    return await resend_and_watch(settings, await _all_parked(settings, ids), wait)


@app.command("drop")
def drop(ids: Ids, wait: Wait = 30.0, as_json: AsJson = False) -> None:
    """Take it off the list: nobody will send it again.

    Exits 1, and drops none, when one is not parked. Example: notifier parked drop ntf_7f3c2a
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    asyncio.run(_drop(settings, ids, wait))
    for name in ids:
        typer.echo(json.dumps({"dropped": name}) if as_json else f"{name}  dropped")


async def _drop(settings: Settings, ids: list[str], wait: float) -> None:
    parked = await _all_parked(settings, ids)
    stored = await ask(settings, [DropParked(tenant=n.tenant, notification_id=n.id) for n in parked])
    await heard(settings, stored, wait)


async def _all_parked(settings: Settings, ids: list[str]) -> list[Notification]:
    """All of them, or none is touched."""
    found = {n.id: n for n in await read_parked(settings, None, Clock().now())}
    missing = [name for name in ids if name not in found]
    if missing:
        raise NotParked(
            f"not parked, or not any more: {', '.join(missing)}; notifier parked list shows what is; nothing was done"
        )
    return [found[name] for name in dict.fromkeys(ids)]


async def read_parked(settings: Settings, tenant: str | None, now: float) -> list[Notification]:
    """The parked notifications whose request is still kept at `now` (seconds since 1970)."""
    rows = await ledger_rows(settings, tenant, _may_be_parked)
    found = (decode_entity(row.key, row.value) for row in rows)
    return [n for n in found if isinstance(n, Notification) and tenant in (None, n.tenant) and is_parked(n, now)]


def as_row(n: Notification, now: float) -> dict[str, object]:
    """One row for programs; nothing of it names the person but the masked number."""
    return {
        "notificationId": n.id, "tenant": n.tenant, "reason": n.parked_reason, "masked": n.masked,
        "personId": n.person_id, "class": n.class_, "rule": n.rule,
        "event": {"id": n.event.id, "source": n.event.source, "type": n.event.type}, "attempt": n.attempt,
        "parkedAt": None if n.final_at is None else at_second(n.final_at),
        "ageSeconds": None if n.final_at is None else int(now - n.final_at),
        "until": None if n.parked_until is None else at_second(n.parked_until),
    }  # fmt: skip


def line(n: Notification, now: float) -> str:
    """One for people, in columns."""
    columns = (
        (n.id, 36),
        (n.tenant, 15),
        (n.parked_reason or "", 18),
        (n.masked or "", 13),
        (n.rule, 19),
        (f"{age(now - (n.final_at or now))} ago", 11),
        (f"{age((n.parked_until or now) - now)} left", 12),
    )
    return "  ".join([*(text.ljust(width) for text, width in columns), f"{n.event.type} {n.event.id}"])


def _may_be_parked(key: str, value: bytes) -> bool:
    return key.startswith("n/") and b'"status":"parked"' in value
