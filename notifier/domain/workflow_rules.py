"""Care workflows: which ones an event starts, and what their text, recipient and sender come to.

Rules (seed-systems.md 4.2): every enabled workflow whose filter matches runs; a sender must be one of the connection's
own (B21); a recipient or a text that comes to nothing is refused (B5). A refusal is a value and never holds a number or
a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from notifier.domain.catalog import ConnectionConfig, SenderConfig, SmsStep, TenantConfig, WorkflowConfig
from notifier.domain.phone_numbers import normalise

Payload = Mapping[str, object]
RefusalReason = Literal[
    "sms_provider_not_connected", "no_sender", "sender_not_approved", "invalid_recipient", "empty_message"
]

HIDDEN_FIELDS = frozenset(
    {"hash", "salt"}
)  # of a customer's password (seed-systems.md 2.3), wherever a payload has them


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedSms:
    """A text ready to be sent. `to`: E.164. `warnings` name what rendered empty, never a value."""

    text: str
    to: str
    connection: ConnectionConfig
    sender: SenderConfig
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing is sent: a reason of `skipped` and what to look at, without any value."""

    reason: RefusalReason
    detail: str


def matching(tenant: TenantConfig, event_type: str, payload: Payload) -> tuple[WorkflowConfig, ...]:
    """The enabled workflows that this event starts, by name; filters see what templates see."""
    candidates = tenant.workflows.get(event_type, ())
    if not candidates:
        return ()
    view = payload_view(event_type, payload)
    return tuple(workflow for workflow in candidates if workflow.filter.matches(view))


def payload_view(event_type: str, payload: Payload) -> Payload:
    """The payload as filters and templates see it.

    A `customer.…` event is the customer, so `customer` is another name of the whole payload there (seed-systems.md B3).
    Hidden fields are gone at every depth.
    """
    visible = {name: _visible(value) for name, value in payload.items() if name not in HIDDEN_FIELDS}
    if event_type.startswith("customer.") and "customer" not in visible:
        return {**visible, "customer": visible}
    return visible


def _visible(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _visible(item) for name, item in value.items() if name not in HIDDEN_FIELDS}
    if isinstance(value, (list, tuple)):
        return [_visible(item) for item in value]
    return value


def resolve_sms(workflow: WorkflowConfig, tenant: TenantConfig, view: Payload) -> ResolvedSms | Refused:
    """The `sendSMS` step of a workflow on one payload view. Raises ValueError for a workflow without such a step."""
    if workflow.step is None:
        raise ValueError(f"workflow {workflow.name} has no step that sends")
    return resolve_step(workflow.step, tenant, view)


def resolve_step(step: SmsStep, tenant: TenantConfig, view: Payload) -> ResolvedSms | Refused:
    """One `sendSMS` step on what it may refer to."""
    found = find_sender(step, tenant, view)
    if isinstance(found, Refused):
        return found
    connection, sender = found
    to_phone = step.to_phone.render(view)
    to = normalise(to_phone.text, tenant.document.default_region)
    if to is None:
        return Refused("invalid_recipient", f"toPhone {_wrong_number(to_phone.text)}")
    message = step.message.render(view)
    if not message.text.strip():
        return Refused("empty_message", "message comes to an empty text")
    warnings = (*_of("message", message.warnings), *_of("toPhone", to_phone.warnings))
    return ResolvedSms(text=message.text, to=to, connection=connection, sender=sender, warnings=warnings)


def find_sender(step: SmsStep, tenant: TenantConfig, view: Payload) -> tuple[ConnectionConfig, SenderConfig] | Refused:
    """What the step's text goes out from."""
    connection = tenant.connection or tenant.builtin
    if connection is None:
        return Refused("sms_provider_not_connected", "the tenant has no Connection and no builtinSender")
    if not connection.senders:
        return Refused("no_sender", "the Connection has no senders")
    if step.from_phone is None:
        return connection, connection.senders[0]
    wanted = step.from_phone.render(view).text.strip()
    number = normalise(wanted, tenant.document.default_region)
    for sender in connection.senders:
        if sender.name in (wanted, number):
            return connection, sender
    return Refused("sender_not_approved", "fromPhone is none of the senders of the Connection")


def _wrong_number(text: str) -> str:
    return "is no phone number" if text.strip() else "comes to nothing"


def _of(parameter: str, warnings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{parameter}: {warning}" for warning in warnings)
