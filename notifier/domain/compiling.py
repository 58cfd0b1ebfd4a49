"""One document compiled: texts and filters parsed, durations in float seconds, defaults filled in.

Rules: what cannot be compiled raises ValueError (TemplateSyntaxError and FilterError are such) with what is allowed;
references to other documents are none of this module's business, `domain.catalog` resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from notifier.domain import default_templates
from notifier.domain.documents import AdapterStep, Connection, Document, Sender, Template, Workflow, document_key
from notifier.domain.durations import parse_duration
from notifier.domain.filters import Filter, compile_filter
from notifier.domain.outcomes import MessageClass
from notifier.domain.templates import Template as CompiledTemplate
from notifier.domain.templates import compile_template

SHARED_OWNER = "platform"  # owner of the Connection that tenants without their own may share
WORKFLOW_EXPIRY: Mapping[MessageClass, float] = MappingProxyType(
    {"code": 30 * 60.0, "transactional": 24 * 3600.0, "marketing": 12 * 3600.0}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderConfig:
    """What a text is sent from: a number, or a messaging service."""

    from_: str | None
    messaging_service_sid: str | None
    segments_per_second: float

    @property
    def name(self) -> str:
        return self.from_ or self.messaging_service_sid or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionConfig:
    owner: str
    version: int
    document: Connection
    senders: tuple[SenderConfig, ...]

    @property
    def shared(self) -> bool:
        """Whether several tenants may send through it."""
        return self.owner == SHARED_OWNER


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateConfig:
    """`version` 0 is the built-in text; `expires_after` None: of use until the key ends."""

    name: str
    version: int
    class_: MessageClass
    template: CompiledTemplate
    expires_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsStep:
    number: int
    message: CompiledTemplate
    to_phone: CompiledTemplate
    from_phone: CompiledTemplate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowConfig:
    """`step` is None exactly when `unsupported` says why this version cannot run the workflow."""

    name: str
    version: int
    class_: MessageClass
    filter: Filter
    step: SmsStep | None
    unsupported: str | None
    expires_after: float


Compiled = ConnectionConfig | TemplateConfig | WorkflowConfig


def _builtin(name: str, source: str) -> TemplateConfig:
    return TemplateConfig(name=name, version=0, class_="code", template=compile_template(source), expires_after=None)


BUILTIN_TEMPLATES: Mapping[str, TemplateConfig] = MappingProxyType(
    {
        "key_is_ready": _builtin("key_is_ready", default_templates.KEY_IS_READY),
        "doorcode_is_changed": _builtin("doorcode_is_changed", default_templates.DOORCODE_IS_CHANGED),
    }
)


def compile_document(document: Document) -> Compiled:
    """`document` is a Connection, a Template or a Workflow. Raises ValueError."""
    match document:
        case Connection():
            return ConnectionConfig(
                owner=document.tenant,
                version=document.version or 0,
                document=document,
                senders=tuple(_sender(sender) for sender in document.senders),
            )
        case Template():
            return TemplateConfig(
                name=document.name,
                version=document.version or 0,
                class_=document.class_ or "code",
                template=compile_template(document.body),
                expires_after=_seconds(document.expires_after),
            )
        case Workflow():
            return _workflow(document)
        case _:
            raise TypeError(f"nothing to compile in {document_key(document)}")


def _sender(sender: Sender) -> SenderConfig:
    if (sender.from_ is None) == (sender.messaging_service_sid is None):
        raise ValueError("senders: exactly one of from and messagingServiceSid is allowed")
    if not 0 < sender.segments_per_second < float("inf"):
        raise ValueError("senders: segmentsPerSecond must be above 0")
    return SenderConfig(
        from_=sender.from_,
        messaging_service_sid=sender.messaging_service_sid,
        segments_per_second=sender.segments_per_second,
    )


def _workflow(document: Workflow) -> WorkflowConfig:
    unsupported = why_unsupported(document)
    step = document.steps[0] if unsupported is None else None
    return WorkflowConfig(
        name=document.name,
        version=document.version or 0,
        class_=document.class_,
        filter=compile_filter(document.trigger.filter),
        step=compile_sms_step(step) if isinstance(step, AdapterStep) else None,
        unsupported=unsupported,
        expires_after=_seconds(document.expires_after) or WORKFLOW_EXPIRY[document.class_],
    )


def compile_sms_step(step: AdapterStep) -> SmsStep:
    """Raises ValueError."""
    parameters = step.parameters
    if "message" not in parameters or "toPhone" not in parameters:
        raise ValueError("steps: sendSMS needs the parameters message and toPhone")
    sender = parameters.get("fromPhone")
    return SmsStep(
        number=step.number,
        message=compile_template(parameters["message"]),
        to_phone=compile_template(parameters["toPhone"]),
        from_phone=None if sender is None else compile_template(sender),
    )


def why_unsupported(document: Workflow) -> str | None:
    """Why this version stores the workflow but does not run it; None when it runs."""
    others = sorted({str(step.__struct_config__.tag) for step in document.steps if not isinstance(step, AdapterStep)})
    if others:
        return f"steps of kind {', '.join(others)} do not run in this version"
    if len(document.steps) != 1:
        return "only workflows of exactly one step run in this version"
    return None


def _seconds(duration: str | None) -> float | None:
    return None if duration is None else parse_duration(duration)
