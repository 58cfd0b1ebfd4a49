"""What an event would bring about by the configuration in force now, for "why did nothing happen".

Asked for by seed-systems.md B18. It is not what was decided then: the configuration may have changed since, and
consents, opt-outs and the key's own history count as well. Sentences name persons by id and fields by name, never a
value of the event.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from notifier.domain.catalog import Catalog, TenantConfig
from notifier.domain.channel_rules import Part, decide
from notifier.domain.documents import Document, Workflow
from notifier.domain.events import KeyData
from notifier.domain.explanations import meaning_of
from notifier.domain.filter_reports import conditions
from notifier.domain.workflow_rules import Payload, payload_view

_RULES = {"key.ready": "key_is_ready", "key.updated": "key_is_ready", "doorcode.changed": "doorcode_is_changed"}
_STATUS_OF = {"skip": "skipped", "hold": "held", "delegate": "delegated"}


def judge_tenant(catalog: Catalog, tenant: str, platform: str) -> str | None:
    """What is wrong with the tenant as a whole; None when events of this platform are worked on."""
    known = catalog.tenants.get(tenant)
    if known is None:
        return f"there is no tenant {tenant} in the configuration"
    if known.document.platform != platform:
        return f"tenant {tenant} is configured for the platform {known.document.platform}"
    return None


def judge_care(documents: Iterable[Document], tenant: str, event_type: str, payload: Payload | None) -> Iterator[str]:
    """One sentence for each workflow that has this event as its trigger. `payload` None: it is gone."""
    workflows = [document for document in documents if isinstance(document, Workflow) and document.tenant == tenant]
    listening = [workflow for workflow in workflows if workflow.trigger.type == event_type]
    if not listening:
        others = ", ".join(sorted({workflow.trigger.type for workflow in workflows})) or "it has no workflows"
        yield f"no workflow of tenant {tenant} listens to {event_type} (triggers: {others})"
    for workflow in sorted(listening, key=lambda workflow: workflow.name):
        yield f"workflow {workflow.name}{_changed(workflow)} {_workflow(workflow, event_type, payload)}"


def _changed(workflow: Workflow) -> str:
    if workflow.updated_at is None:
        return ""
    return f" (version {workflow.version} of {workflow.updated_at.isoformat(timespec='seconds')})"


def _workflow(workflow: Workflow, event_type: str, payload: Payload | None) -> str:
    if not workflow.enabled:
        return "has this trigger and is disabled"
    if payload is None:
        return "has this trigger; whether its filter lets the event through cannot be said, since the data is gone"
    try:
        reported = conditions(workflow.trigger.filter, payload_view(event_type, payload))
    except ValueError as error:
        return f"has a filter that cannot be used: {error}"
    unmet = [str(condition) for condition in reported if not condition.holds]
    if unmet:
        return "filters it out: " + "; ".join(unmet)
    return "lets it through: it would start now"


def judge_key(tenant: TenantConfig, event_type: str, data: KeyData, now: float) -> Iterator[str]:
    """One sentence for each person of the key and channel. `now`: wall time in seconds."""
    rule = _RULES.get(event_type)
    if rule is None:
        return
    if not data.key.persons:
        yield "the key has no persons"
    for position, person in enumerate(data.key.persons):
        for part in decide(tenant, data.key, person, rule, now).parts:
            yield f"person {person.id or f'#{position}'}: {_part(part)}"


def _part(part: Part) -> str:
    if part.action == "send":
        return "a text would go out"
    status = _STATUS_OF[part.action]
    meaning = meaning_of(status, part.reason)
    return f"{status}, {part.reason}" + (f": {meaning.what}" if meaning is not None else "")
