"""Reports of filters: each condition by itself, in agreement with the filter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.filter_reports import Condition, conditions
from notifier.domain.filters import compile_filter

ORDER: dict[str, object] = {
    "status": "processing",
    "coupon": None,
    "lineItems": [{"price": 10}, {"price": 360}],
    "tags": ["new", "vip"],
}


def test_each_field_operator_and_part_of_and_is_told_apart() -> None:
    query = {
        "status": "shipped",
        "$and": [{"lineItems.price": {"$gte": 100, "$lt": 200}}, {"isDeleted": {"$ne": True}}],
    }
    assert conditions(query, ORDER) == (
        Condition("status", '"shipped"', False, ("processing",)),
        Condition("lineItems.price", '{"$gte": 100}', True, (10, 360)),
        Condition("lineItems.price", '{"$lt": 200}', True, (10, 360)),
        Condition("isDeleted", '{"$ne": true}', True, ()),
    )


def test_null_is_told_from_missing_and_a_list_by_its_items() -> None:
    assert [each.found for each in conditions({"coupon": 1, "nothing": 1, "tags": "vip"}, ORDER)] == [
        (None,),
        (),
        ("new", "vip"),
    ]


def test_an_or_is_one_condition() -> None:
    (only,) = conditions({"$or": [{"status": "shipped"}, {"tags": "vip"}]}, ORDER)
    assert (only.path, only.holds, only.found) == ("$or", True, ())


def test_no_query_has_no_conditions() -> None:
    assert conditions({}, ORDER) == ()


VALUES = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["a", "b"])
FIELDS = st.sampled_from(["a", "b.c"])
TESTS = VALUES | st.builds(lambda one, other: {"$ne": one, "$in": [other]}, VALUES, VALUES)
PLAIN = st.dictionaries(FIELDS, TESTS, max_size=2)
QUERIES = PLAIN | st.builds(lambda one, two: {**one, "$and": [two, one]}, PLAIN, PLAIN)
PAYLOADS = st.fixed_dictionaries({}, optional={"a": VALUES, "b": st.fixed_dictionaries({}, optional={"c": VALUES})})


@given(QUERIES, PAYLOADS)
def test_all_conditions_hold_exactly_when_the_filter_does(query: dict[str, object], payload: dict[str, object]) -> None:
    assert all(each.holds for each in conditions(query, payload)) == compile_filter(query).matches(payload)
