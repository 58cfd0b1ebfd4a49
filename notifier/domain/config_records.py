"""Records of `notifier.config`: key `Kind/tenant[/name]`, value the document as JSON, null for one that was deleted.

Rules: a record that is no document, or whose key is not its document's, is refused with a reason that quotes nothing
of it; whoever reads the topic leaves such a record out and goes on. A stored document's version counts up from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from notifier.domain.documents import Document, document_key
from notifier.domain.shapes import dotted, misfits


class RefusedRecord(ValueError):
    """A record of the topic that cannot be used; the message says why, with a field where there is one."""


def encode_document(document: Document) -> bytes:
    return msgspec.json.encode(document)


def decode_document(key: bytes | None, value: bytes) -> Document:
    """Raises `RefusedRecord`."""
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise RefusedRecord("the value is not JSON") from None
    try:
        document: Document = msgspec.convert(decoded, Document)
    except msgspec.ValidationError:
        first = next(iter(misfits(decoded, Document)), None)
        reason = f"{dotted(first.path)}: {first.message}" if first else "no document of a known form"
        raise RefusedRecord(reason) from None
    expected = document_key(document)
    if key is None or key != expected.encode():
        raise RefusedRecord("the key is not that of the document, Kind/tenant[/name]")
    return document


def without_stamp(document: Document) -> Document:
    """The document as staff wrote it: what is equal without stamps is unchanged."""
    return replace(document, version=None, updated_at=None, updated_by=None)


def stamped(document: Document, before: Document | None, at: datetime, by: str) -> Document:
    """The document as it is stored over `before`, with the next version."""
    version = ((before.version or 0) if before is not None else 0) + 1
    return replace(document, version=version, updated_at=at, updated_by=by)


class DocumentTable:
    """The documents in force after the records that were read so far, by key."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}

    @property
    def documents(self) -> Mapping[str, Document]:
        return self._documents

    def read(self, key: bytes | None, value: bytes | None) -> None:
        """Take in one record. Raises `RefusedRecord` and stays as it was: an earlier document remains in force."""
        if value is None:
            self._documents.pop((key or b"").decode("utf-8", "replace"), None)
            return
        document = decode_document(key, value)
        self._documents[document_key(document)] = document
