"""From what is wanted to what must be written: added, changed and removed documents, as values.

Rules: a document that says the same as the one in force is not written again, so that its version stays. Only what
staff write is ever pruned, neither halts nor pauses. A tenant's own document is removed after everything else of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifier.domain.config_records import stamped, without_stamp
from notifier.domain.documents import Document, OperatorDocument, Tenant, document_key


@dataclass(frozen=True, slots=True)
class Changes:
    """All by record key, in the order in which they are written."""

    added: Mapping[str, Document]
    changed: Mapping[str, Document]
    removed: Sequence[str]
    unchanged: int

    @property
    def removed_tenants(self) -> tuple[str, ...]:
        return tuple(key.removeprefix("Tenant/") for key in self.removed if key.startswith("Tenant/"))

    def __len__(self) -> int:
        return len(self.added) + len(self.changed) + len(self.removed)

    def records(self, in_force: Mapping[str, Document], at: datetime, by: str) -> Iterator[tuple[str, Document | None]]:
        """What is written: stamped documents, then deletions (None)."""
        for key, document in (*self.added.items(), *self.changed.items()):
            yield key, stamped(document, in_force.get(key), at, by)
        for key in self.removed:
            yield key, None


def changes_between(
    in_force: Mapping[str, Document], wanted: Sequence[Document], *, prune: bool, prune_tenants: bool
) -> Changes:
    """`prune` removes what `wanted` lacks of the tenants that it names, `prune_tenants` all of other tenants."""
    by_key = {document_key(document): document for document in wanted}
    added = {key: document for key, document in by_key.items() if key not in in_force}
    changed = {
        key: document
        for key, document in by_key.items()
        if key in in_force and without_stamp(in_force[key]) != without_stamp(document)
    }
    named = {document.tenant for document in wanted}
    missing = [
        document
        for key, document in in_force.items()
        if key not in by_key
        and not isinstance(document, OperatorDocument)
        and (prune if document.tenant in named else prune_tenants)
    ]
    missing.sort(key=lambda document: (isinstance(document, Tenant), document_key(document)))
    removed = [document_key(document) for document in missing]
    return Changes(added, changed, removed, len(by_key) - len(added) - len(changed))


def remaining(in_force: Mapping[str, Document], removed: Sequence[str]) -> list[Document]:
    """What stays beside the documents that are written."""
    gone = set(removed)
    return [document for key, document in in_force.items() if key not in gone]
