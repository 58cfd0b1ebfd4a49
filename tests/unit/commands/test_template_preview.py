"""What `template render` says: of a draft, of what is in force, and of a tenant that texts with the built-in words."""

from __future__ import annotations

from notifier.commands.template_preview import Rendering, render
from notifier.domain import documents
from notifier.domain.catalog import TenantConfig, build
from notifier.domain.templates import compile_template

NO_CONNECTION = "mill-lodge has no Connection of its own: it texts with the built-in words, not with its Template"


def lodge(*, connected: bool, version: int | None = 3) -> TenantConfig:
    tenant = documents.Tenant(tenant="mill-lodge", platform="pms", name="Mill Lodge")
    template = documents.Template(
        tenant="mill-lodge", version=version, name="key_is_ready", body="Welcome {{firstName}}" + "!" * 150
    )
    connection = documents.Connection(
        tenant="mill-lodge", provider="twilio", account_sid="AC" + "0" * 32, auth_token="x",
        senders=(documents.Sender(from_="+15551234567"),),
    )  # fmt: skip
    return build([tenant, template, *([connection] if connected else [])], 0).tenants["mill-lodge"]


def rendered(tenant: TenantConfig, draft: str | None = None) -> Rendering:
    return render(tenant, "key_is_ready", None if draft is None else compile_template(draft), None)


def test_the_tenants_own_text_is_in_force_with_its_connection() -> None:
    found = rendered(lodge(connected=True))
    assert (found.source, found.version, found.preview.text[:12]) == ("tenant", 3, "Welcome Mara")
    assert (found.cost, found.warnings) == ({"now": 2, "withChange": 2}, ())
    assert next(found.lines()) == "mill-lodge key_is_ready: version 3"


def test_without_a_connection_the_built_in_words_are_and_that_is_said() -> None:
    found = rendered(lodge(connected=False))
    assert (found.source, found.version, found.preview.text[:10]) == ("builtin", None, "Hello Mara")
    assert found.warnings == (NO_CONNECTION,)
    assert rendered(lodge(connected=False), "Hi").warnings == (NO_CONNECTION,)


def test_a_draft_costs_what_it_costs_beside_what_is_in_force() -> None:
    found = rendered(lodge(connected=True), "Hi {{firstName}}")
    assert (found.source, found.version, found.cost) == ("draft", 3, {"now": 2, "withChange": 1})
    assert "cost: 2 segments now (version 3), 1 segment with the change" in found.lines()


def test_an_unknown_variable_is_said_once_with_the_nearest_name() -> None:
    found = rendered(lodge(connected=True), "Hi {{fristName}}{{#wifi}}x{{/wifi}}")
    assert found.warnings == (
        "fristName is unknown and renders empty; did you mean firstName?",
        "wifi is unknown and renders empty",
    )
