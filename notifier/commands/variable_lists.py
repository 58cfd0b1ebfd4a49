"""What `template variables` shows: of a key template from its table, of a workflow from a sample of its event."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from notifier.commands.in_force import NotThere
from notifier.commands.samples import NoSample, sample_event
from notifier.domain.catalog import TenantConfig
from notifier.domain.payload_paths import PayloadPath, payload_paths
from notifier.domain.template_variables import KEY_VARIABLES, sample_values
from notifier.domain.workflow_rules import payload_view


@dataclass(frozen=True, slots=True)
class VariableList:
    """`rows` for `--json`, `lines` for people."""

    rows: Sequence[Mapping[str, object]]
    lines: Sequence[str]


def key_variables(tenant: TenantConfig) -> VariableList:
    """The variables of the key templates, with samples as this tenant's guests would read them."""
    samples = sample_values(tenant)
    rows = [
        {"variable": each.name, "meaning": each.meaning, "empty": each.empty, "sample": samples[each.name]}
        for each in KEY_VARIABLES
    ]
    return VariableList(rows, list(_key_lines(samples)))


def payload_variables(event_type: str) -> VariableList:
    """The paths of the sample event's payload. Raises `NotThere` when no event of this type has a sample."""
    try:
        data = sample_event(event_type)["data"]
    except NoSample:
        data = None
    if not isinstance(data, dict):
        raise NotThere(
            f"there is no sample of {event_type}: any path of its payload may stand in the text;"
            " try one with notifier workflow test --event FILE"
        )
    paths = list(payload_paths(payload_view(event_type, data)))
    rows: list[Mapping[str, object]] = [
        {"variable": each.path, "kind": each.kind, "sample": each.sample, "sensitive": each.sensitive} for each in paths
    ]
    return VariableList(rows, list(_path_lines(event_type, paths)))


def _key_lines(samples: Mapping[str, str]) -> Iterator[str]:
    for each in KEY_VARIABLES:
        yield f"{each.name:<16} {each.meaning}"
        yield f"{'':<16} such as {samples[each.name]}" + (f"; empty {each.empty}" if each.empty else "")
    yield "{{firstName}} puts the value; {{firstName | lastName}} the first that is not empty;"
    yield "{{#doorCode}}…{{/doorCode}} shows only when there is one, {{^doorCode}}…{{/doorCode}} only when not."


def _path_lines(event_type: str, paths: Sequence[PayloadPath]) -> Iterator[str]:
    yield f"Any path of the payload of {event_type} may stand in the text; those of the sample:"
    width = max((len(each.path) for each in paths), default=0)
    for each in paths:
        warning = " (health data, not for a text)" if each.sensitive else ""
        yield f"{each.path:<{width}}  {_described(each)}{warning}"
    yield "Results of earlier steps stand at history.<number>.result."


def _described(path: PayloadPath) -> str:
    match path.kind:
        case "object":
            return "object: name one of its fields"
        case "list":
            return "list: name an item, such as .0, or open a section"
        case "nothing":
            return "null in the sample"
        case "text":
            return f"text, such as {path.sample}" if path.sample else "text, empty in the sample"
    return f"{path.kind}, such as {json.dumps(path.sample)}"
