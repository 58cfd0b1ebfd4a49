"""Records of the configuration topic, and what a change writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from notifier.domain.config_changes import changes_between, remaining
from notifier.domain.config_records import DocumentTable, RefusedRecord, decode_document, encode_document
from notifier.domain.documents import Document, Halt, Template, Tenant, document_key

AT = datetime(2026, 12, 1, 9, 13, 2, tzinfo=UTC)
A = Tenant(tenant="a", platform="pms", name="A")
A_READY = Template(tenant="a", name="key_is_ready", body="Hi")
B = Tenant(tenant="b", platform="pms", name="B")
B_READY = Template(tenant="b", name="key_is_ready", body="Hi")
HALT = Halt(tenant="platform", name="pms.events:0", offset=1, reason="x")


def in_force(*documents: Document, version: int = 3) -> dict[str, Document]:
    return {
        document_key(document): replace(document, version=version, updated_at=AT, updated_by="ana")
        for document in documents
    }


@pytest.mark.parametrize("document", [A, A_READY, HALT], ids=document_key)
def test_a_document_comes_back_as_it_was_written(document: Document) -> None:
    assert decode_document(document_key(document).encode(), encode_document(document)) == document


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"Tenant/a", b"{", "not JSON"),
        (b"Tenant/a", b"\xff", "not JSON"),
        (b"Tenant/a", b"[" * 100_000, "not JSON"),
        (b"Tenant/a", b"[]", "must be an object"),
        (b"Tenant/a", b'{"kind":"Tenant","tenant":"a","platform":"pms"}', "name: is missing"),
        (b"Tenant/a", encode_document(replace(A, tenant="b")), "key"),
        (None, encode_document(A), "key"),
    ],
)
def test_what_is_no_document_is_refused_with_a_reason(key: bytes | None, value: bytes, reason: str) -> None:
    table = DocumentTable()
    table.read(b"Tenant/a", encode_document(A))
    with pytest.raises(RefusedRecord, match=reason):
        table.read(key, value)
    assert table.documents == {"Tenant/a": A}


def test_the_last_record_of_a_key_counts() -> None:
    table = DocumentTable()
    for document in (A, B, replace(A, name="New")):
        table.read(document_key(document).encode(), encode_document(document))
    table.read(b"Tenant/b", None)
    table.read(b"Tenant/never-there", None)
    assert table.documents == {"Tenant/a": replace(A, name="New")}


def test_only_what_changed_is_written_with_the_next_version() -> None:
    before = in_force(A, A_READY)
    changes = changes_between(before, [A, replace(A_READY, body="New"), B], prune=False, prune_tenants=False)
    assert (list(changes.added), list(changes.changed), changes.removed, changes.unchanged) == (
        ["Tenant/b"], ["Template/a/key_is_ready"], [], 1,
    )  # fmt: skip
    assert list(changes.records(before, AT, "ben")) == [
        ("Tenant/b", replace(B, version=1, updated_at=AT, updated_by="ben")),
        ("Template/a/key_is_ready", replace(A_READY, body="New", version=4, updated_at=AT, updated_by="ben")),
    ]
    assert len(changes) == 2


def test_nothing_changed_is_nothing_written() -> None:
    assert not changes_between(in_force(A, A_READY), [A, A_READY], prune=True, prune_tenants=True)


def test_without_prune_nothing_is_removed() -> None:
    assert changes_between(in_force(A, A_READY, B), [A], prune=False, prune_tenants=False).removed == []


def test_prune_removes_within_the_tenants_that_are_named() -> None:
    changes = changes_between(in_force(A, A_READY, B, B_READY, HALT), [A], prune=True, prune_tenants=False)
    assert (changes.removed, changes.removed_tenants) == (["Template/a/key_is_ready"], ())


def test_prune_tenants_removes_the_others_their_own_document_last() -> None:
    """Halts are ingest's: they end by a command of their own."""
    before = in_force(A, A_READY, B, B_READY, HALT)
    changes = changes_between(before, [A], prune=True, prune_tenants=True)
    assert changes.removed == ["Template/a/key_is_ready", "Template/b/key_is_ready", "Tenant/b"]
    assert changes.removed_tenants == ("b",)
    assert list(changes.records(before, AT, "ben"))[-1] == ("Tenant/b", None)
    assert {document_key(document) for document in remaining(before, changes.removed)} == {
        "Tenant/a", "Halt/platform/pms.events:0",
    }  # fmt: skip
