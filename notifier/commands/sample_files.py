"""The samples that come with the notifier: `deploy/samples` of a checkout, else the copy installed with the package.

`events/` has one file for each event name, `order.shipped.yaml`; `events.yaml` has a story of many.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from notifier.commands.files import JSON_ENDINGS, YAML_ENDINGS, read_objects


class NoSamples(Exception):
    """There are none; the message says where they were looked for."""


def sample_folder() -> Path:
    """Raises `NoSamples`."""
    places = (
        Path(__file__).resolve().parents[2] / "deploy" / "samples",
        Path(sysconfig.get_path("data")) / "share" / "notifier" / "samples",
    )
    for found in places:
        if (found / "tenants").is_dir():
            return found
    raise NoSamples("the samples are missing; looked in " + " and ".join(map(str, places)))


def sample_event(event_type: str) -> Mapping[str, object] | None:
    """A sample CloudEvent of this type, the first that there is; None when there is none. Raises `NoSamples`."""
    for file in _event_files(sample_folder(), event_type):
        for written in read_objects(file):
            if isinstance(written.value, dict) and written.value.get("type") == event_type:
                return written.value
    return None


def _event_files(folder: Path, event_type: str) -> Iterator[Path]:
    """Those that are named after the type first."""
    endings = (*YAML_ENDINGS, *JSON_ENDINGS)
    single = sorted(file for file in (folder / "events").rglob("*") if file.suffix in endings)
    yield from sorted(single, key=lambda file: file.name.removesuffix(file.suffix) != event_type)
    yield folder / "events.yaml"
