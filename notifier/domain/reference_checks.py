"""What documents say of each other: names that must exist, senders that must be approved, accounts that are not shared.

Rules: the whole set is looked at, as it would be in force; each document is without fault of its own. A fault belongs
to the document that refers, and of two that collide to the later one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier.domain.compiling import SHARED_OWNER
from notifier.domain.document_checks import instead
from notifier.domain.documents import (
    AdapterStep,
    BuiltinSender,
    Connection,
    Document,
    OperatorDocument,
    Template,
    Tenant,
    Workflow,
)
from notifier.domain.phone_numbers import normalise
from notifier.domain.shapes import Misfit


@dataclass(frozen=True, slots=True)
class ReferenceFault:
    document: Document
    misfit: Misfit


@dataclass(frozen=True, slots=True)
class _Whole:
    """Everything that can be referred to; `faulty` are keys of documents that exist but have faults of their own."""

    tenants: Mapping[str, Tenant]
    connections: Mapping[str, Connection]
    faulty: Collection[str]


def reference_faults(documents: Sequence[Document], faulty: Collection[str] = ()) -> Iterator[ReferenceFault]:
    """`faulty`: keys of documents that have faults of their own; who refers to them is not at fault."""
    whole = _Whole(
        {document.tenant: document for document in documents if isinstance(document, Tenant)},
        {document.tenant: document for document in documents if isinstance(document, Connection)},
        faulty,
    )
    for document in documents:
        for misfit in _faults(document, whole):
            yield ReferenceFault(document, misfit)
    for connection, misfit in _collisions(list(whole.connections.values())):
        yield ReferenceFault(connection, misfit)


def reference_warnings(documents: Sequence[Document]) -> Iterator[ReferenceFault]:
    """What never does anything on the platform of its tenant."""
    platforms = {document.tenant: document.platform for document in documents if isinstance(document, Tenant)}
    for document in documents:
        platform = platforms.get(document.tenant)
        if isinstance(document, Workflow) and platform == "pms":
            yield ReferenceFault(document, Misfit(("tenant",), "is of platform pms: no event of it starts a workflow"))
        if isinstance(document, Template) and platform == "care":
            yield ReferenceFault(document, Misfit(("tenant",), "is of platform care: it has no keys to write about"))


def _faults(document: Document, whole: _Whole) -> Iterator[Misfit]:
    if isinstance(document, OperatorDocument):
        return
    shared = isinstance(document, Connection) and document.tenant == SHARED_OWNER
    if not shared and document.tenant not in whole.tenants and f"Tenant/{document.tenant}" not in whole.faulty:
        close = instead(document.tenant, sorted(whole.tenants))
        yield Misfit(("tenant",), f"there is no Tenant {document.tenant}{close}")
    match document:
        case Tenant(builtin_sender=BuiltinSender(connection=owner)):
            if owner not in whole.connections and f"Connection/{owner}" not in whole.faulty:
                yield Misfit(("builtinSender", "connection"), f"there is no Connection of {owner}")
        case Workflow():
            yield from _senders(document, whole)


def _connection_of(tenant: str, whole: _Whole) -> Connection | None:
    document = whole.tenants.get(tenant)
    if document is None or f"Connection/{tenant}" in whole.faulty:
        return None
    shared = None if document.builtin_sender is None else whole.connections.get(document.builtin_sender.connection)
    return whole.connections.get(tenant) or shared


def _senders(document: Workflow, whole: _Whole) -> Iterator[Misfit]:
    """Only what is no template can be checked here; the rest is when the text is resolved (seed-systems.md B21)."""
    connection = _connection_of(document.tenant, whole)
    if connection is None:
        return
    region = whole.tenants[document.tenant].default_region
    approved = [sender.from_ or sender.messaging_service_sid or "" for sender in connection.senders]
    for index, step in enumerate(document.steps):
        sender = step.parameters.get("fromPhone") if isinstance(step, AdapterStep) else None
        if sender is None or "{{" in sender or not {sender.strip(), normalise(sender, region)}.isdisjoint(approved):
            continue
        allowed = f"one of {', '.join(approved)}" if approved else "left out: the connection has no senders"
        yield Misfit(("steps", index, "parameters", "fromPhone"), f"must be {allowed}")


def _collisions(connections: Sequence[Connection]) -> Iterator[tuple[Connection, Misfit]]:
    owners: dict[tuple[str, str], str] = {}
    for connection in connections:
        for index, sender in enumerate(connection.senders):
            identity = (connection.account_sid.lower(), sender.from_ or sender.messaging_service_sid or "")
            owner = owners.setdefault(identity, connection.tenant)
            if owner != connection.tenant:
                message = f"belongs to the Connection of {owner} already, with the same accountSid"
                yield connection, Misfit(("senders", index), message)
