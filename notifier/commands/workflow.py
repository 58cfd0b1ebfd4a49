"""`notifier workflow test`: a dry run of a workflow, and, when asked for, one test text to a number of the house."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.in_force import (
    AsJson,
    ConfigOption,
    NotThere,
    TenantOption,
    read_configuration,
    settings_for,
)
from notifier.commands.samples import NoSample, sample_event
from notifier.commands.trial_files import TrialEvent, read_trial_event, trial_event
from notifier.commands.trial_texts import TrialText, TrialTextNotSent, recipient, send_trial_text
from notifier.commands.workflow_report import report_lines, report_row
from notifier.domain.catalog import TenantConfig
from notifier.domain.workflow_rules import Refused, matching
from notifier.domain.workflow_trials import Trial, try_workflow
from notifier.domain.workflow_verdicts import checks
from notifier.settings import Settings

app = typer.Typer(help="Workflows of a clinic: tried before they go live.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `test` a command of its own while it is the only one."""


@app.command("test")
def dry_run(
    tenant: TenantOption,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="The workflow's name.", show_default=False)],
    event: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A CloudEvent, or its payload alone, YAML or JSON. Without it: the sample of the trigger's event.",
        ),
    ] = None,
    send_to: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Send the text to this number, once, marked TEST; to nobody else."),
    ] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what a workflow would do with an event, and answer the five questions that come before going live.

    It sends; the sender is an approved number; the recipient is mapped right; the text is as meant; it fires only where
    meant. Exits 1 when one of them is answered with no. Sends nothing unless --send-to asks for it.

    Examples: notifier workflow test --tenant north-clinic --name shipped-sms;
    notifier workflow test --tenant north-clinic --name shipped-sms --event order.json --send-to +12025550143
    """
    settings = settings_for(config)
    configuration = read_configuration(settings, config)
    clinic, workflow = configuration.tenant(tenant), configuration.workflow(tenant, name)
    tried = _event(event, workflow.trigger.type, tenant, settings)
    trial = try_workflow(workflow, clinic, tried.type, tried.data)
    others = [each.name for each in matching(clinic, tried.type, tried.data) if each.name != name]
    sent, not_sent = _sent(trial, clinic, send_to, settings)
    if as_json:
        typer.echo(json.dumps(report_row(trial, tried, others, sent), ensure_ascii=False))
    else:
        typer.echo("\n".join(report_lines(trial, tried, others, sent)))
    if not_sent is not None:
        raise not_sent
    failed = [check.question for check in checks(trial, others) if not check.passed]
    if failed:
        typer.echo(f"notifier: {len(failed)} of 5 checks: no ({'; '.join(failed)})", err=True)
        raise typer.Exit(1)


def _event(path: Path | None, trigger_type: str, tenant: str, settings: Settings) -> TrialEvent:
    max_bytes = settings.ingest.max_event_bytes
    if path is not None:
        found = read_trial_event(path, trigger_type, max_bytes)
        if found.tenant not in (None, tenant):
            raise NotThere(f"{path} is an event of {found.tenant}, which starts no workflow of {tenant}")
        return found
    try:
        sample = sample_event(trigger_type)
    except NoSample:
        raise NotThere(f"no sample for {trigger_type}: give one with --event FILE") from None
    return trial_event(f"the sample of {trigger_type}", sample, trigger_type, max_bytes)


def _sent(
    trial: Trial, clinic: TenantConfig, number: str | None, settings: Settings
) -> tuple[TrialText | None, TrialTextNotSent | None]:
    """What became of the test text; the report is told before a failure is."""
    try:
        return (None if number is None else _send(trial, clinic, number, settings)), None
    except TrialTextNotSent as failure:
        return None, failure


def _send(trial: Trial, clinic: TenantConfig, number: str, settings: Settings) -> TrialText:
    """The first text of the trial to `number`. Raises `TrialTextNotSent`."""
    to = recipient(number, clinic, settings)
    if not trial.texts:
        raise TrialTextNotSent(f"{trial.workflow.name} has no step that sends: nothing was sent")
    text = trial.texts[0]
    if isinstance(text.sending, Refused):
        raise TrialTextNotSent(f"{text.sending.detail}: nothing was sent")
    if not text.preview.text.strip():
        raise TrialTextNotSent("message comes to an empty text: nothing was sent")
    return send_trial_text(settings, clinic, text.sending, to, text.preview.text)
