"""A dry run of a workflow on one event: what its trigger says, which steps are reached, and what each text comes to.

Rules: nothing is sent, no clock is read. Steps go on as seed-systems.md 2.4 and B8 to B10 say, whether or not this
version runs them; what it does not run is said by `document_warnings`. A CRM action gives the run's own payload. Every
text is resolved by `workflow_rules`, as for a real event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier.domain.catalog import ConnectionConfig, SenderConfig, SmsStep, TenantConfig
from notifier.domain.compiling import compile_sms_step
from notifier.domain.documents import AdapterStep, ConditionStep, CrmActionStep, DelayStep, Step, Workflow
from notifier.domain.filter_reports import Condition, conditions
from notifier.domain.filters import compile_filter
from notifier.domain.payload_paths import is_sensitive
from notifier.domain.phone_numbers import normalise
from notifier.domain.previews import Preview, preview
from notifier.domain.templates import compile_template, find_value
from notifier.domain.workflow_rules import HIDDEN_FIELDS, Payload, Refused, find_sender, payload_view, resolve_step

MOST_STEPS = 100  # of one run, so that jumps backwards end (seed-systems.md B8)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTrial:
    """What a `sendSMS` step comes to. `sending`: the connection and the sender, or why there is none; `to`: E.164, None
    when toPhone comes to no number. `refusal`: why nothing would be sent; None when it would be."""

    step: SmsStep
    preview: Preview
    to: str | None
    to_text: str
    to_warnings: tuple[str, ...]
    sending: tuple[ConnectionConfig, SenderConfig] | Refused
    refusal: Refused | None
    sensitive: tuple[str, ...]
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTrial:
    """`holds` is of a condition, None for other steps; `parameters` are of a CRM action, resolved."""

    step: Step
    reached: bool
    text: TextTrial | None = None
    conditions: tuple[Condition, ...] = ()
    holds: bool | None = None
    parameters: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`fits`: whether the event is of the trigger's type and the filter holds. `ending`: where the steps lead to."""

    workflow: Workflow
    tenant: TenantConfig
    event_type: str
    fits: bool
    conditions: tuple[Condition, ...]
    steps: tuple[StepTrial, ...]
    ending: str

    @property
    def texts(self) -> Sequence[TextTrial]:
        """Of the steps that are reached; of all when none is."""
        with_text = [step for step in self.steps if step.text is not None]
        reached = [step for step in with_text if step.reached]
        return [step.text for step in reached or with_text if step.text is not None]

    @property
    def reaches_a_text(self) -> bool:
        return any(step.reached and step.text is not None for step in self.steps)


def try_workflow(workflow: Workflow, tenant: TenantConfig, event_type: str, payload: Payload) -> Trial:
    """`workflow` is without fault; `payload` is the event's data."""
    view = payload_view(event_type, payload)
    found = conditions(workflow.trigger.filter, view)
    run = _Run(workflow, tenant, view)
    run.go()
    return Trial(
        workflow=workflow,
        tenant=tenant,
        event_type=event_type,
        fits=event_type == workflow.trigger.type and all(condition.holds for condition in found),
        conditions=found,
        steps=tuple(run.told(step) for step in workflow.steps),
        ending=run.ending,
    )


class _Run:
    """Follows the steps and remembers what was found at each."""

    def __init__(self, workflow: Workflow, tenant: TenantConfig, view: Payload) -> None:
        self.ending = "behind the last step"
        self._steps = {step.number: step for step in workflow.steps}
        self._tenant, self._payload = tenant, view
        self._history: dict[str, object] = {}
        self._told: dict[int, StepTrial] = {}

    def go(self) -> None:
        number = 1
        for _ in range(MOST_STEPS):
            step = self._steps.get(number)
            if step is None:
                return
            trial = self._told[number] = self._try(step, reached=True)
            if isinstance(step, CrmActionStep):
                self._history[str(number)] = {"result": self._payload}
            if isinstance(step, ConditionStep) and not trial.holds:
                if step.if_false_go_to is None:
                    self.ending = f"at step {number}, whose condition does not hold"
                    return
                number = step.if_false_go_to
            else:
                number += 1
        self.ending = f"after {MOST_STEPS} steps: the jumps go round in a circle"

    def told(self, step: Step) -> StepTrial:
        return self._told.get(step.number) or self._try(step, reached=False)

    def _try(self, step: Step, *, reached: bool) -> StepTrial:
        view = {**self._payload, "history": self._history} if self._history else self._payload
        match step:
            case AdapterStep():
                return StepTrial(step=step, reached=reached, text=_try_text(compile_sms_step(step), self._tenant, view))
            case ConditionStep():
                context = view if step.context_path is None else find_value(view, step.context_path)
                seen = context if isinstance(context, Mapping) else {}
                return StepTrial(
                    step=step,
                    reached=reached,
                    conditions=conditions(step.logic, seen),
                    holds=compile_filter(step.logic).matches(seen),
                )
            case CrmActionStep():
                resolved = {name: compile_template(text).render(view).text for name, text in step.parameters.items()}
                return StepTrial(step=step, reached=reached, parameters=resolved)
            case DelayStep():
                return StepTrial(step=step, reached=reached)


def _try_text(step: SmsStep, tenant: TenantConfig, view: Payload) -> TextTrial:
    to_phone = step.to_phone.render(view)
    resolved = resolve_step(step, tenant, view)
    return TextTrial(
        step=step,
        preview=preview(step.message, view),
        to=normalise(to_phone.text, tenant.document.default_region),
        to_text=to_phone.text.strip(),
        to_warnings=to_phone.warnings,
        sending=find_sender(step, tenant, view),
        refusal=resolved if isinstance(resolved, Refused) else None,
        sensitive=tuple(sorted(filter(is_sensitive, step.message.names))),
        hidden=tuple(_hidden(step.message.names)),
    )


def _hidden(names: frozenset[str]) -> Iterator[str]:
    return (name for name in sorted(names) if not HIDDEN_FIELDS.isdisjoint(name.split(".")))
