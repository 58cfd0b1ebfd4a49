"""The schemas of events and ingest agree: what fits is accepted, and what ingest refuses does not fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings

from notifier.commands.files import read_objects
from notifier.commands.samples import event_names, sample_event
from notifier.domain.cloudevents import CONSENT_EVENT_TYPES, Refusal, read_event
from notifier.domain.events import PMS_EVENT_TYPES
from tests import poison
from tests.unit.schemas.checking import SAMPLES, Json, changed, faults, fits

STRUCTURED = [("content-type", b"application/cloudevents+json")]
OWN = sorted(PMS_EVENT_TYPES | CONSENT_EVENT_TYPES)
PMS = [sample_event(name) for name in sorted(PMS_EVENT_TYPES)]
CARE = [sample_event(name) for name in ("order.shipped", *sorted(CONSENT_EVENT_TYPES))]
BY_FALLBACK: list[Json] = [
    {**{k: v for k, v in PMS[0].items() if k != "tenant"}, "data": {**PMS[0]["data"], "propertyId": "harbour-house"}},  # type: ignore[dict-item]
    {k: v for k, v in CARE[0].items() if k != "tenant"},
]


def schema_of(event: Json) -> str:
    return f"events/{event['type']}" if event["type"] in OWN else "events/care"


def refusal(event: Json) -> Refusal | None:
    platform = "pms" if event.get("type") in PMS_EVENT_TYPES else "care"
    read = read_event(json.dumps(event).encode(), STRUCTURED, platform, 2**20)
    return read if isinstance(read, Refusal) else None


def test_there_is_a_sample_of_every_name_that_is_known() -> None:
    """seed-systems.md 2.2 and contract sections 4.1 and 5."""
    order = (
        "created", "subscription_cycle", "awaiting_payment", "processing", "awaiting_requirements",
        "awaiting_requisition", "awaiting_script", "awaiting_fulfillment", "awaiting_shipment", "shipped",
        "awaiting_results", "disqualified", "updated", "status_updated",
    )  # fmt: skip
    subscription = ("created", "active", "paused", "cancelled", "upcoming-renewal")
    others = ("customer.signup", "message.inbound", "prescription.created", "cart.checkout", "webhook.event")
    names = {*OWN, *others, *(f"order.{each}" for each in order), *(f"subscription.{each}" for each in subscription)}
    assert set(event_names()) == names


@pytest.mark.parametrize("name", event_names())
def test_every_sample_is_accepted_and_fits(name: str) -> None:
    event = sample_event(name)
    assert event["type"] == name
    assert refusal(event) is None
    assert faults(schema_of(event), event) == []
    assert faults("events", event) == []


def test_the_events_of_the_demo_fit_and_what_has_no_tenant_attribute_does_too() -> None:
    for event in [*(one.value for one in read_objects(SAMPLES / "events.yaml")), *BY_FALLBACK]:
        assert refusal(event) is None
        assert faults(schema_of(event), event) == []
        assert faults("events", event) == []


@settings(max_examples=500)
@given(changed([*PMS, *CARE, *BY_FALLBACK]))
def test_what_fits_is_accepted(event: Json) -> None:
    """And so what is refused does not fit."""
    if fits("events", event):
        assert refusal(event) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("key.ready", {"specversion": "2.0"}), ("key.ready", {"id": ""}), ("key.ready", {"source": None}),
        ("key.ready", {"time": "2026-12-01"}), ("key.ready", {"time": "1969-12-01T09:13:02Z"}),
        ("key.ready", {"tenant": None}), ("key.ready", {"data": None}), ("key.ready", {"data_base64": "e30="}),
        ("key.ready", {"type": "key.red"}), ("order.shipped", {"type": "shipped"}), ("order.shipped", {"data": []}),
        ("key.ready", {"id": "x" * 257}), ("consent.given", {"data": {"phone": "+12025550118", "source": "x"}}),
        ("consent.given", {"data": {"phone": "", "source": "x", "at": "2026-12-01T09:13:02Z"}}),
        ("credentials.shared", {"data": {"key": PMS[0]["data"]["key"], "share": None}}),  # type: ignore[index]
    ],
)  # fmt: skip
def test_what_ingest_refuses_does_not_fit(name: str, change: Json) -> None:
    event = {**sample_event(name), **change}
    assert refusal(event) is not None or change.get("type") == "key.red"
    assert not fits(f"events/{name}" if name in OWN else "events/care", event)
    if change.get("type") != "key.red":  # a care platform may have an event of this name
        assert not fits("events", event)


def test_what_a_producer_may_leave_out_or_add_is_no_fault() -> None:
    event = poison.pms_event()
    assert faults("events/key.ready", event) == []
    assert faults("events/key.ready", {**event, "traceparent": "nonsense", "partitionkey": "x"}) == []
