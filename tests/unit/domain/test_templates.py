"""Templates: Mustache for texts, where a value is data and nothing else."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.default_templates import DOORCODE_IS_CHANGED, KEY_IS_READY
from notifier.domain.templates import LONGEST_SOURCE, LONGEST_TEXT, TemplateSyntaxError, compile_template

ORDER = {
    "id": 10421,
    "customer": {"firstName": "Ada", "phone": "+12025550118"},
    "lineItems": [{"name": "Monthly plan", "quantity": 1}, {"name": "Test kit", "quantity": 2}],
    "tags": ["new", "vip"],
    "totalAmount": 120.5,
    "isDeleted": False,
    "coupon": "",
    "postPurchaseStatus": None,
}


def render(source: str, values: Mapping[str, object] | None = None) -> str:
    return compile_template(source).render(ORDER if values is None else values).text


def warnings(source: str, values: Mapping[str, object] | None = None) -> tuple[str, ...]:
    return compile_template(source).render(ORDER if values is None else values).warnings


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("order {{id}}", "order 10421"),
        ("{{ customer.firstName }}{{customer.firstName}}", "AdaAda"),
        ("{{lineItems.0.name}}, {{lineItems.1.name}}", "Monthly plan, Test kit"),
        ("{{tags.1}}", "vip"),
        ("{{#customer}}{{firstName}} has {{id}}{{/customer}}", "Ada has 10421"),
        ("{{#lineItems}}{{quantity}} x {{name}}; {{/lineItems}}", "1 x Monthly plan; 2 x Test kit; "),
        ("{{#tags}}[{{.}}]{{/tags}}", "[new][vip]"),
        ("{{#customer.firstName}}Hi {{.}}{{/customer.firstName}}", "Hi Ada"),
        ("{{#coupon}}with {{coupon}}{{/coupon}}{{^coupon}}no coupon{{/coupon}}", "no coupon"),
        ("{{^lineItems}}empty{{/lineItems}}", ""),
        ("{{^nothing}}a{{#id}}b{{/id}}{{/nothing}}", "ab"),
        ("a{{! a comment, even {{one like this }}b", "ab"),
        ("brackets } } { {} stay", "brackets } } { {} stay"),
    ],
)
def test_mustache(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize("source", ["{{x}}", "{{{x}}}", "{{&x}}", "{{& x }}", "{{{ x }}}"])
def test_nothing_is_escaped_whatever_the_brackets(source: str) -> None:
    assert render(source, {"x": "<b>\"Rock & Roll\"</b> 'n'"}) == "<b>\"Rock & Roll\"</b> 'n'"


def test_sections_on_lines_of_their_own_leave_no_empty_lines() -> None:
    assert (
        render("Items:\n{{#lineItems}}\n- {{name}}\n{{/lineItems}}\nBye") == "Items:\n- Monthly plan\n- Test kit\nBye"
    )


@pytest.mark.parametrize(
    ("source", "values", "text"),
    [
        ("{{firstName | lastName}}", {"firstName": "Mara", "lastName": "Lind"}, "Mara"),
        ("{{firstName|lastName}}", {"firstName": "", "lastName": "Lind"}, "Lind"),
        ("{{firstName | lastName}}", {"firstName": None, "lastName": "Lind"}, "Lind"),
        ("{{ a|b |c }}", {"c": "third"}, "third"),
        ("{{{a | b}}}", {"b": "<second>"}, "<second>"),
        ("{{a.b | c.0}}", {"a": {"b": {}}, "c": ["item"]}, "item"),
        ("{{a | b}}", {"a": 0, "b": "second"}, "0"),
        ("{{a | b}}", {}, ""),
    ],
)
def test_the_pipe_takes_the_first_that_is_not_empty(source: str, values: dict[str, object], text: str) -> None:
    assert render(source, values) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (0, "0"), (-7, "-7"), (1.5, "1.5"), (120.0, "120"), (1e21, "1e+21"), (True, "true"), (False, "false")],
)
def test_numbers_and_booleans_render_as_in_json(value: object, text: str) -> None:
    assert render("{{x}}", {"x": value}) == text


@pytest.mark.parametrize("value", [None, "", False, 0, [], {}, 0.0])
def test_a_section_does_not_show_what_is_empty(value: object) -> None:
    assert render("{{#x}}there{{/x}}{{^x}}empty{{/x}}", {"x": value}) == "empty"


@pytest.mark.parametrize("value", ["a", " ", "0", True, 3, {"a": None}])
def test_a_section_shows_what_is_there(value: object) -> None:
    assert render("{{#x}}there{{/x}}{{^x}}empty{{/x}}", {"x": value}) == "there"


@pytest.mark.parametrize(
    ("source", "warning"),
    [
        ("{{customer}}", "customer is an object: name one of its fields"),
        ("{{lineItems}}", "lineItems is a list: name one of its items, or open a section"),
        ("{{customer.nickname}}", "customer.nickname is missing: nothing is put in its place"),
        ("{{postPurchaseStatus}}", "postPurchaseStatus is missing: nothing is put in its place"),
        ("{{lineItems.2.name}}", "lineItems.2.name is missing: nothing is put in its place"),
        ("{{lineItems.-1.name}}", "lineItems.-1.name is missing: nothing is put in its place"),
        ("{{id.real}}", "id.real is missing: nothing is put in its place"),
        ("{{JSON.stringify(lineItems)}}", "JSON.stringify(lineItems) is missing: nothing is put in its place"),
        ("{{#customer}}{{.}}{{/customer}}", ". is an object: name one of its fields"),
    ],
)
def test_what_has_no_text_renders_empty_with_a_warning(source: str, warning: str) -> None:
    assert render(f"a{source}b") == "ab"
    assert warnings(source) == (warning,)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_json_does_not_know_renders_empty_with_a_warning(value: object) -> None:
    assert render("[{{x}}]", {"x": value}) == "[]"
    assert warnings("[{{x}}]", {"x": value}) == ("x has no text: nothing is put in its place",)


def test_an_empty_value_and_a_taken_alternative_need_no_warning() -> None:
    assert (
        warnings("{{coupon}}{{nothing | id}}{{nothing | coupon}}{{#nothing}}x{{/nothing}}{{^nothing}}y{{/nothing}}")
        == ()
    )


def test_a_warning_is_said_once() -> None:
    assert len(warnings("{{nothing}} {{nothing}} {{nothing | nothing}}")) == 1


def test_a_warning_never_holds_a_value() -> None:
    assert "secret" not in " ".join(warnings("{{x}}", {"x": {"secret": "secret"}}))


def test_an_inner_name_is_sought_outwards_but_a_path_is_not_pieced_together() -> None:
    """Mustache: the first name of a path decides where the rest is looked for."""
    values = {"a": {"b": {"c": "outer"}}, "inner": {"a": {"b": {}}}}
    assert render("{{#inner}}{{a.b.c}}{{/inner}}", values) == ""


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("Hi {{#a}}there", 1, 4, "the section {{#a}} is never closed"),
        ("Hi\n  {{^a}}there", 2, 3, "the section {{^a}} is never closed"),
        ("{{#a}}{{#b}}{{/a}}{{/b}}", 1, 13, "{{/a}} stands where {{/b}} is expected"),
        ("one\ntwo {{/a}}", 2, 5, "{{/a}} closes a section that was never opened"),
        ("Hi {{name", 1, 4, "a tag is opened here and never closed with }}"),
        ("Hi {{name, welcome {{to}}", 1, 4, "this tag has no name, or is never closed with }}"),
        ("Hi {{}} and {{x}}", 1, 4, "this tag has no name, or is never closed with }}"),
        ("Hi {{}} and }}", 1, 4, "this tag has no name, or is never closed with }}"),
        ("a\n\n {{> footer}}", 3, 2, "partials are not supported: put the text itself here"),
        ("{{=<% %>=}}", 1, 1, "other delimiters than {{ and }} are not supported"),
        ("{{a b}}", 1, 1, "'a b' is no name: names joined by single dots are allowed"),
        ("{{a..b}}", 1, 1, "'a..b' is no name: names joined by single dots are allowed"),
        ("{{a |}}", 1, 1, "'' is no name: names joined by single dots are allowed"),
        ("{{#a | b}}x{{/a | b}}", 1, 1, "a section takes one name; | is for variables"),
        ("{{{a}}", 1, 1, "'{a' is no name: names joined by single dots are allowed"),
    ],
)
def test_a_fault_is_named_with_line_and_column(source: str, line: int, column: int, message: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(source)
    assert (caught.value.line, caught.value.column, caught.value.message) == (line, column, message)


def test_a_template_of_endless_length_or_depth_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="longer than"):
        compile_template("x" * (LONGEST_SOURCE + 1))
    assert render("x" * LONGEST_SOURCE).startswith("xxx")
    with pytest.raises(TemplateSyntaxError, match="nested deeper"):
        compile_template("{{#a}}" * 51 + "{{/a}}" * 51)


def test_the_names_used_are_known() -> None:
    template = compile_template("{{#a}}{{b | c.d}}{{.}}{{/a}}{{^e}}{{{f}}}{{/e}}{{! g }}")
    assert template.names == {"a", "b", "c.d", "e", "f"}
    assert template.source.startswith("{{#a}}")


TAGS = ["{{x}}", "{{{x}}}", "{{#x}}", "{{/x}}", "{{^x}}", "{{=<% %>=}}", "{{> /etc/passwd}}", "{{other}}", "{{", "}}"]


@given(st.lists(st.sampled_from(TAGS) | st.text(max_size=5)).map("".join))
def test_a_value_is_never_parsed_as_a_template(value: str) -> None:
    """Whatever a guest calls himself, the text shows exactly that."""
    template = compile_template("[{{x}}|{{{x}}}|{{&x}}|{{a | x}}|{{#x}}{{.}}{{/x}}]")
    expected = f"[{value}|{value}|{value}|{value}|{value}]"
    assert template.render({"x": value, "other": "leaked"}).text == expected


class Trap:
    """An object that tells on whoever touches it."""

    secret = "leaked"

    def __call__(self, *_: object) -> str:
        return "called"


@pytest.mark.parametrize("source", ["{{x}}", "{{x.secret}}", "{{#x}}{{secret}}in{{/x}}", "{{x.__class__}}"])
def test_no_code_is_called_and_no_attribute_is_read(source: str) -> None:
    assert render(source, {"x": Trap()}) == ""


@pytest.mark.parametrize("source", ["{{tags.²}}", "{{tags." + "9" * 5000 + "}}", "{{tags.2}}"])
def test_an_index_that_is_none_finds_nothing(source: str) -> None:
    assert render(source) == ""


@pytest.mark.parametrize("source", ["{{x.__class__}}", "{{x.upper}}", "{{x.0}}"])
def test_a_text_has_no_parts(source: str) -> None:
    assert render(source, {"x": "abc"}) == ""


@given(st.lists(st.sampled_from([*TAGS, "\n", " ", "{{.}}", "{{a|b}}"])).map("".join))
def test_any_source_compiles_and_renders_or_is_refused_where_it_is_wrong(source: str) -> None:
    try:
        template = compile_template(source)
    except TemplateSyntaxError as error:
        refused_at = source.split("\n")[error.line - 1][error.column - 1 :]
    else:
        template.render({"x": ["v"]})
        return
    assert refused_at.startswith("{{")


STAY = {
    "firstName": "Mara",
    "lastName": "Lind",
    "propertyName": "Harbour House",
    "startDate": "04/12/2026 15:00",
    "endDate": "07/12/2026 10:00",
    "referenceNumber": "HBR-88121",
    "spaceName": "Room 204",
    "doorCode": "482915",
    "magicLink": "https://guest.example.com/k/5510-f3a9",
    "appLink": "https://guest.example.com/k/5510-f3a9",
}
MANUAL = {**dict.fromkeys(STAY, ""), "propertyName": "Harbour House", "doorCode": "482915"}


def test_the_built_in_text_of_a_key_tells_all_of_a_stay() -> None:
    rendered = compile_template(KEY_IS_READY).render(STAY)
    assert rendered.text == (
        "Hello Mara, your key at Harbour House is ready. You stay in Room 204. It opens from 04/12/2026 15:00 to "
        "07/12/2026 10:00. Door code: 482915. Booking: HBR-88121. "
        "Key on your phone: https://guest.example.com/k/5510-f3a9"
    )
    assert rendered.warnings == ()


def test_the_built_in_texts_leave_nothing_hanging_on_a_manual_key() -> None:
    assert render(KEY_IS_READY, MANUAL) == "Hello, your key at Harbour House is ready. Door code: 482915."
    assert render(DOORCODE_IS_CHANGED, MANUAL) == (
        "Hello, the door code of Harbour House has changed. Your new code: 482915. The old one no longer works."
    )


def test_the_built_in_texts_use_only_known_variables() -> None:
    assert compile_template(KEY_IS_READY).names | compile_template(DOORCODE_IS_CHANGED).names == set(STAY)


def test_no_more_is_kept_of_a_text_than_shows_that_it_is_too_long() -> None:
    """Twilio takes 1,600 characters and refuses more; an event may hold a hundred times as many, for each of many."""
    assert render("{{a}}", {"a": "x" * 1_600}) == "x" * 1_600
    assert render("{{a}}{{b}}", {"a": "x" * 1_600, "b": "yz"}) == "x" * 1_600 + "y"
    assert LONGEST_TEXT > 1_600
