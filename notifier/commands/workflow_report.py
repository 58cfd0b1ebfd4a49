"""The report of `workflow test`, for people and as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from notifier.commands.template_preview import forcing_rows, text_lines
from notifier.commands.trial_files import TrialEvent
from notifier.commands.trial_texts import TrialText
from notifier.domain.documents import AdapterStep, ConditionStep, CrmActionStep, DelayStep
from notifier.domain.filter_reports import Condition
from notifier.domain.payload_paths import is_sensitive
from notifier.domain.workflow_rules import Refused
from notifier.domain.workflow_trials import StepTrial, TextTrial, Trial
from notifier.domain.workflow_verdicts import checks, told, warnings

_LONGEST_VALUE = 60


def report_lines(trial: Trial, event: TrialEvent, others: Sequence[str], sent: TrialText | None) -> Iterator[str]:
    """What is read on a terminal."""
    workflow = trial.workflow
    stage = f"version {workflow.version}" if workflow.version else "as written in --config"
    yield f"{workflow.tenant} {workflow.name} ({stage}) with {event.origin}"
    yield ""
    yield f"trigger {workflow.trigger.type}: {'starts' if trial.fits else 'does not start'} with this event"
    if trial.event_type != workflow.trigger.type:
        yield f"  no   type is {trial.event_type}"
    yield from map(_condition_line, trial.conditions)
    for step in trial.steps:
        yield from _step_lines(step)
    yield f"the run ends {trial.ending}"
    yield ""
    for check in checks(trial, others):
        yield f"[{'yes' if check.passed else 'no '}] {check.question}: {check.words}"
    yield from (f"warning: {warning}" for warning in warnings(trial, others))
    if sent is not None:
        yield str(sent)


def report_row(trial: Trial, event: TrialEvent, others: Sequence[str], sent: TrialText | None) -> Mapping[str, object]:
    """One object for `--json`."""
    return {
        "tenant": trial.workflow.tenant, "workflow": trial.workflow.name, "version": trial.workflow.version,
        "event": {"origin": event.origin, "type": event.type},
        "trigger": {"type": trial.workflow.trigger.type, "starts": trial.fits,
                    "conditions": list(map(_condition_row, trial.conditions)), "alsoStarts": list(others)},
        "steps": list(map(_step_row, trial.steps)),
        "ending": trial.ending,
        "checks": [{"question": check.question, "passed": check.passed, "words": check.words}
                   for check in checks(trial, others)],
        "warnings": list(warnings(trial, others)),
        "sent": None if sent is None else sent.row(),
    }  # fmt: skip


def _condition_line(condition: Condition) -> str:
    return f"  {'yes' if condition.holds else 'no '}  {told(condition)}{_found(condition)}"


def _found(condition: Condition) -> str:
    """What was looked at; of health data only that there is some."""
    if condition.path.startswith("$"):
        return ""
    if not condition.found:
        return f"; {condition.path} is missing"
    if is_sensitive(condition.path):
        return f"; {condition.path} has a value"
    values = ", ".join(json.dumps(value, ensure_ascii=False) for value in condition.found)
    return f"; {condition.path} is {values if len(values) <= _LONGEST_VALUE else values[:_LONGEST_VALUE] + '…'}"


def _step_lines(trial: StepTrial) -> Iterator[str]:
    heading = f"step {trial.step.number}"
    unreached = "" if trial.reached else " (not reached with this event)"
    match trial.step:
        case AdapterStep():
            yield f"{heading} sendSMS{unreached}"
            if trial.text is not None:
                yield from _text_lines(trial.text)
        case ConditionStep(context_path=path, if_false_go_to=target):
            looked_at = "the payload" if path is None else path
            onward = "goes on" if trial.holds else "the run ends" if target is None else f"goes to step {target}"
            holds = "holds" if trial.holds else "does not hold"
            yield f"{heading} condition on {looked_at}: {holds}, {onward}{unreached}"
            yield from map(_condition_line, trial.conditions)
        case DelayStep(for_=duration):
            yield f"{heading} delay: waits {duration}{unreached}"
        case CrmActionStep(function=function):
            named = ", ".join(f"{name} = {value}" for name, value in (trial.parameters or {}).items())
            yield f"{heading} {function}({named}): gives the latest payload, here that of the event{unreached}"


def _text_lines(text: TextTrial) -> Iterator[str]:
    yield f"  from {_from(text) or 'nobody'}, to {text.to or 'nobody'}"
    yield from text_lines(text.preview)


def _from(text: TextTrial) -> str | None:
    return None if isinstance(text.sending, Refused) else text.sending[1].name


def _condition_row(condition: Condition) -> dict[str, object]:
    shown: object = None if is_sensitive(condition.path) else list(condition.found)
    return {
        "path": condition.path, "wanted": json.loads(condition.wanted), "holds": condition.holds, "found": shown,
    }  # fmt: skip


def _step_row(trial: StepTrial) -> dict[str, object]:
    row: dict[str, object] = {
        "number": trial.step.number, "kind": str(trial.step.__struct_config__.tag), "reached": trial.reached,
    }  # fmt: skip
    if isinstance(trial.step, ConditionStep):
        row |= {"holds": trial.holds, "conditions": list(map(_condition_row, trial.conditions))}
    if trial.parameters is not None:
        row["parameters"] = dict(trial.parameters)
    if trial.text is not None:
        segments = trial.text.preview.segments
        row["parameters"] = {
            "message": trial.text.preview.text, "toPhone": trial.text.to, "fromPhone": _from(trial.text),
        }  # fmt: skip
        row |= {"segments": segments.count, "encoding": segments.encoding, "forcing": forcing_rows(trial.text.preview)}
        row["skipped"] = None if trial.text.refusal is None else trial.text.refusal.reason
    return row
