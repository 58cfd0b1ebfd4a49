"""The published schemas as an independent validator reads them, and samples that are changed in one place."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS, SAMPLES = ROOT / "schemas", ROOT / "deploy" / "samples"

Json = Any  # whatever JSON there is, right or wrong

VALUES: tuple[Json, ...] = (
    None, True, False, 0, 1, -1, 2.5, "", " ", "x", "30m", "0s", "21:00", "+12025550143", "2026-12-01T09:13:02Z",
    "key.ready", "pms", "1.0", [], ["x"], [None], {}, {"x": 1}, {"env": "X"}, {"env": "X", "file": "/x"},
)  # fmt: skip


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")))


def faults(name: str, instance: Json) -> list[str]:
    """Where an instance does not fit the schema of this name."""
    return [f"{error.json_path}: {error.message}" for error in validator(name).iter_errors(instance)]


def fits(name: str, instance: Json) -> bool:
    return bool(validator(name).is_valid(instance))


@st.composite
def changed(draw: st.DrawFn, samples: list[Json]) -> Json:
    """A sample with one or two places changed: a value replaced, a field left out, a field added."""
    value = copy.deepcopy(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(_places(value))))
        holder, last = value, path[-1]
        for part in path[:-1]:
            holder = holder[part]
        match draw(st.sampled_from(("replace", "remove", "add"))):
            case "replace":
                holder[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case "remove":
                del holder[last]
            case "add" if isinstance(holder[last], dict):
                holder[last]["surprise"] = 1
    return value


def _places(value: Json, path: tuple[Json, ...] = ()) -> Iterator[tuple[Json, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield (*path, name)
        yield from _places(part, (*path, name))
    if not path and not value:
        yield ()
