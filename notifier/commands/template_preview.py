"""What `template render` shows: a text with its cost, now and with the change, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from notifier.domain.catalog import BUILTIN_TEMPLATES, TemplateConfig, TenantConfig
from notifier.domain.document_checks import instead
from notifier.domain.previews import ForcingCharacter, Place, Preview, preview
from notifier.domain.segments import Segments
from notifier.domain.template_variables import KEY_VARIABLE_NAMES, sample_values, trial_values
from notifier.domain.templates import Template

RULE = "-" * 60
_MOST_PLACES = 3  # of one character, on a terminal


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """`source`: draft, tenant (its Template document) or builtin; `version` is of the document in force, None when that
    is the built-in text or was not applied yet. `now`: what is in force comes to with the same values, None when that
    is what is shown."""

    tenant: str
    name: str
    source: str
    in_force: str
    version: int | None
    preview: Preview
    now: Preview | None
    warnings: tuple[str, ...]

    @property
    def cost(self) -> dict[str, int]:
        """Segments of the template in force, and of what is shown."""
        after = self.preview.segments.count
        return {"now": self.now.segments.count if self.now is not None else after, "withChange": after}

    def row(self) -> dict[str, object]:
        """For `--json`."""
        segments = self.preview.segments
        return {
            "tenant": self.tenant, "template": self.name, "source": self.source, "version": self.version,
            "text": self.preview.text, "segments": segments.count, "encoding": segments.encoding,
            "units": segments.units, "forcing": forcing_rows(self.preview), "cost": self.cost,
            "warnings": list(self.warnings),
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"{self.tenant} {self.name}: {'draft' if self.source == 'draft' else self.in_force}"
        yield from text_lines(self.preview)
        if self.now is not None:
            now, after = _cost(self.now.segments), _cost(self.preview.segments)
            yield f"cost: {now} now ({self.in_force}), {after} with the change"
        yield from (f"warning: {warning}" for warning in self.warnings)


def render(tenant: TenantConfig, name: str, draft: Template | None, given: Mapping[str, object] | None) -> Rendering:
    """`given` None: sample values. `name` is one of the key templates."""
    values = sample_values(tenant) if given is None else trial_values(tenant, given)
    # seed-systems.md A4: a tenant without a connection of its own texts with the built-in words.
    own = tenant.templates.get(name) if tenant.connection is not None else None
    in_force = (own or BUILTIN_TEMPLATES[name]).template
    template = in_force if draft is None else draft
    shown = preview(template, values)
    return Rendering(
        tenant=tenant.name,
        name=name,
        source="draft" if draft is not None else "builtin" if own is None else "tenant",
        in_force=_called(own),
        version=None if own is None else own.version or None,
        preview=shown,
        now=None if draft is None else preview(in_force, values),
        warnings=tuple(_warnings(tenant, name, template, shown, given, is_draft=draft is not None)),
    )


def text_lines(shown: Preview) -> Iterator[str]:
    """A text between two rules, what it costs, and why."""
    yield RULE
    yield shown.text
    yield RULE
    yield _measured(shown.segments)
    for character in shown.forcing:
        yield _forced(character)


def forcing_rows(shown: Preview) -> list[dict[str, object]]:
    """For `--json`."""
    return [
        {
            "character": each.character, "name": each.name, "instead": each.instead,
            "places": [_place_row(place) for place in each.places],
        }
        for each in shown.forcing
    ]  # fmt: skip


def _called(own: TemplateConfig | None) -> str:
    if own is None:
        return "the built-in text"
    return f"version {own.version}" if own.version else "as written in --config"


def _warnings(
    tenant: TenantConfig,
    name: str,
    template: Template,
    shown: Preview,
    given: Mapping[str, object] | None,
    *,
    is_draft: bool,
) -> Iterator[str]:
    unknown = sorted(template.names - set(KEY_VARIABLE_NAMES))
    for variable in unknown:
        yield f"{variable} is unknown and renders empty{instead(variable, KEY_VARIABLE_NAMES)}"
    for warning in shown.warnings:
        if warning.split(" ")[0] not in unknown:
            yield warning
    for variable in sorted(set(given or {}) - set(KEY_VARIABLE_NAMES)):
        yield f"values: {variable} is no variable of a key and is left out{instead(variable, KEY_VARIABLE_NAMES)}"
    if tenant.connection is None and (is_draft or name in tenant.templates):
        yield f"{tenant.name} has no Connection of its own: it texts with the built-in words, not with its Template"


def _measured(segments: Segments) -> str:
    single = {"GSM-7": 160, "UCS-2": 70}[segments.encoding]
    units = "septets" if segments.encoding == "GSM-7" else "characters"
    room = f" of {single}" if segments.count == 1 else ""
    return f"{_cost(segments)}, {segments.encoding}, {segments.units}{room} {units}"


def _cost(segments: Segments) -> str:
    return f"{segments.count} segment{'' if segments.count == 1 else 's'}"


def _forced(character: ForcingCharacter) -> str:
    shown = character.character if character.character.isprintable() and not character.character.isspace() else " "
    places = ", ".join(map(str, character.places[:_MOST_PLACES])) or "a value"
    more = f" and {len(character.places) - _MOST_PLACES} more" if len(character.places) > _MOST_PLACES else ""
    plain = "a plain space" if character.instead == " " else character.instead
    advice = f"; write {plain} instead" if plain is not None else ""
    return f"forces UCS-2: {shown} {character.name} ({places}{more}){advice}"


def _place_row(place: Place) -> dict[str, object]:
    if place.variable is not None:
        return {"in": "value", "variable": place.variable}
    return {"in": "template", "line": place.line, "column": place.column}
