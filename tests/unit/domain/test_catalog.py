"""Documents compiled for the engine: defaults, references, and what is left out (contract section 5)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec.structs import replace

from notifier.domain.catalog import BUILTIN_TEMPLATES, Catalog, CatalogBuilder, build, empty
from notifier.domain.documents import (
    AdapterStep,
    BuiltinSender,
    Connection,
    ConsentPolicy,
    DelayStep,
    Document,
    Halt,
    SecretRef,
    Sender,
    Template,
    Tenant,
    Timing,
    Trigger,
    Workflow,
)

HOUSE = Tenant(tenant="house", platform="pms", name="House", timezone="Europe/Oslo", version=3)
CLINIC = Tenant(tenant="clinic", platform="care", name="Clinic")
TOKEN = SecretRef(env="TOKEN")
OWN = Connection(
    tenant="house", provider="twilio", account_sid="AC1", auth_token=TOKEN, version=2,
    senders=(Sender(from_="+15551234567", segments_per_second=2), Sender(messaging_service_sid="MG1")),
)  # fmt: skip
SHARED = Connection(tenant="platform", provider="twilio", account_sid="AC2", auth_token=TOKEN)
READY = Template(tenant="house", name="key_is_ready", body="Hi {{firstName}}", version=4)
SMS = AdapterStep(number=1, adapter="twilio", function="sendSMS", parameters={"message": "Hi", "toPhone": "{{phone}}"})
SHIPPED = Workflow(tenant="clinic", name="shipped", trigger=Trigger(type="order.shipped"), steps=(SMS,), version=5)


def built(*documents: Document) -> Catalog:
    return build(documents, 7)


def test_nothing_is_known_at_first() -> None:
    assert (empty().offset, empty().tenants, empty().faults) == (-1, {}, ())


def test_a_tenant_has_its_documents_and_the_defaults() -> None:
    catalog = built(HOUSE, OWN, READY)
    house = catalog.tenants["house"]
    assert catalog.offset == 7
    assert (house.zone, house.lead, house.consent_required) == (ZoneInfo("Europe/Oslo"), None, False)
    assert house.connection is catalog.connections["house"]
    assert house.builtin is None
    assert house.templates["key_is_ready"].template.render({"firstName": "Ada"}).text == "Hi Ada"
    assert [house.policy(class_) for class_ in ("code", "transactional", "marketing")] == [
        "resend", "resend_when_absent", "park",
    ]  # fmt: skip


def test_care_asks_for_consent_unless_it_says_otherwise() -> None:
    assert built(CLINIC).tenants["clinic"].consent_required
    assert not built(replace(CLINIC, consent=ConsentPolicy(required=False))).tenants["clinic"].consent_required


@pytest.mark.parametrize(("lead", "seconds"), [(None, None), ("0s", 0.0), ("24h", 86400.0)])
def test_no_lead_is_not_a_lead_of_zero(lead: str | None, seconds: float | None) -> None:
    assert built(replace(HOUSE, timing=Timing(lead=lead))).tenants["house"].lead == seconds


def test_the_shared_connection_is_reached_through_builtin_sender() -> None:
    sharing = replace(HOUSE, builtin_sender=BuiltinSender(connection="platform"))
    catalog = built(sharing, SHARED, OWN)
    assert catalog.tenants["house"].builtin is catalog.connections["platform"]
    assert (catalog.connections["platform"].shared, catalog.connections["house"].shared) == (True, False)
    assert built(sharing).tenants["house"].builtin is None


def test_senders_are_named_by_number_or_service() -> None:
    connection = built(HOUSE, OWN).connections["house"]
    assert [(sender.name, sender.segments_per_second) for sender in connection.senders] == [
        ("+15551234567", 2.0), ("MG1", 1.0),
    ]  # fmt: skip
    assert (connection.owner, connection.version) == ("house", 2)


def test_templates_are_code_and_of_use_until_the_key_ends_unless_they_say_otherwise() -> None:
    ready = built(HOUSE, READY).tenants["house"].templates["key_is_ready"]
    assert (ready.version, ready.class_, ready.expires_after) == (4, "code", None)
    other = built(HOUSE, replace(READY, class_="marketing", expires_after="2h"))
    changed = other.tenants["house"].templates["key_is_ready"]
    assert (changed.class_, changed.expires_after) == ("marketing", 7200.0)


def test_built_in_templates_have_version_0() -> None:
    assert {(name, each.name, each.version, each.class_) for name, each in BUILTIN_TEMPLATES.items()} == {
        ("key_is_ready", "key_is_ready", 0, "code"),
        ("doorcode_is_changed", "doorcode_is_changed", 0, "code"),
    }


def test_enabled_workflows_are_found_by_event_sorted_by_name() -> None:
    documents = [replace(SHIPPED, name=name) for name in ("c", "a", "b")]
    off = replace(SHIPPED, name="off", enabled=False)
    other = replace(SHIPPED, name="z", trigger=Trigger(type="order.created"))
    workflows = built(CLINIC, *documents, off, other).tenants["clinic"].workflows
    assert {event: [each.name for each in found] for event, found in workflows.items()} == {
        "order.shipped": ["a", "b", "c"], "order.created": ["z"],
    }  # fmt: skip


@pytest.mark.parametrize(("class_", "seconds"), [("code", 1800.0), ("transactional", 86400.0), ("marketing", 43200.0)])
def test_a_workflow_expires_by_its_class(class_: str, seconds: float) -> None:
    (workflow,) = built(CLINIC, replace(SHIPPED, class_=class_)).tenants["clinic"].workflows["order.shipped"]
    assert workflow.expires_after == seconds


def test_a_workflow_of_one_text_runs() -> None:
    (workflow,) = built(CLINIC, SHIPPED).tenants["clinic"].workflows["order.shipped"]
    assert workflow.unsupported is None
    assert workflow.step is not None
    assert (workflow.step.number, workflow.step.from_phone, workflow.version) == (1, None, 5)
    assert workflow.step.to_phone.render({"phone": "+1"}).text == "+1"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ((DelayStep(number=1, for_="1h"), replace(SMS, number=2)), "steps of kind delay do not run"),
        ((SMS, replace(SMS, number=2)), "exactly one step"),
    ],
)
def test_a_workflow_that_this_version_cannot_run_says_why(steps: tuple[AdapterStep, ...], why: str) -> None:
    (workflow,) = built(CLINIC, replace(SHIPPED, steps=steps)).tenants["clinic"].workflows["order.shipped"]
    assert workflow.step is None
    assert why in (workflow.unsupported or "")


def test_halts_are_found_by_partition() -> None:
    halt = Halt(tenant="platform", name="pms.events:0", offset=12, reason="100 unreadable records in a row")
    assert built(halt).halts == {"pms.events:0": halt}


@pytest.mark.parametrize(
    "broken",
    [
        replace(READY, body="{{#open}}"),
        replace(READY, expires_after="soon"),
        replace(OWN, senders=(Sender(),)),
        replace(OWN, senders=(Sender(from_="+1", segments_per_second=0),)),
        replace(SHIPPED, trigger=Trigger(type="a.b", filter={"x": {"$near": 1}})),
        replace(SHIPPED, steps=(replace(SMS, parameters={"message": "Hi"}),)),
    ],
)
def test_what_cannot_be_compiled_is_named_and_hides_nothing_else(broken: Document) -> None:
    catalog = built(HOUSE, CLINIC, broken)
    assert set(catalog.tenants) == {"house", "clinic"}
    assert len(catalog.faults) == 1


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Europe", "../etc/passwd", ""])
def test_a_tenant_in_no_zone_sends_nothing_but_is_not_gone(zone: str) -> None:
    """A tenant that vanishes has all that waits cancelled; a slip in its document must not do that."""
    catalog = built(replace(HOUSE, timezone=zone))
    assert not catalog.tenants["house"].document.live
    assert len(catalog.faults) == 1


class TestRebuilding:
    """The engine looks again at every tenant that is not the same object, so that unchanged ones must be."""

    def test_unchanged_tenants_stay_the_same_object(self) -> None:
        builder = CatalogBuilder()
        documents = [HOUSE, OWN, READY, CLINIC, SHIPPED]
        before = builder.build(documents, 1)
        copies = [msgspec.convert(msgspec.to_builtins(document), type(document)) for document in documents]
        after = builder.build([*copies, SHARED], 2)
        assert all(after.tenants[name] is tenant for name, tenant in before.tenants.items())
        assert (before.offset, after.offset) == (1, 2)

    @pytest.mark.parametrize(
        "change",
        [
            replace(HOUSE, live=False),
            replace(OWN, version=3),
            replace(READY, body="Hello"),
            Workflow(tenant="house", name="new", trigger=Trigger(type="a.b"), steps=(SMS,)),
        ],
        ids=["tenant", "connection", "template", "workflow"],
    )
    def test_a_changed_document_makes_a_new_tenant_of_its_own_only(self, change: Document) -> None:
        builder = CatalogBuilder()
        documents: dict[type, Document] = {type(each): each for each in (OWN, READY)}
        before = builder.build([HOUSE, CLINIC, *documents.values()], 1)
        others = [each for kind, each in documents.items() if kind is not type(change)]
        tenants = [CLINIC] if isinstance(change, Tenant) else [CLINIC, HOUSE]
        after = builder.build([*tenants, *others, change], 2)
        assert after.tenants["house"] is not before.tenants["house"]
        assert after.tenants["clinic"] is before.tenants["clinic"]

    def test_a_change_of_the_shared_connection_reaches_who_uses_it(self) -> None:
        builder = CatalogBuilder()
        sharing = replace(HOUSE, builtin_sender=BuiltinSender(connection="platform"))
        before = builder.build([sharing, SHARED, CLINIC], 1)
        after = builder.build([sharing, replace(SHARED, version=2), CLINIC], 2)
        assert after.tenants["house"] is not before.tenants["house"]
        assert after.tenants["clinic"] is before.tenants["clinic"]
