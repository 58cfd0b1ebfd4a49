"""Outcomes: what `notifier.results` says of a notification, an event or a workflow run (contract section 6).

An outcome is built once, kept in the ledger until the results topic acknowledged it, and never changed in between: a
crash may repeat it, but not with other content.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from notifier.domain.events import EventRef

Status = Literal[
    "scheduled", "held", "accepted", "sent", "delivered", "unconfirmed", "undelivered", "failed",
    "skipped", "delegated", "cancelled", "unknown", "parked",
]  # fmt: skip

TERMINAL_STATUSES = frozenset(
    {"delivered", "unconfirmed", "undelivered", "failed", "skipped", "delegated", "cancelled", "parked"}
)

MessageClass = Literal["code", "transactional", "marketing"]
Channel = Literal["sms", "email"]


class Recipient(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The person, without the number: `masked` for people, `hash` (keyed) for machines."""

    person_id: str | None = None
    masked: str | None = None
    hash: str | None = None


class TemplateRef(msgspec.Struct, frozen=True):
    name: str
    version: int


class WorkflowRef(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    version: int
    run_id: str
    step: int | None = None


class Cause(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What else brought an outcome about: an event that released or cancelled it, or the notification it repeats."""

    event: EventRef | None = None
    notification: str | None = None


class Provider(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: str = "twilio"
    message_sid: str | None = None
    status: str | None = None
    error_code: int | None = None
    error_class: str | None = None


class Times(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """RFC 3339 with offset; null while not reached."""

    event: str | None = None
    accepted: str | None = None
    due: str | None = None
    handed_over: str | None = None
    final: str | None = None


class NotificationData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    notification_id: str
    event: EventRef
    status: Status
    terminal: bool
    reason: str | None
    detail: str | None
    channel: Channel
    class_: MessageClass = msgspec.field(name="class")
    recipient: Recipient
    template: TemplateRef | None
    workflow: WorkflowRef | None
    segments: int | None
    encoding: str | None
    cause: Cause | None
    provider: Provider | None
    attempt: int
    times: Times


class RunData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    run_id: str
    workflow: WorkflowRef
    event: EventRef
    step: int | None = None
    reason: str | None = None
    until: str | None = None


class AppliedData(msgspec.Struct, frozen=True, kw_only=True):
    event: EventRef
    affected: tuple[str, ...]


class IgnoredData(msgspec.Struct, frozen=True, kw_only=True):
    event: EventRef
    reason: Literal["no_matching_workflow", "no_effect", "stale_version"]


class ResolvedData(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`parked.resolved`: a parked notification had been created after all."""

    notification_id: str
    evidence: Literal["callback", "list"]
    message_sid: str
    provider_status: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One record of the results topic, a CloudEvent in structured mode; `id` never returns with other content.

    `data` is one of the `…Data` structs above, already encoded, so that what the ledger keeps is what is published.
    """

    specversion: str = "1.0"
    id: str
    source: str = "/notifier"
    type: str
    time: str
    tenant: str
    subject: str
    datacontenttype: str = "application/json"
    traceparent: str | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw
