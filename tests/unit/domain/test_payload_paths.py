"""Paths of a payload: as templates take them, with what should not stand in a text."""

from __future__ import annotations

import pytest

from notifier.domain.payload_paths import PayloadPath, is_sensitive, payload_paths
from notifier.domain.templates import compile_template

ORDER: dict[str, object] = {
    "id": 7,
    "isDeleted": False,
    "coupon": None,
    "customer": {"firstName": "Ada"},
    "lineItems": [{"name": "Plan", "extras": {"drugName": "x"}}, {"name": "Kit"}],
    "tags": [],
}


def test_every_path_is_told_with_kind_and_sample() -> None:
    assert list(payload_paths(ORDER)) == [
        PayloadPath("id", "number", 7, False),
        PayloadPath("isDeleted", "true or false", False, False),
        PayloadPath("coupon", "nothing", None, False),
        PayloadPath("customer", "object", None, False),
        PayloadPath("customer.firstName", "text", "Ada", False),
        PayloadPath("lineItems", "list", None, False),
        PayloadPath("lineItems.0", "object", None, False),
        PayloadPath("lineItems.0.name", "text", "Plan", False),
        PayloadPath("lineItems.0.extras", "object", None, True),
        PayloadPath("lineItems.0.extras.drugName", "text", "x", True),
        PayloadPath("tags", "list", None, False),
    ]


def test_a_path_of_a_text_renders_as_its_sample() -> None:
    for path in payload_paths(ORDER):
        if path.kind == "text":
            assert compile_template("{{" + path.path + "}}").render(ORDER).text == path.sample


@pytest.mark.parametrize(
    ("path", "sensitive"),
    [
        ("dob", True),
        ("customer.dob", True),
        ("answers.q1.yes", True),
        ("drugName", True),
        ("doba", False),
        ("id", False),
    ],
)
def test_clinical_fields_are_sensitive_at_any_depth(path: str, sensitive: bool) -> None:
    assert is_sensitive(path) is sensitive
