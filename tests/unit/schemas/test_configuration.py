"""The schema of configuration and `config validate` agree, as far as one document can be judged by itself."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

from notifier.commands.documents import as_yaml, read_documents
from notifier.domain.documents import StaffDocument
from notifier.domain.shapes import misfits
from notifier.domain.validation import Written, validate
from tests.unit.schemas.checking import SAMPLES, Json, changed, faults, fits

FULL: list[Json] = [
    {
        "kind": "Tenant", "tenant": "t", "platform": "pms", "name": "T", "timezone": "Europe/Oslo",
        "dateTimeFormat": "%d/%m/%Y %H:%M", "defaultRegion": "NO", "live": True,
        "channels": {"email": True, "sms": True, "policy": "both"}, "timing": {"mode": "check_in", "lead": "24h"},
        "quietHours": {"from": "21:00", "to": "08:00", "classes": ["marketing"]}, "consent": {"required": False},
        "duplicates": {"window": "1d"}, "inDoubt": {"code": "park"}, "builtinSender": None,
    },
    {
        "kind": "Connection", "tenant": "platform", "provider": "twilio", "accountSid": "AC" + "0" * 32,
        "authToken": {"sealed": "v1:0a1b2c3d:AAAA"}, "apiKey": {"sid": "SK" + "0" * 32, "secret": {"env": "X"}},
        "senders": [{"from": "+15551234567"}, {"messagingServiceSid": "MG" + "0" * 32, "segmentsPerSecond": 30}],
    },
    {"kind": "Template", "tenant": "t", "name": "key_is_ready", "class": "code", "body": "Hi", "expiresAfter": "1h"},
    {
        "kind": "Workflow", "tenant": "t", "name": "w", "enabled": True, "class": "marketing", "runs": "latest",
        "trigger": {"type": "order.shipped", "filter": {"$or": [{"a": 1}]}}, "expiresAfter": "12h",
        "cancelOn": [{"type": "order.cancelled", "match": {"_id": "{{_id}}"}}],
        "steps": [
            {"number": 1, "kind": "delay", "for": "1h"},
            {"number": 2, "kind": "crmAction", "function": "getOrder", "parameters": {"id": "{{_id}}"}},
            {"number": 3, "kind": "condition", "logic": {"status": "x"}, "contextPath": "history.2.result",
             "ifFalseGoTo": None},
            {"number": 4, "kind": "adapter", "adapter": "twilio", "function": "sendSMS",
             "parameters": {"message": "Hi", "toPhone": "{{phone}}", "fromPhone": "+15551230000"}},
        ],
    },
]  # fmt: skip


def samples() -> list[Json]:
    written, unreadable = read_documents([SAMPLES / "tenants"])
    assert not unreadable
    return [one.value for one in written]


def is_without_fault(document: Json) -> bool:
    """Of its own: that it belongs to no tenant here is no fault of it."""
    return not [fault for fault in validate([Written(file="x", value=document)], development=True).faults
                if "there is no " not in fault.message]  # fmt: skip


def is_whole(value: Json) -> bool:
    """JSON Schema takes 1.0 for a whole number, and validation does not."""
    if isinstance(value, dict):
        return all(map(is_whole, value.values()))
    if isinstance(value, list):
        return all(map(is_whole, value))
    return not isinstance(value, float) or not value.is_integer()


@pytest.mark.parametrize("document", [*samples(), *FULL], ids=lambda document: document["kind"])
def test_a_good_document_fits_its_own_schema_and_that_of_a_file(document: Json) -> None:
    assert is_without_fault(document)
    assert faults(f"configuration/{document['kind'].lower()}", document) == []
    assert faults("configuration", document) == []
    assert faults("configuration", [document, document]) == []


@settings(max_examples=400)
@given(changed(FULL))
def test_whatever_is_refused_by_shape_is_refused_by_the_schema_and_what_is_good_is_not(document: Json) -> None:
    if misfits(document, StaffDocument):
        assert not fits("configuration", document)
    elif is_without_fault(document):
        assert faults("configuration", document) == []


WRONG: list[tuple[int, tuple[str | int, ...], Json]] = [
    (0, ("tenant",), "platform"), (0, ("name",), " "), (0, ("dateTimeFormat",), "%Q"), (0, ("defaultRegion",), "no"),
    (0, ("timing", "lead"), "24 hours"), (0, ("duplicates", "window"), "0s"), (0, ("quietHours", "from"), "9:00"),
    (0, ("quietHours", "classes"), ["urgent"]), (0, ("builtinSender",), {"connection": "t"}), (0, ("tenant",), "a/b"),
    (1, ("accountSid",), "AC1"), (1, ("authToken",), {}), (1, ("authToken",), {"env": "X", "file": "/x"}),
    (1, ("authToken",), {"env": "1X"}), (1, ("authToken",), {"sealed": "v1:x:y"}), (1, ("authToken",), {"file": " "}),
    (1, ("apiKey", "sid"), "AC" + "0" * 32), (1, ("senders", 0), {}), (1, ("senders", 0, "from"), "555"),
    (1, ("senders", 0, "messagingServiceSid"), "MG" + "0" * 32), (1, ("senders", 1, "segmentsPerSecond"), 0),
    (2, ("name",), "key_is_red"), (2, ("body",), ""), (2, ("expiresAfter",), "0h"), (2, ("class",), "loud"),
    (3, ("name",), "a b"), (3, ("trigger", "type"), "shipped"), (3, ("trigger", "type"), "consent.given"),
    (3, ("trigger", "filter", "$or"), []), (3, ("steps",), []), (3, ("steps", 0, "number"), 0),
    (3, ("steps", 0, "for"), "soon"), (3, ("steps", 1, "function"), ""), (3, ("steps", 2, "contextPath"), "a..b"),
    (3, ("steps", 2, "ifFalseGoTo"), 0), (3, ("steps", 3, "parameters"), {"message": "Hi"}),
    (3, ("steps", 3, "parameters", "phone"), "x"), (3, ("steps", 3, "adapter"), "klaviyo"),
]  # fmt: skip


@pytest.mark.parametrize(("sample", "path", "value"), WRONG)
def test_what_validation_refuses_for_its_content_the_schema_refuses_where_it_can(
    sample: int, path: tuple[Any, ...], value: Json
) -> None:
    document = copy.deepcopy(FULL[sample])
    holder = document
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    assert not is_without_fault(document)
    assert not fits("configuration", document)
    assert not fits(f"configuration/{document['kind'].lower()}", document)


@pytest.mark.parametrize("document", FULL, ids=lambda document: document["kind"])
def test_what_is_exported_fits(document: Json) -> None:
    (read,) = validate([Written(file="x", value=document)], development=True).documents
    assert faults("configuration", yaml.safe_load(as_yaml(read))) == []
