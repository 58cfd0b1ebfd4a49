"""`notifier opt-outs`: who said STOP, or whom Twilio refuses because they did."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from notifier.commands.looking import ledger_rows
from notifier.commands.times import at_second
from notifier.domain.phone_numbers import mask
from notifier.engine.entities import OptOut, decode_entity
from notifier.engine.table import opt_out_parts
from notifier.logs import configure_logs
from notifier.settings_source import load_settings

app = typer.Typer(help="Persons who must not be texted.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `list` a command of its own while it is the only one."""


@app.command("list")
def list_opt_outs(
    tenant: Annotated[str | None, typer.Option(help="Only those of this tenant.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Whole numbers, where they are stored whole.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show opt-outs by tenant and time: the number (masked), the sender, since when, and how it is known.

    Example: notifier opt-outs list --tenant harbour-house
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    rows = asyncio.run(ledger_rows(settings, tenant, lambda key, _: key.startswith("o/")))
    found = []
    for row in rows:
        owner, sender, number = opt_out_parts(row.key)
        entity = decode_entity(row.key, row.value)
        if isinstance(entity, OptOut) and tenant in (None, owner):
            found.append((owner, entity.at, shown(number, reveal=reveal), sender, entity.source))
    for owner, at, number, sender, source in sorted(found):
        if as_json:
            row_ = {
                "tenant": owner, "number": number, "sender": sender or None, "since": at_second(at), "source": source,
            }  # fmt: skip
            typer.echo(json.dumps(row_, ensure_ascii=False))
        else:
            typer.echo(f"{owner:15}  {number:16}  {sender or 'any sender':16}  {at_second(at):20}  {source}")


def shown(number: str, *, reveal: bool) -> str:
    """A number that is kept as a keyed hash only is shown as that."""
    return number if reveal or not number.startswith("+") else mask(number)
