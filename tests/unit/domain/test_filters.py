"""Filters: MongoDB's meaning, operator by operator."""

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.filters import FilterError, compile_filter

ORDER: dict[str, object] = {
    "id": 10421,
    "status": "shipped",
    "isDeleted": False,
    "coupon": None,
    "totalAmount": 120.5,
    "customer": {"phone": "+12025550118", "firstName": "Ada"},
    "lineItems": [
        {"name": "Monthly plan", "quantity": 1, "isSubscription": True, "tags": ["a", "b"]},
        {"name": "Test kit", "quantity": 5},
    ],
    "tags": ["new", "vip"],
    "scores": [3, 9],
    "matrix": [[1, 2], [3]],
    "shipments": [],
    "createdAt": "2025-12-01T14:05:00.000Z",
    "0": "zero",
}


def matches(query: dict[str, object], payload: dict[str, object] | None = None) -> bool:
    return compile_filter(query).matches(ORDER if payload is None else payload)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"status": "shipped"},
        {"status": "shipped", "id": 10421},
        {"customer.phone": {"$exists": True}, "isDeleted": {"$ne": True}},
        {"id": 10421.0},
        {"totalAmount": {"$gt": 100, "$lt": 121}},
        {"totalAmount": {"$gte": 120.5, "$lte": 120.5}},
        {"createdAt": {"$gte": "2025-12-01T00:00:00.000Z", "$lt": "2026"}},
        {"isDeleted": {"$lt": True}},
        {"status": {"$in": ["paid", "shipped"]}},
        {"status": {"$nin": ["paid", "new"]}},
        {"status": {"$eq": "shipped"}},
        {"id": {"$mod": [10, 1]}},
        {"totalAmount": {"$mod": [100, 20]}},
        {"$and": [{"status": "shipped"}, {"id": {"$gt": 1}}]},
        {"$or": [{"status": "paid"}, {"id": {"$gt": 1}}], "tags": "vip"},
        {"$or": [{"$and": [{"status": "shipped"}]}]},
        {"customer": {"firstName": "Ada", "phone": "+12025550118"}},
        {"0": "zero"},
    ],
)
def test_what_matches(query: dict[str, object]) -> None:
    assert matches(query)


@pytest.mark.parametrize(
    "query",
    [
        {"status": "Shipped"},
        {"status": "shipped", "id": 1},
        {"id": "10421"},
        {"id": {"$gt": 10421}},
        {"id": {"$mod": [10, 2]}},
        {"status": {"$mod": [10, 0]}},
        {"status": {"$in": []}},
        {"tags": {"$all": []}},
        {"customer": {"firstName": "Ada"}},
        {"$or": [{"status": "paid"}, {"id": 1}]},
        {"$and": [{"status": "shipped"}, {"id": 1}]},
        {"status.length": 7},
    ],
)
def test_what_does_not_match(query: dict[str, object]) -> None:
    assert not matches(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"lineItems.isSubscription": True}, True),
        ({"lineItems.quantity": {"$gt": 4}}, True),
        ({"lineItems.quantity": {"$gt": 1, "$lt": 5}}, True),  # each condition may be met by another element
        ({"lineItems.quantity": {"$ne": 5}}, False),
        ({"lineItems.quantity": {"$nin": [2, 3]}}, True),
        ({"lineItems.0.quantity": 5}, False),
        ({"lineItems.1.quantity": 5}, True),
        ({"lineItems.2.quantity": {"$exists": True}}, False),
        ({"lineItems.tags": "b"}, True),
        ({"lineItems.name": {"$all": ["Test kit", "Monthly plan"]}}, True),
        ({"tags": "vip"}, True),
        ({"tags": ["new", "vip"]}, True),
        ({"tags": ["vip", "new"]}, False),
        ({"tags": ["new"]}, False),
        ({"tags": {"$in": [["new", "vip"]]}}, True),
        ({"tags": {"$all": ["vip", "new"]}}, True),
        ({"tags": {"$all": ["vip", "old"]}}, False),
        ({"tags.1": "vip"}, True),
        ({"tags.x": "vip"}, False),
        ({"tags.²": "vip"}, False),
        ({"tags." + "9" * 5000: "vip"}, False),
        ({"scores": {"$gt": 8}}, True),
        ({"scores": {"$gt": 9}}, False),
        ({"matrix": [1, 2]}, True),
        ({"matrix": 1}, False),
        ({"shipments": []}, True),
        ({"shipments": {"$exists": True}}, True),
        ({"shipments": None}, False),
    ],
)
def test_arrays_are_looked_into_as_mongodb_does(query: dict[str, object], expected: bool) -> None:
    assert matches(query) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"coupon": None}, True),
        ({"missing": None}, True),
        ({"customer.missing": None}, True),
        ({"status": None}, False),
        ({"status.missing": None}, True),
        ({"missing": {"$exists": False}}, True),
        ({"coupon": {"$exists": True}}, True),
        ({"coupon": {"$exists": False}}, False),
        ({"missing": {"$ne": "x"}}, True),
        ({"missing": {"$ne": None}}, False),
        ({"missing": {"$nin": ["x"]}}, True),
        ({"missing": {"$nin": ["x", None]}}, False),
        ({"missing": {"$in": ["x", None]}}, True),
        ({"missing": {"$all": [None]}}, True),
        ({"missing": {"$gt": 0}}, False),
        ({"missing": {"$lte": 0}}, False),
        ({"coupon": {"$lte": 0}}, False),
        ({"missing": {"$mod": [2, 0]}}, False),
        ({"lineItems.tags": None}, True),  # one element lacks it
        ({"lineItems.tags": {"$exists": False}}, False),
        ({"shipments.id": None}, False),  # no element, so nothing that lacks it
        ({"tags.id": None}, False),
        ({"shipments.id": {"$exists": False}}, True),
        ({"shipments.id": {"$ne": None}}, True),
    ],
)
def test_missing_and_null(query: dict[str, object], expected: bool) -> None:
    assert matches(query) is expected


@pytest.mark.parametrize(
    ("value", "query"),
    [
        (True, 1),
        (1, True),
        (0, False),
        ("1", 1),
        (True, {"$gt": 0}),
        (5, {"$gt": "1"}),
        ("5", {"$gt": 1}),
        ([1], [True]),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, ["a"]),
        (["a"], {"a": 1}),
        ({}, []),
        (True, {"$mod": [1, 0]}),
        (True, {"$in": [1]}),
    ],
)
def test_only_like_types_compare_and_booleans_are_no_numbers(value: object, query: object) -> None:
    assert not matches({"x": query}, {"x": value})


@pytest.mark.parametrize(("value", "remainder"), [(-7, -1), (7, 1), (7.9, 1), (-7.9, -1), (6, 0)])
def test_mod_cuts_towards_zero_as_mongodb_does(value: float, remainder: int) -> None:
    assert matches({"x": {"$mod": [3, remainder]}}, {"x": value})
    assert matches({"x": {"$mod": [-3, remainder]}}, {"x": value})


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_numbers_beyond_json_harm_nobody(value: float) -> None:
    assert not matches({"x": {"$mod": [3, 0]}}, {"x": value})


@pytest.mark.parametrize(
    ("query", "path", "message"),
    [
        ({"a": {"$regex": "x"}}, "a.$regex", "unknown operator $regex"),
        ({"a.b": {"$elemMatch": {"c": 1}}}, "a.b.$elemMatch", "unknown operator $elemMatch"),
        ({"$nor": [{"a": 1}]}, "$nor", "unknown operator $nor"),
        ({"$or": [{"a": 1}, {"b": {"$size": 1}}]}, "$or.1.b.$size", "unknown operator $size"),
        ({"$gt": 1}, "$gt", "$gt belongs to a field"),
        ({"a": {"$or": [1]}}, "a.$or", "$or stands around fields"),
        ({"a": {"$gt": 1, "b": 2}}, "a.b", "operators and plain fields cannot be mixed"),
        ({"$and": []}, "$and", "$and takes a list of one or more query objects"),
        ({"$or": {"a": 1}}, "$or", "$or takes a list of one or more query objects"),
        ({"$or": [1]}, "$or.0", "a query object is allowed here"),
        ({"a": {"$in": "x"}}, "a.$in", "$in takes a list"),
        ({"a": {"$nin": {"x": 1}}}, "a.$nin", "$nin takes a list"),
        ({"a": {"$all": 1}}, "a.$all", "$all takes a list"),
        ({"a": {"$in": [{"$gt": 1}]}}, "a.$in.0.$gt", "no operators are allowed within a value"),
        ({"a": {"$eq": {"b": {"$x": 1}}}}, "a.$eq.b.$x", "no operators are allowed within a value"),
        ({"a": {"$exists": 1}}, "a.$exists", "$exists takes true or false"),
        ({"a": {"$gt": None}}, "a.$gt", "$gt takes a number, a text, true or false"),
        ({"a": {"$lte": [1]}}, "a.$lte", "$lte takes a number, a text, true or false"),
        ({"a": {"$lt": math.nan}}, "a.$lt", "$lt takes a number, a text, true or false"),
        ({"a": {"$mod": [0, 1]}}, "a.$mod", "$mod takes a list of two whole numbers"),
        ({"a": {"$mod": [2]}}, "a.$mod", "$mod takes a list of two whole numbers"),
        ({"a": {"$mod": [2, 0.5]}}, "a.$mod", "$mod takes a list of two whole numbers"),
        ({"a": {"$mod": [2, 1, "x"]}}, "a.$mod", "$mod takes a list of two whole numbers"),
        ({"a": {"$mod": [True, 0]}}, "a.$mod", "$mod takes a list of two whole numbers"),
        ({"a": object()}, "a", "JSON values are allowed"),
        ({"a..b": 1}, "a..b", "a path is made of names"),
        ({"": 1}, "", "a path is made of names"),
        ({1: "x"}, "1", "a field name must be text"),
        ({"a": {1: "x"}}, "a.1", "no operators are allowed within a value"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_path(query: dict[str, object], path: str, message: str) -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter(query)
    assert caught.value.path == path
    assert message in caught.value.message


def test_an_unknown_operator_is_told_the_thirteen_known_ones() -> None:
    with pytest.raises(FilterError) as caught:
        compile_filter({"a": {"$regex": "x"}})
    listed = caught.value.message.partition("allowed are ")[2].split(", ")
    assert sorted(listed) == sorted(
        ["$in", "$nin", "$exists", "$gte", "$gt", "$lte", "$lt", "$eq", "$ne", "$mod", "$all", "$and", "$or"]
    )


def test_a_query_of_endless_depth_is_refused() -> None:
    query: dict[str, object] = {"a": 1}
    value: object = 1
    for _ in range(100):
        query, value = {"$and": [query]}, [value]
    for endless in (query, {"a": value}):
        with pytest.raises(FilterError, match="nested deeper"):
            compile_filter(endless)


def test_a_compiled_filter_does_not_change_with_the_document_it_came_from() -> None:
    wanted = ["shipped"]
    compiled = compile_filter({"status": {"$in": wanted}})
    wanted.clear()
    assert compiled.matches(ORDER)


SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([-1.0, 0.5, 2.0]) | st.sampled_from(["", "a"])
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt, "$gte": operator.ge, "$lt": operator.lt, "$lte": operator.le,
}  # fmt: skip


def bracket(value: object) -> str:
    """MongoDB compares within one of these only."""
    if value is None:
        return "null"
    return "boolean" if value is True or value is False else "number" if type(value) in (int, float) else "string"


def reference(name: str, value: object, operand: object) -> bool:
    """What MongoDB's manual says of one scalar, without any of our code."""
    same = bracket(value) == bracket(operand)
    if name == "$eq":
        return same and value == operand
    if name == "$ne":
        return not (same and value == operand)
    return same and COMPARISONS[name](value, operand)


@given(st.sampled_from(["$eq", "$ne", *COMPARISONS]), SCALARS, SCALARS)
def test_scalars_compare_as_the_manual_says(name: str, value: object, operand: object) -> None:
    if name in COMPARISONS and operand is None:
        operand = 0
    assert matches({"x": {name: operand}}, {"x": value}) is reference(name, value, operand)


@given(st.lists(SCALARS, max_size=4), SCALARS)
def test_a_list_meets_a_condition_when_one_of_its_elements_does(values: list[object], operand: object) -> None:
    found = any(reference("$eq", value, operand) for value in values)
    assert matches({"x": operand}, {"x": values}) is found
    assert matches({"x": {"$ne": operand}}, {"x": values}) is not found
    assert matches({"x.y": operand}, {"x": [{"y": value} for value in values]}) is found
    assert matches({"x": {"$in": [operand, "nothing"]}}, {"x": values}) is found
    assert matches({"x": {"$nin": [operand, "nothing"]}}, {"x": values}) is not found
