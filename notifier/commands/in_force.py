"""The configuration that a command for staff works on: what is in force, or documents that are still in files."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from notifier.commands.documents import read_documents, tell
from notifier.domain.catalog import Catalog, TenantConfig, build
from notifier.domain.document_checks import instead
from notifier.domain.documents import Document, Workflow, document_key
from notifier.domain.validation import validate
from notifier.kafka.config_topic import read_config
from notifier.kafka.connection import client_options
from notifier.logs import configure_logs
from notifier.settings import Settings
from notifier.settings_source import load_settings

TenantOption = Annotated[str, typer.Option(help="The tenant's name, such as harbour-house.", show_default=False)]
ConfigOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--config",
        metavar="PATH",
        help="Documents to work on instead of those in force, files or folders; needs no broker. May be repeated.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


class NotThere(LookupError):
    """Something that was named does not exist; the message says what does."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """`documents` by record key."""

    documents: Mapping[str, Document]
    catalog: Catalog

    def tenant(self, name: str) -> TenantConfig:
        """Raises `NotThere`."""
        found = self.catalog.tenants.get(name)
        if found is None:
            known = sorted(self.catalog.tenants)
            raise NotThere(f"there is no tenant {name}{_among(name, known, 'tenants')}")
        return found

    def workflow(self, tenant: str, name: str) -> Workflow:
        """Enabled or not. Raises `NotThere`."""
        found = self.documents.get(f"Workflow/{tenant}/{name}")
        if not isinstance(found, Workflow):
            raise NotThere(f"{tenant} has no workflow {name}{_among(name, self.workflows(tenant), 'workflows')}")
        return found

    def workflows(self, tenant: str) -> Sequence[str]:
        """The names of a tenant's workflows."""
        return sorted(
            document.name
            for document in self.documents.values()
            if isinstance(document, Workflow) and document.tenant == tenant
        )


def settings_for(paths: Sequence[Path] | None) -> Settings:
    """The settings of a command that works on `paths`, or, without any, on what the brokers hold."""
    settings = load_settings(without_broker=bool(paths))
    configure_logs(settings.log.format, "error")
    return settings


def read_configuration(settings: Settings, paths: Sequence[Path] | None) -> Configuration:
    """`paths` None: what is in force. Documents with a fault are told on standard error, and the command exits 1."""
    documents = _written(settings, paths) if paths else _in_force(settings)
    return Configuration(documents, build(documents.values(), 0))


def _in_force(settings: Settings) -> Mapping[str, Document]:
    return asyncio.run(read_config(client_options(settings.kafka), settings.topics.name("config"))).documents


def _written(settings: Settings, paths: Sequence[Path]) -> Mapping[str, Document]:
    written, faults = read_documents(paths)
    validation = validate(written, development=settings.environment == "development")
    faults += validation.faults
    if faults:
        tell(faults, "fault", as_json=False, to_stderr=True)
        typer.echo(f"notifier: {len(faults)} {'faults' if len(faults) > 1 else 'fault'} in --config", err=True)
        raise typer.Exit(1)
    return {document_key(document): document for document in validation.documents}


def _among(name: str, known: Sequence[str], what: str) -> str:
    return f"; {what}: {', '.join(known) or 'none'}{instead(name, known)}"
