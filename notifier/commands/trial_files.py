"""Files that staff try things with: a draft of a template, values for its variables, an event for a workflow.

Rules: a draft is the text itself, or, by the ending of its name, documents among which the template is; its last line
break is the editor's and no part of the text. An event is a CloudEvent, read as ingest would read it, or the payload
alone, which then counts as of the trigger's type. A file holds exactly one of what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.commands.files import JSON_ENDINGS, YAML_ENDINGS, Unreadable, read_objects
from notifier.domain.cloudevents import Refusal, read_event
from notifier.domain.templates import Template, TemplateSyntaxError, compile_template

_ENDINGS = (*YAML_ENDINGS, *JSON_ENDINGS)
_HEADERS = (("content-type", b"application/cloudevents+json"),)


@dataclass(frozen=True, slots=True)
class TrialEvent:
    """`origin` says where it comes from; `tenant` is None where only a payload was given."""

    origin: str
    type: str
    tenant: str | None
    data: Mapping[str, object]


def read_draft(path: Path, tenant: str, name: str) -> Template:
    """The template that is being written. Raises `Unreadable`, with the place of a fault."""
    if path.suffix.lower() in _ENDINGS:
        return _from_documents(path, tenant, name)
    body = _text(path)
    try:
        return compile_template(body)
    except TemplateSyntaxError as fault:
        raise Unreadable(str(path), fault.line, f"column {fault.column}: {fault.message}") from None


def read_values(path: Path) -> Mapping[str, object]:
    """Values by the names of variables. Raises `Unreadable`."""
    return _only_object(path, "values by the names of variables, such as firstName: Mara")


def read_trial_event(path: Path, trigger_type: str, max_bytes: int) -> TrialEvent:
    """Raises `Unreadable`."""
    return trial_event(str(path), _only_object(path, "one event"), trigger_type, max_bytes)


def trial_event(origin: str, value: Mapping[str, object], trigger_type: str, max_bytes: int) -> TrialEvent:
    """`value`: a CloudEvent, or a payload alone. Raises `Unreadable` for an event that ingest would refuse."""
    if "specversion" not in value:
        return TrialEvent(origin, trigger_type, None, value)
    encoded = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    event = read_event(encoded, _HEADERS, "care", max_bytes)
    if isinstance(event, Refusal):
        raise Unreadable(origin, None, f"{event.detail} ({event.reason})")
    data = value.get("data")
    return TrialEvent(origin, event.type, event.tenant, data if isinstance(data, dict) else {})


def _from_documents(path: Path, tenant: str, name: str) -> Template:
    wanted = {"kind": "Template", "tenant": tenant, "name": name}
    for written in read_objects(path):
        value = written.value
        if isinstance(value, dict) and all(value.get(field) == text for field, text in wanted.items()):
            body = value.get("body")
            if not isinstance(body, str):
                raise Unreadable(str(path), written.line(("body",)), "body: must be a text")
            try:
                return compile_template(body)
            except TemplateSyntaxError as fault:
                raise Unreadable(str(path), written.line(("body",)), f"body: {fault}") from None
    raise Unreadable(str(path), None, f"holds no Template of {tenant} with the name {name}")


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable(str(path), None, "must be UTF-8") from None
    except OSError as error:
        raise Unreadable(str(path), None, f"cannot be read: {error.strerror}") from None
    return text.removesuffix("\n")


def _only_object(path: Path, what: str) -> Mapping[str, object]:
    if path.suffix.lower() not in _ENDINGS:
        raise Unreadable(str(path), None, f"files that end in {', '.join(_ENDINGS)} are allowed")
    found = read_objects(path)
    value = found[0].value if len(found) == 1 else None
    if not isinstance(value, dict):
        raise Unreadable(str(path), None, f"must hold {what}, and nothing else")
    return value
