"""The five checks that staff make of a workflow before it goes live (seed-systems.md 2.8), answered from a dry run.

It sends; the sender is an approved number; the recipient is mapped right; the text is as meant; it fires only where
meant. Every answer has words: what was found, or what is in the way. What only a person can know is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from notifier.domain.compiling import why_unsupported
from notifier.domain.document_warnings import warnings_of
from notifier.domain.filter_reports import Condition
from notifier.domain.shapes import dotted
from notifier.domain.workflow_rules import Refused
from notifier.domain.workflow_trials import TextTrial, Trial


@dataclass(frozen=True, slots=True)
class Check:
    """`passed` as far as a machine can tell."""

    question: str
    passed: bool
    words: str


def checks(trial: Trial, others: Sequence[str] = ()) -> tuple[Check, ...]:
    """`others`: names of the tenant's other workflows that the event starts, too."""
    return (
        _check("it sends", list(_not_sending(trial)), _sends(trial)),
        _of_texts("the sender is an approved number", trial, _sender),
        _of_texts("the recipient is mapped right", trial, _recipient),
        _of_texts("the text is as meant", trial, _text),
        _check("it fires only where meant", list(_not_firing(trial)), _fires(trial, others)),
    )


def warnings(trial: Trial, others: Sequence[str] = ()) -> tuple[str, ...]:
    """What to look at, in the documents and in what this event makes of them; no value of the event is repeated."""
    found = [f"{dotted(misfit.path)}: {misfit.message}" for misfit in warnings_of(trial.workflow)]
    found += [f"Tenant {dotted(misfit.path)}: {misfit.message}" for misfit in warnings_of(trial.tenant.document)]
    for text in trial.texts:
        found += _text_faults(text)
        found += [f"toPhone: {warning}" for warning in text.to_warnings]
    if others:
        found.append(f"this event also starts {', '.join(others)}: a person may get several texts")
    if trial.tenant.consent_required:
        found.append("consent is not looked up here: a number without consent.given is skipped as no_consent")
    return tuple(dict.fromkeys(found))


def told(condition: Condition) -> str:
    """`status {"$in": ["shipped"]}`."""
    return f"{condition.path} {condition.wanted}"


_Finding = tuple[bool, str]  # whether all is well, and the words


def _of_texts(question: str, trial: Trial, look: Callable[[TextTrial, Trial], _Finding]) -> Check:
    if not trial.texts:
        return Check(question, False, "the workflow has no step that sends")
    found = [look(text, trial) for text in trial.texts]
    return _check(question, [words for well, words in found if not well], "; ".join(words for _, words in found))


def _check(question: str, in_the_way: Sequence[str], words: str) -> Check:
    return Check(question, not in_the_way, "; ".join(dict.fromkeys(in_the_way)) or words)


def _not_sending(trial: Trial) -> Iterator[str]:
    unsupported = why_unsupported(trial.workflow)
    if not trial.workflow.enabled:
        yield "the workflow is not enabled"
    if not trial.tenant.document.live:
        yield "the tenant is not live: runs are skipped as not_live"
    if unsupported is not None:
        yield f"{unsupported}: it starts no run"
    yield from _not_firing(trial)
    if not trial.reaches_a_text:
        yield f"no step that sends is reached: the run ends {trial.ending}"
    for text in trial.texts:
        if text.refusal is not None:
            yield f"step {text.step.number} would be skipped as {text.refusal.reason}: {text.refusal.detail}"


def _sends(trial: Trial) -> str:
    count = sum(text.preview.segments.count for text in trial.texts)
    texts = "1 text" if len(trial.texts) == 1 else f"{len(trial.texts)} texts"
    return f"{texts} of {count} segment{'' if count == 1 else 's'} would go out"


def _sender(text: TextTrial, _trial: Trial) -> _Finding:
    if isinstance(text.sending, Refused):
        return False, text.sending.detail
    connection, sender = text.sending
    if text.step.from_phone is None:
        return True, f"no fromPhone is given: {sender.name}, the first sender of Connection/{connection.owner}"
    return True, f"{sender.name} is a sender of Connection/{connection.owner}"


def _recipient(text: TextTrial, trial: Trial) -> _Finding:
    written = text.step.to_phone.source
    if not text.to_text:
        return False, f"toPhone {written} comes to nothing"
    if text.to is None:
        region = trial.tenant.document.default_region
        readable = "only the international form, +…, is read" if region is None else f"read as a number of {region}"
        return False, f"toPhone {written} comes to what is no phone number ({readable})"
    if not text.step.to_phone.names:
        return False, "toPhone holds no variable: every event would text the same number"
    return True, f"toPhone {written} comes to {text.to}, a valid number"


def _text(text: TextTrial, _trial: Trial) -> _Finding:
    faults = _text_faults(text)
    if faults:
        return False, "; ".join(faults)
    segments = text.preview.segments
    return True, (
        f"every variable has a value ({segments.count} segment{'' if segments.count == 1 else 's'},"
        f" {segments.encoding}); whether the words are right is for a person to say"
    )


def _text_faults(text: TextTrial) -> list[str]:
    found = [f"message: {warning}" for warning in text.preview.warnings]
    found += [f"message: {name} is health data, which should not stand in a text" for name in text.sensitive]
    found += [f"message: {name} belongs to a password and is never shown" for name in text.hidden]
    return found


def _not_firing(trial: Trial) -> Iterator[str]:
    trigger = trial.workflow.trigger
    if trial.tenant.document.platform == "pms":
        yield "the tenant is of platform pms: no event starts a workflow"
    if trial.event_type != trigger.type:
        yield f"the event is {trial.event_type}, and the trigger {trigger.type}"
    for condition in trial.conditions:
        if not condition.holds:
            yield f"the filter's {told(condition)} does not hold"


def _fires(trial: Trial, others: Sequence[str]) -> str:
    trigger = trial.workflow.trigger
    where = " and ".join(told(condition) for condition in trial.conditions)
    start = f"on {trigger.type} where {where}" if where else f"on every {trigger.type}: there is no filter"
    beside = f"; {', '.join(others)} would start, too" if others else ""
    return f"{start}; this event fits{beside}. Try one that must not start it, too: --event FILE"
