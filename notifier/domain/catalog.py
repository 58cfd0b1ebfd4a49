"""The configuration as the engine uses it: documents compiled, references between them resolved, defaults filled in.

Rules: whoever built a catalog, nobody changes it; durations are float seconds. A document that cannot be compiled
(validation refuses it, but anybody can write to the topic) is left out and named in `faults`; it never hides another.
`CatalogBuilder` keeps what it compiled, so that a change of one document costs one document, and a tenant whose
documents did not change keeps its very object: the engine looks again only at tenants that are not the same one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from notifier.domain.compiling import (
    BUILTIN_TEMPLATES,
    SHARED_OWNER,
    Compiled,
    ConnectionConfig,
    SenderConfig,
    SmsStep,
    TemplateConfig,
    WorkflowConfig,
    compile_document,
)
from notifier.domain.documents import (
    Connection,
    Document,
    DoubtPolicy,
    Halt,
    Pause,
    Template,
    Tenant,
    Timing,
    Workflow,
    document_key,
)
from notifier.domain.durations import parse_duration
from notifier.domain.outcomes import MessageClass

__all__ = [  # the engine finds everything that a catalog is made of here
    "BUILTIN_TEMPLATES",
    "Catalog",
    "CatalogBuilder",
    "ConnectionConfig",
    "SenderConfig",
    "SmsStep",
    "TemplateConfig",
    "TenantConfig",
    "WorkflowConfig",
    "build",
    "empty",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantConfig:
    """`connection` is the tenant's own; `builtin` the one that `builtinSender` names, if it exists.

    `workflows`: the enabled ones by the event type that starts them, sorted by name. `lead` None: as soon as ready.
    """

    name: str
    document: Tenant
    zone: ZoneInfo
    connection: ConnectionConfig | None
    builtin: ConnectionConfig | None
    templates: Mapping[str, TemplateConfig]
    workflows: Mapping[str, tuple[WorkflowConfig, ...]]
    lead: float | None
    consent_required: bool

    def runs(self, workflow: str) -> bool:
        """Whether there is an enabled workflow of this name."""
        return any(found.name == workflow for workflows in self.workflows.values() for found in workflows)

    def policy(self, class_: MessageClass) -> DoubtPolicy:
        """What becomes of a message of this class in doubt (contract section 6)."""
        policies: dict[MessageClass, DoubtPolicy] = {
            "code": self.document.in_doubt.code,
            "transactional": self.document.in_doubt.transactional,
            "marketing": self.document.in_doubt.marketing,
        }
        return policies[class_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """All documents in force. `offset` is the last offset of the topic that it knows, -1 when it knows none.

    `connections` by owner, `halts` by `topic:partition`; `paused` names tenants, or `platform` for all.
    """

    offset: int
    tenants: Mapping[str, TenantConfig]
    connections: Mapping[str, ConnectionConfig]
    halts: Mapping[str, Halt]
    paused: frozenset[str]
    faults: tuple[str, ...]

    def is_paused(self, tenant: str) -> bool:
        """Whether an operator stopped the sending of this tenant, or of all."""
        return bool(self.paused) and (tenant in self.paused or SHARED_OWNER in self.paused)


def empty() -> Catalog:
    """Nothing is known yet."""
    return build((), -1)


def build(documents: Iterable[Document], offset: int) -> Catalog:
    """Compile `documents`, of which at most one has a given key. Never raises: see `Catalog.faults`."""
    return CatalogBuilder().build(documents, offset)


_Wanted = TypeVar("_Wanted", ConnectionConfig, TemplateConfig, WorkflowConfig)


@dataclass(slots=True)
class _Parts:
    """What was compiled of one build, before it is put together."""

    tenants: list[Tenant] = field(default_factory=list)
    connections: dict[str, ConnectionConfig] = field(default_factory=dict)
    halts: dict[str, Halt] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    templates: dict[str, dict[str, TemplateConfig]] = field(default_factory=dict)
    workflows: dict[str, list[tuple[str, WorkflowConfig]]] = field(default_factory=dict)  # with the trigger's type
    faults: list[str] = field(default_factory=list)


class CatalogBuilder:
    """Builds one catalog after another, compiling only what changed in between."""

    def __init__(self) -> None:
        self._compiled: dict[str, tuple[Document, Compiled]] = {}
        self._tenants: dict[str, TenantConfig] = {}

    def build(self, documents: Iterable[Document], offset: int) -> Catalog:
        """As `build` of this module."""
        parts = _Parts()
        known, self._compiled = self._compiled, {}
        for document in documents:
            try:
                self._add(document, parts, known)
            except ValueError as error:
                parts.faults.append(f"{document_key(document)}: {error}")
        self._tenants = self._assemble(parts)
        return Catalog(
            offset=offset,
            tenants=self._tenants,
            connections=parts.connections,
            halts=parts.halts,
            paused=frozenset(parts.paused),
            faults=tuple(parts.faults),
        )

    def _add(self, document: Document, parts: _Parts, known: Mapping[str, tuple[Document, Compiled]]) -> None:
        match document:
            case Tenant():
                parts.tenants.append(document)
            case Connection():
                parts.connections[document.tenant] = self._reuse(document, known, ConnectionConfig)
            case Template():
                template = self._reuse(document, known, TemplateConfig)
                parts.templates.setdefault(document.tenant, {})[document.name] = template
            case Workflow():
                if document.enabled:
                    workflow = self._reuse(document, known, WorkflowConfig)
                    parts.workflows.setdefault(document.tenant, []).append((document.trigger.type, workflow))
            case Halt():
                parts.halts[document.name] = document
            case Pause():
                parts.paused.add(document.tenant)

    def _reuse(
        self, document: Document, known: Mapping[str, tuple[Document, Compiled]], kind: type[_Wanted]
    ) -> _Wanted:
        key = document_key(document)
        before = known.get(key)
        same = before is not None and before[0] == document and isinstance(before[1], kind)
        compiled = before[1] if before is not None and same else compile_document(document)
        if not isinstance(compiled, kind):
            raise TypeError(f"{key} compiled to {type(compiled).__name__}")
        self._compiled[key] = (document, compiled)
        return compiled

    def _assemble(self, parts: _Parts) -> dict[str, TenantConfig]:
        assembled: dict[str, TenantConfig] = {}
        for document in parts.tenants:
            before = self._tenants.get(document.tenant)
            try:
                tenant = _tenant(document, parts)
            except (ValueError, KeyError, OSError) as error:  # a zone that is none, or a folder of zones
                parts.faults.append(f"{document_key(document)}: {error}")
                tenant = _tenant(_silenced(document), parts)
            assembled[document.tenant] = before if before is not None and _same(before, tenant) else tenant
        return assembled


def _same(before: TenantConfig, now: TenantConfig) -> bool:
    return (
        before.document == now.document
        and before.connection is now.connection
        and before.builtin is now.builtin
        and before.templates == now.templates
        and before.workflows == now.workflows
    )


def _silenced(document: Tenant) -> Tenant:
    """A faulty tenant sends nothing until it is mended; without it, all that waits would be cancelled as removed."""
    return replace(document, timezone="UTC", timing=Timing(), live=False)


def _tenant(document: Tenant, parts: _Parts) -> TenantConfig:
    by_type: dict[str, list[WorkflowConfig]] = {}
    for event_type, workflow in parts.workflows.get(document.tenant, ()):
        by_type.setdefault(event_type, []).append(workflow)
    consent, sender, lead = document.consent.required, document.builtin_sender, document.timing.lead
    return TenantConfig(
        name=document.tenant,
        document=document,
        zone=ZoneInfo(document.timezone),
        connection=parts.connections.get(document.tenant),
        builtin=None if sender is None else parts.connections.get(sender.connection),
        templates=parts.templates.get(document.tenant, {}),
        workflows={
            name: tuple(sorted(workflows, key=lambda workflow: workflow.name)) for name, workflows in by_type.items()
        },
        lead=None if lead is None else parse_duration(lead),
        consent_required=document.platform == "care" if consent is None else consent,
    )
