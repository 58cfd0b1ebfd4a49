"""`notifier template render | variables | reset`: the texts of keys, as the staff who write them need them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.files import Unreadable
from notifier.commands.in_force import (
    AsJson,
    ConfigOption,
    Configuration,
    NotThere,
    TenantOption,
    read_configuration,
    settings_for,
)
from notifier.commands.template_preview import Rendering, render
from notifier.commands.trial_files import read_draft, read_values
from notifier.commands.trial_texts import TrialTextNotSent, connection_of, recipient, send_trial_text
from notifier.commands.variable_lists import key_variables, payload_variables
from notifier.commands.watching import watch_files
from notifier.domain.catalog import BUILTIN_TEMPLATES, TenantConfig
from notifier.domain.document_checks import instead
from notifier.domain.documents import Template
from notifier.kafka.config_topic import read_config, write_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings_source import load_settings

app = typer.Typer(help="The texts of keys: tried out, explained, set back.", no_args_is_help=True)

NameOption = Annotated[
    str,
    typer.Option(
        "--name",
        help="key_is_ready or doorcode_is_changed.",
        metavar="NAME",
        show_default=False,
        autocompletion=lambda: list(BUILTIN_TEMPLATES),
    ),
]


class NothingToReset(Exception):
    """The built-in text is in force already."""


@app.command("render")
def render_template(
    tenant: TenantOption,
    name: NameOption,
    draft: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A text that is being written, instead of the one in force: the text itself, or, when the file ends"
            " in .yaml, .yml or .json, the Template document in it.",
        ),
    ] = None,
    watch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="As --draft, and shown anew whenever FILE is saved, until Ctrl-C."),
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Values of the variables, YAML or JSON; what it leaves out is empty. Without it: samples.",
        ),
    ] = None,
    send_to: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Send what is shown to this number, once, marked TEST.")
    ] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a text as guests would read it: its segments and what they cost, what makes it dear, what looks wrong.

    Examples: notifier template render --tenant harbour-house --name key_is_ready;
    notifier template render --tenant harbour-house --name key_is_ready --watch draft.txt;
    notifier template render --tenant harbour-house --name key_is_ready --draft draft.txt --send-to +12025550143
    """
    if watch is not None and (draft is not None or send_to is not None):
        raise typer.BadParameter("goes neither with --draft nor with --send-to", param_hint="--watch")
    settings = settings_for(config)
    hotel = _hotel(read_configuration(settings, config), tenant, name)

    def rendering() -> Rendering:
        written = watch or draft
        given = None if values is None else read_values(values)
        return render(hotel, name, None if written is None else read_draft(written, tenant, name), given)

    if watch is not None:
        rendering()  # what is wrong from the start, a file that is not there, is wrong usage and no draft
        watch_files([path for path in (watch, values) if path is not None], lambda: _told(rendering, as_json=as_json))
        return
    shown = rendering()
    if send_to is None:
        typer.echo(json.dumps(shown.row(), ensure_ascii=False) if as_json else "\n".join(shown.lines()))
        return
    if draft is not None and hotel.connection is None:
        raise TrialTextNotSent(f"{tenant} has no Connection of its own: a draft is never sent for it; nothing was sent")
    to = recipient(send_to, hotel, settings)
    sending = connection_of(hotel)
    if not as_json:
        typer.echo("\n".join(shown.lines()))
    sent = send_trial_text(settings, hotel, sending, to, shown.preview.text)
    typer.echo(json.dumps(shown.row() | {"sent": sent.row()}, ensure_ascii=False) if as_json else str(sent))


@app.command("variables")
def show_variables(
    tenant: TenantOption,
    name: Annotated[
        str,
        typer.Option("--name", help="A key template, or a workflow of a clinic.", metavar="NAME", show_default=False),
    ],
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what may stand in a text, with meaning and sample: of a key template, or of a workflow's message.

    Examples: notifier template variables --tenant harbour-house --name key_is_ready;
    notifier template variables --tenant north-clinic --name shipped-sms
    """
    configuration = read_configuration(settings_for(config), config)
    found = configuration.tenant(tenant)
    if found.document.platform == "care":
        listed = payload_variables(configuration.workflow(tenant, name).trigger.type)
    else:
        _check_name(name)
        listed = key_variables(found)
    for line in map(_as_json, listed.rows) if as_json else listed.lines:
        typer.echo(line)


@app.command("reset")
def reset_template(tenant: TenantOption, name: NameOption, as_json: AsJson = False) -> None:
    """Delete the tenant's own text, so that the built-in one is in force again.

    The text that is deleted is shown, so that it can be put back. The last line is `offset N`, as of `config apply`:
    a daemon whose /status shows a configOffset of at least N uses it.

    Exits 1 when the built-in text is in force already.

    Example: notifier template reset --tenant harbour-house --name key_is_ready
    """
    settings = load_settings()
    configure_logs(settings.log.format, "error")
    _check_name(name)
    options, topic = client_options(settings.kafka), settings.topics.name("config")
    snapshot = asyncio.run(read_config(options, topic))
    key = f"Template/{tenant}/{name}"
    document = snapshot.documents.get(key)
    if f"Tenant/{tenant}" not in snapshot.documents:
        raise NotThere(f"there is no tenant {tenant}")
    if not isinstance(document, Template):
        raise NothingToReset(f"nothing to reset: {tenant} uses the built-in {name} already")
    offset = asyncio.run(write_config(options, topic, [(key, None)], expected_end=snapshot.end))
    if as_json:
        typer.echo(_as_json({"reset": key, "version": document.version, "body": document.body, "offset": offset}))
        return
    typer.echo(f"- {key} (version {document.version}): {document.body}")
    typer.echo(f"offset {offset}")


def _hotel(configuration: Configuration, tenant: str, name: str) -> TenantConfig:
    """The tenant, when it has key templates. Raises `NotThere`."""
    found = configuration.tenant(tenant)
    if found.document.platform == "care":
        workflows = ", ".join(configuration.workflows(tenant)) or "none"
        raise NotThere(
            f"{tenant} is of platform care: its texts stand in its workflows ({workflows});"
            " try one out with notifier workflow test"
        )
    _check_name(name)
    return found


def _check_name(name: str) -> None:
    if name not in BUILTIN_TEMPLATES:
        known = list(BUILTIN_TEMPLATES)
        raise NotThere(f"there is no template {name}; templates: {', '.join(known)}{instead(name, known)}")


def _told(rendering: Callable[[], Rendering], *, as_json: bool) -> Iterator[str]:
    try:
        shown = rendering()
    except Unreadable as unreadable:
        fault = unreadable.fault
        row = {"fault": fault.message, "file": fault.file, "line": fault.line}
        yield _as_json(row) if as_json else f"not usable yet: {fault}"
        return
    if as_json:
        yield _as_json(shown.row())
    else:
        yield from shown.lines()


def _as_json(row: Mapping[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False)
