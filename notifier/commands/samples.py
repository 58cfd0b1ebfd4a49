"""Samples that come with the notifier: tenants, a file of events for the demo, and one event for every known name.

The names are those for which there is evidence (seed-systems.md 2.2) and those of contract sections 4.1 and 5; care
tenants can use any other name, too. Each sample is complete and stands alone.
"""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path

EVENT_ENDING = ".json"


class SamplesMissing(Exception):
    """Neither beside the code nor installed with it; the message says where they were looked for."""


class NoSample(LookupError):
    """There is no sample of this name; the message lists those that there are."""


def samples_folder() -> Path:
    """`deploy/samples` of the checkout that this runs from, else the copy that was installed with the package.

    Raises `SamplesMissing`.
    """
    places = (
        Path(__file__).resolve().parents[2] / "deploy" / "samples",
        Path(sysconfig.get_path("data")) / "share" / "notifier" / "samples",
    )
    for found in places:
        if (found / "tenants").is_dir():
            return found
    raise SamplesMissing("the samples are missing; looked in " + " and ".join(map(str, places)))


def event_names() -> tuple[str, ...]:
    """Every event name that there is a sample of, sorted. Raises `SamplesMissing`."""
    found = (samples_folder() / "events").glob("*" + EVENT_ENDING)
    return tuple(sorted(path.name.removesuffix(EVENT_ENDING) for path in found))


def sample_event(name: str) -> dict[str, object]:
    """The whole CloudEvent of this name. Raises `NoSample` and `SamplesMissing`."""
    if name not in event_names():
        raise NoSample(f"there is no sample of {name}; there are: {', '.join(event_names())}")
    content: dict[str, object] = json.loads((samples_folder() / "events" / (name + EVENT_ENDING)).read_bytes())
    return content
