"""Care events: consents, and workflows of one step (trigger, filter, sendSMS); seed-systems.md section 4.2.

The text is rendered from the event when it is accepted, so nothing of the payload is kept. The run's own record appears
when it ends; until then its notification speaks for it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from notifier.domain.catalog import TenantConfig, WorkflowConfig
from notifier.domain.events import ConsentData, InboxEvent
from notifier.domain.identifiers import identity_of, notification_id, run_id
from notifier.domain.outcomes import WorkflowRef
from notifier.domain.phone_numbers import normalise
from notifier.domain.segments import measure
from notifier.domain.workflow_rules import Refused, ResolvedSms, matching, payload_view, resolve_sms
from notifier.engine.arriving import address, arrive, event_time, expires, skip, wait
from notifier.engine.emitting import emit_applied, emit_ignored, emit_run
from notifier.engine.entities import Consent, Notification
from notifier.engine.preparing import consent_refusal
from notifier.engine.state import State
from notifier.engine.table import consent_key, touch

CONSENT_TYPES = {"consent.given": True, "consent.withdrawn": False}


def accept_consent(state: State, tenant: TenantConfig, event: InboxEvent, inbox: int, now: float) -> None:
    """The later `at` wins (contract section 5); it starts no workflow."""
    data = msgspec.json.decode(event.data, type=ConsentData)
    number = normalise(data.phone, tenant.document.default_region)
    if number is None:
        emit_ignored(state, event, inbox, "no_effect", now)
        return
    key = consent_key(tenant.name, number)
    known = state.consents.get(key)
    given, at = CONSENT_TYPES[event.type], data.at.timestamp()
    if known is not None and (known.at > at or (known.at == at and known.given == given)):
        emit_ignored(state, event, inbox, "no_effect", now)
        return
    state.consents[key] = Consent(
        given=given, at=at, source=data.source, wording=data.wording, inbox=inbox, identity=identity_of(event).hex()
    )
    touch(state, key, bound=True)
    emit_applied(state, event, inbox, (), now)


def accept_care_event(state: State, tenant: TenantConfig, event: InboxEvent, inbox: int, now: float) -> None:
    """All enabled workflows whose filter matches run, independently (seed B14)."""
    payload = msgspec.json.decode(event.data)
    workflows = matching(tenant, event.type, payload)
    if not workflows:
        emit_ignored(state, event, inbox, "no_matching_workflow", now)
        return
    view = payload_view(event.type, payload)
    for order, workflow in enumerate(workflows):
        _run(state, tenant, event, workflow, view, inbox, order, now)


def _run(
    state: State, tenant: TenantConfig, event: InboxEvent, workflow: WorkflowConfig, view: Mapping[str, object],
    inbox: int, order: int, now: float,
) -> None:  # fmt: skip
    step = workflow.step.number if workflow.step else None
    run = run_id(tenant.name, event.source, event.id, workflow.name)
    ref = WorkflowRef(workflow.name, workflow.version, run, step)
    if workflow.step is None:
        emit_run(
            state, ref, event.ref, tenant.name, now, ending="failed", reason="unsupported_step", inbox=inbox,
            traceparent=event.traceparent,
        )  # fmt: skip
        return
    rule = f"{workflow.name}/{step}/1"
    n = Notification(
        id=notification_id(tenant.name, event.source, event.id, rule, "", "sms"), tenant=tenant.name, event=event.ref,
        inbox=inbox, order=order, accepted=now, event_time=event_time(event), traceparent=event.traceparent,
        rule=workflow.name, workflow=ref, class_=workflow.class_, due=now,
    )  # fmt: skip
    arrive(state, n)
    expires(state, n, now + workflow.expires_after)
    resolved = resolve_sms(workflow, tenant, view)
    if not tenant.document.live:
        skip(state, n, "not_live", now)
    elif isinstance(resolved, Refused):
        skip(state, n, resolved.reason, now, resolved.detail)
    else:
        _send(state, tenant, n, resolved, now)


def _send(state: State, tenant: TenantConfig, n: Notification, resolved: ResolvedSms, now: float) -> None:
    address(state, n, resolved.to)
    n.connection, n.sender = resolved.connection.owner, resolved.sender.name
    measured = measure(resolved.text)
    n.segments, n.encoding = measured.count, measured.encoding
    reason = consent_refusal(state, n, required=tenant.consent_required)
    if reason is not None:
        skip(state, n, reason, now)
        return
    n.body = resolved.text
    wait(state, n, now)
