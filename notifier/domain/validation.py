"""Configuration as staff wrote it becomes documents, or faults that say where, what, and what is allowed.

Rules: all faults at once, not the first; every fault has file, line (where the reader of the file knew one), path of
the field and a message; no fault repeats a secret. `version`, `updatedAt` and `updatedBy` may stand in a document (an
export has them) and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from notifier.domain.config_records import without_stamp
from notifier.domain.document_checks import faults_of
from notifier.domain.document_warnings import warnings_of
from notifier.domain.documents import Document, StaffDocument, document_key
from notifier.domain.reference_checks import ReferenceFault, reference_faults, reference_warnings
from notifier.domain.shapes import Misfit, Path, dotted, misfits

IN_FORCE = "(in force)"  # stands for the file of a document that was applied before


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One object of a file, parsed. `lines`: where its parts stand, by path; `()` is the object itself."""

    file: str
    value: object
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """The line of a part, or of the nearest whole that it is missing from."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


@dataclass(frozen=True, slots=True)
class Fault:
    file: str
    line: int | None
    path: str
    message: str

    def __str__(self) -> str:
        place = _place(self.file, self.line)
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Validation:
    """`documents` are those without a fault of their own, in the order they were written."""

    documents: tuple[Document, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]


def validate(written: Sequence[Written], *, development: bool, in_force: Iterable[Document] = ()) -> Validation:
    """Check `written` by itself and together with what stays `in_force` beside it.

    `development`: secrets may stand in plain text. A document of `in_force` with the key of a written one is replaced.
    """
    faults: list[Fault] = []
    found: dict[str, tuple[Document, Written]] = {}
    faulty: set[str] = set()
    for one in written:
        document = _document(one, development, faults)
        if document is None:
            faulty.update(_named(one.value))
            continue
        key = document_key(document)
        if key in found:
            earlier = found[key][1]
            place = _place(earlier.file, earlier.line(()))
            faults.append(_fault(one, Misfit((), f"{key} is written twice, first in {place}")))
        else:
            found[key] = (document, one)
    whole = {document_key(document): document for document in in_force}
    whole |= {key: document for key, (document, _) in found.items()}
    faults.extend(_placed(each, found) for each in reference_faults(list(whole.values()), faulty))
    own = [_fault(one, misfit) for document, one in found.values() for misfit in warnings_of(document)]
    mutual = [_placed(each, found) for each in reference_warnings(list(whole.values()))]
    warnings = [*own, *(warning for warning in mutual if warning.file != IN_FORCE)]
    return Validation(tuple(document for document, _ in found.values()), tuple(faults), tuple(warnings))


def _document(one: Written, development: bool, faults: list[Fault]) -> Document | None:
    try:
        document = without_stamp(msgspec.convert(one.value, StaffDocument))
    except msgspec.ValidationError as error:
        wrong = misfits(one.value, StaffDocument) or [Misfit((), str(error))]
        faults.extend(_fault(one, misfit) for misfit in wrong)
        return None
    wrong = list(faults_of(document, development=development))
    faults.extend(_fault(one, misfit) for misfit in wrong)
    return None if wrong else document


def _named(value: object) -> Iterator[str]:
    """The key of a Tenant or a Connection, as far as it can be told of what is no document."""
    if isinstance(value, dict) and value.get("kind") in ("Tenant", "Connection"):
        yield f"{value['kind']}/{value.get('tenant')}"


def _place(file: str, line: int | None) -> str:
    return file if line is None else f"{file}:{line}"


def _fault(one: Written, misfit: Misfit) -> Fault:
    return Fault(one.file, one.line(misfit.path), dotted(misfit.path), misfit.message)


def _placed(each: ReferenceFault, found: Mapping[str, tuple[Document, Written]]) -> Fault:
    key = document_key(each.document)
    if key in found:
        return _fault(found[key][1], each.misfit)
    return Fault(IN_FORCE, None, f"{key} {dotted(each.misfit.path)}", each.misfit.message)
