"""Why nothing happened, by the configuration in force: sentences without any value of the event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from notifier.domain.catalog import build
from notifier.domain.documents import Document, Tenant, Workflow
from notifier.domain.events import KeyData
from notifier.domain.filter_reports import conditions
from notifier.domain.filters import compile_filter
from notifier.domain.judging import judge_care, judge_key, judge_tenant

NOW = datetime(2026, 12, 1, tzinfo=UTC).timestamp()


def workflow(name: str, filter_: dict[str, Any] | None = None, *, enabled: bool = True) -> Workflow:
    return msgspec.convert(
        {
            "kind": "Workflow", "tenant": "clinic", "name": name, "enabled": enabled, "version": 3,
            "updatedAt": "2026-11-30T08:00:00Z", "trigger": {"type": "order.shipped", "filter": filter_ or {}},
            "steps": [{"kind": "delay", "number": 1, "for": "1h"}],
        },
        Workflow,
    )  # fmt: skip


def judged(documents: list[Document], type_: str, payload: dict[str, object] | None) -> list[str]:
    return list(judge_care(documents, "clinic", type_, payload))


PAYLOAD: dict[str, object] = {"status": "new", "total": 5, "customer": {"phone": "+12025550143"}}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"status": "shipped"}, ['status must be "shipped", and the event has another value']),
        ({"state": {"$exists": True}}, ['state must be {"$exists": true}, and the event has no such field']),
        ({"total": {"$gte": 1, "$lt": 5}}, ['total must be {"$lt": 5}, and the event has another value']),
        (
            {"$and": [{"status": "new"}, {"total": 6}, {"customer.mail": {"$ne": None}}]},
            [
                "total must be 6, and the event has another value",
                'customer.mail must be {"$ne": null}, and the event has no such field',
            ],
        ),
        ({"$or": [{"status": "a"}, {"total": 6}]}, ['none of [{"status": "a"}, {"total": 6}] holds']),
        ({"$or": [{"status": "a"}, {"total": 5}]}, []),
        ({}, []),
        ({"status": "new", "total": {"$in": [5]}}, []),
    ],
)
def test_every_condition_that_is_not_met_is_named(query: dict[str, object], said: list[str]) -> None:
    """And there is none exactly when the filter matches."""
    assert [str(each) for each in conditions(query, PAYLOAD) if not each.holds] == said
    assert compile_filter(query).matches(PAYLOAD) is not bool(said)


def test_no_workflow_listens() -> None:
    assert judged([workflow("a")], "order.lost", PAYLOAD) == [
        "no workflow of tenant clinic listens to order.lost (triggers: order.shipped)"
    ]
    assert judged([], "order.lost", PAYLOAD) == [
        "no workflow of tenant clinic listens to order.lost (triggers: it has no workflows)"
    ]


def test_every_workflow_that_listens_says_why_it_would_not_start_or_that_it_would() -> None:
    documents: list[Document] = [
        workflow("d", {"$where": "1"}),
        workflow("c"),
        workflow("b", enabled=False),
        workflow("a", {"status": "shipped"}),
    ]  # fmt: skip
    stamp = "(version 3 of 2026-11-30T08:00:00+00:00)"
    assert judged(documents, "order.shipped", PAYLOAD)[:3] == [
        f'workflow a {stamp} filters it out: status must be "shipped", and the event has another value',
        f"workflow b {stamp} has this trigger and is disabled",
        f"workflow c {stamp} lets it through: it would start now",
    ]
    assert "has a filter that cannot be used: $where: unknown operator" in judged(documents, "order.shipped", {})[3]


def test_without_the_data_the_filter_is_not_judged() -> None:
    (said,) = judged([workflow("a", {"status": "shipped"})], "order.shipped", None)
    assert said.endswith("whether its filter lets the event through cannot be said, since the data is gone")


def test_the_tenant_as_a_whole() -> None:
    catalog = build([Tenant(tenant="house", platform="pms", name="House")], 1)
    assert judge_tenant(catalog, "house", "pms") is None
    assert judge_tenant(catalog, "nobody", "pms") == "there is no tenant nobody in the configuration"
    assert judge_tenant(catalog, "house", "care") == "tenant house is configured for the platform pms"


def test_each_person_of_a_key_is_judged_by_the_decision_table() -> None:
    tenant = build([Tenant(tenant="house", platform="pms", name="House")], 1).tenants["house"]
    data = msgspec.convert(
        {"key": {
            "id": "k", "version": 1, "origin": "pms", "status": "upcoming", "startsAt": "2026-12-04T15:00:00Z",
            "endsAt": "2026-12-07T10:00:00Z", "credentials": {"doorCode": "1"},
            "persons": [{"id": "p1", "email": "a@example.com"}, {"phone": "+12025550143"}, {"id": "p3"}],
        }},
        KeyData,
    )  # fmt: skip
    said = list(judge_key(tenant, "key.ready", data, NOW))
    assert [sentence.split(":")[1].strip() for sentence in said] == [
        "delegated, email_first", "skipped, sms_provider_not_connected", "skipped, no_contact",
    ]  # fmt: skip
    assert said[1].startswith("person #1: ")
    assert list(judge_key(tenant, "key.revoked", data, NOW)) == []
