"""What staff should know of a document that is usable: stored but not done by this version, or probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

from notifier.domain.compiling import why_unsupported
from notifier.domain.document_checks import instead
from notifier.domain.documents import Connection, Document, Template, Tenant, Workflow
from notifier.domain.shapes import Misfit
from notifier.domain.template_variables import KEY_VARIABLE_NAMES
from notifier.domain.templates import compile_template


def warnings_of(document: Document) -> Iterator[Misfit]:
    """`document` has no fault."""
    match document:
        case Tenant():
            yield from _tenant(document)
        case Connection() if not document.senders:
            yield Misfit(("senders",), "there are none: nothing can be sent through this connection")
        case Template():
            for name in sorted(compile_template(document.body).names - set(KEY_VARIABLE_NAMES)):
                yield Misfit(("body",), f"{name} is unknown and renders empty{instead(name, KEY_VARIABLE_NAMES)}")
        case Workflow():
            yield from _workflow(document)


def _tenant(document: Tenant) -> Iterator[Misfit]:
    if document.timing.mode == "check_in":
        yield Misfit(("timing", "mode"), "check_in is stored; this version sends time_based")
    if document.quiet_hours is not None:
        yield Misfit(("quietHours",), "are stored; this version does not keep them")
    if document.duplicates.window is not None:
        yield Misfit(("duplicates", "window"), "is stored; this version does not look for duplicates")


def _workflow(document: Workflow) -> Iterator[Misfit]:
    unsupported = why_unsupported(document)
    if unsupported is not None:
        yield Misfit(("steps",), f"{unsupported}: the workflow is stored and starts no run")
    if document.cancel_on:
        yield Misfit(("cancelOn",), "is stored; this version cancels nothing by it")
    if document.runs == "latest":
        yield Misfit(("runs",), "latest is stored; this version runs every one")
