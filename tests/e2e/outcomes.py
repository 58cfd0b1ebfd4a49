"""An event in, and all that is said and texted about it: for tests that look at single events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.e2e.events import CLINIC
from tests.e2e.fleet import Fleet
from tests.e2e.traffic import Told
from tests.unit.schemas.checking import faults

SECONDS = 30.0
Outcome = dict[str, Any]  # Any: whatever JSON the daemon published, which is what these tests look at


async def publish(fleet: Fleet, *events: Mapping[str, object]) -> None:
    for event in events:
        topics = fleet.topics.sources("care" if event["tenant"] == CLINIC else "pms")
        await fleet.publish(topics[0], [event])


async def heard(fleet: Fleet, event: Mapping[str, object], until: str) -> list[Outcome]:
    """All that is published about this event, in order, once `until` was."""
    told = Told()

    def about() -> list[Outcome]:
        found: list[Outcome] = list(told.outcomes.values())
        return [outcome for outcome in found if outcome["data"].get("event", {}).get("id") == event["id"]]

    done = await fleet.listen(told, lambda _: until in kinds(about()), SECONDS)
    assert done, f"{until} was not said of {event['id']}, but {kinds(about())}\n{fleet.logs()}"
    assert told.contradictions == []
    assert [fault for outcome in about() for fault in faults(f"outcomes/{outcome['type']}", outcome)] == []
    return about()


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [str(outcome["type"]) for outcome in outcomes]


def texts(fleet: Fleet, number: str) -> list[str]:
    return [str(message["body"]) for message in fleet.messages() if message["to"] == number]
