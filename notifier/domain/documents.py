"""Configuration documents as staff write them (contract section 5): the shapes, nothing decided.

Durations stay text here (`90s`, `30m`, `24h`, `7d`); `domain.catalog` compiles documents into what the engine uses.
Unknown fields are refused. `version`, `updated_at` and `updated_by` are added when a document is stored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from notifier.domain.events import Platform
from notifier.domain.outcomes import MessageClass

TenantName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A piece of a document."""


class _Document(_Part, frozen=True, kw_only=True, tag_field="kind"):
    tenant: TenantName
    version: int | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None


class Channels(_Part, frozen=True, kw_only=True):
    email: bool = True
    sms: bool = True
    policy: Literal["email_first", "both"] = "email_first"


class Timing(_Part, frozen=True, kw_only=True):
    mode: Literal["time_based", "check_in"] = "time_based"
    lead: str | None = None


class QuietHours(_Part, frozen=True, kw_only=True):
    from_: str = msgspec.field(name="from")
    to: str
    classes: tuple[MessageClass, ...] = ("marketing",)


class ConsentPolicy(_Part, frozen=True, kw_only=True):
    required: bool | None = None  # unset: false for pms, true for care


class Duplicates(_Part, frozen=True, kw_only=True):
    window: str | None = None


DoubtPolicy = Literal["resend", "resend_when_absent", "park"]


class InDoubt(_Part, frozen=True, kw_only=True):
    code: DoubtPolicy = "resend"
    transactional: DoubtPolicy = "resend_when_absent"
    marketing: DoubtPolicy = "park"


class BuiltinSender(_Part, frozen=True, kw_only=True):
    connection: str


class Tenant(_Document, frozen=True, kw_only=True, tag="Tenant"):
    platform: Platform
    name: str
    timezone: str = "UTC"
    date_time_format: str = "%d/%m/%Y %H:%M"
    default_region: str | None = None
    live: bool = True
    channels: Channels = Channels()
    timing: Timing = Timing()
    quiet_hours: QuietHours | None = None
    consent: ConsentPolicy = ConsentPolicy()
    duplicates: Duplicates = Duplicates()
    in_doubt: InDoubt = InDoubt()
    builtin_sender: BuiltinSender | None = None


class SecretRef(_Part, frozen=True, kw_only=True):
    """Exactly one of the three; plain text is a `str` in its place and only allowed in development."""

    env: str | None = None
    file: str | None = None
    sealed: str | None = None


Secret = str | SecretRef


class ApiKey(_Part, frozen=True, kw_only=True):
    sid: str
    secret: Secret


class Sender(_Part, frozen=True, kw_only=True):
    """Exactly one of `from` and `messagingServiceSid`."""

    from_: str | None = msgspec.field(name="from", default=None)
    messaging_service_sid: str | None = None
    segments_per_second: float = 1.0


class Connection(_Document, frozen=True, kw_only=True, tag="Connection"):
    provider: Literal["twilio"]
    account_sid: str
    auth_token: Secret
    api_key: ApiKey | None = None
    senders: tuple[Sender, ...] = ()


class Template(_Document, frozen=True, kw_only=True, tag="Template"):
    name: str
    body: str
    class_: MessageClass | None = msgspec.field(name="class", default=None)  # unset: code for the two key templates
    expires_after: str | None = None


class Trigger(_Part, frozen=True, kw_only=True):
    type: str
    filter: dict[str, Any] = {}  # Any: a MongoDB query document, checked by domain.filters


class CancelOn(_Part, frozen=True, kw_only=True):
    type: str
    match: dict[str, str] = {}


class _Step(_Part, frozen=True, kw_only=True, tag_field="kind"):
    number: int


class DelayStep(_Step, frozen=True, kw_only=True, tag="delay"):
    for_: str = msgspec.field(name="for")


class ConditionStep(_Step, frozen=True, kw_only=True, tag="condition"):
    logic: dict[str, Any]  # Any: as Trigger.filter
    context_path: str | None = None
    if_false_go_to: int | None = None


class AdapterStep(_Step, frozen=True, kw_only=True, tag="adapter"):
    adapter: Literal["twilio"]
    function: Literal["sendSMS"]
    parameters: dict[str, str]


class CrmActionStep(_Step, frozen=True, kw_only=True, tag="crmAction"):
    function: str
    parameters: dict[str, str] = {}


Step = DelayStep | ConditionStep | AdapterStep | CrmActionStep


class Workflow(_Document, frozen=True, kw_only=True, tag="Workflow"):
    name: str
    trigger: Trigger
    steps: tuple[Step, ...]
    enabled: bool = True
    class_: MessageClass = msgspec.field(name="class", default="transactional")
    expires_after: str | None = None
    cancel_on: tuple[CancelOn, ...] = ()
    runs: Literal["every", "latest"] = "every"


class Halt(_Document, frozen=True, kw_only=True, tag="Halt"):
    """A source partition that ingest stopped reading: too much junk (`INGEST__HALT_AFTER`), or records that were
    deleted before they were read. `tenant` is `platform`.

    Ended only by `notifier ingest resume`, which deletes the document.
    """

    name: str  # topic:partition
    offset: int  # where reading goes on after the resume
    reason: str


class Pause(_Document, frozen=True, kw_only=True, tag="Pause"):
    """Nothing is sent for `tenant`, or for anybody where it is `platform`: what is due is held as `paused`.

    Written by `notifier pause`, deleted by `notifier resume`.
    """


StaffDocument = Tenant | Connection | Template | Workflow
OperatorDocument = Halt | Pause
Document = StaffDocument | OperatorDocument


def document_key(document: Document) -> str:
    """`Kind/tenant[/name]`, the record key in `notifier.config`."""
    kind = type(document).__name__
    if isinstance(document, (Tenant, Connection, Pause)):
        return f"{kind}/{document.tenant}"
    return f"{kind}/{document.tenant}/{document.name}"
