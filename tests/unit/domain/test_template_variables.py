"""The variables of the key templates: the table, the samples, and values that staff make up."""

from __future__ import annotations

from notifier.domain import documents
from notifier.domain.catalog import BUILTIN_TEMPLATES, TenantConfig, build
from notifier.domain.channel_rules import variables
from notifier.domain.events import Key, Person
from notifier.domain.template_variables import (
    KEY_VARIABLE_NAMES,
    KEY_VARIABLES,
    SAMPLE_KEY,
    SAMPLE_PERSON,
    sample_values,
    trial_values,
)


def hotel() -> TenantConfig:
    document = documents.Tenant(
        tenant="harbour-house", platform="pms", name="Harbour House", timezone="Europe/Oslo",
        date_time_format="%d.%m. %H:%M",
    )  # fmt: skip
    return build([document], 0).tenants["harbour-house"]


def test_the_table_has_what_real_texts_have() -> None:
    assert set(KEY_VARIABLE_NAMES) == set(variables(hotel(), SAMPLE_KEY, SAMPLE_PERSON))


def test_the_built_in_texts_use_nothing_else() -> None:
    for template in BUILTIN_TEMPLATES.values():
        assert template.template.names <= set(KEY_VARIABLE_NAMES)


def test_samples_stand_in_the_zone_and_form_of_the_tenant_and_none_is_empty() -> None:
    samples = sample_values(hotel())
    assert all(samples.values())
    assert (samples["startDate"], samples["propertyName"]) == ("04.12. 15:00", "Harbour House")


def test_what_the_table_says_of_emptiness_is_true() -> None:
    """A key made by hand, for a person without a name, and without credentials."""
    bare = Key(
        id="k", version=1, origin="manual", status="active", starts_at=SAMPLE_KEY.starts_at, ends_at=SAMPLE_KEY.ends_at,
        persons=(Person(),), space_name="Room 1",
    )  # fmt: skip
    empty = {name for name, value in variables(hotel(), bare, Person()).items() if not value}
    assert empty == {variable.name for variable in KEY_VARIABLES if variable.empty is not None}


def test_values_of_a_test_leave_the_others_empty_and_know_the_property() -> None:
    found = trial_values(hotel(), {"firstName": "Zoë", "shoeSize": 43})
    assert {name: value for name, value in found.items() if value} == {
        "firstName": "Zoë",
        "propertyName": "Harbour House",
    }
    assert set(found) == set(KEY_VARIABLE_NAMES)
    assert trial_values(hotel(), {"propertyName": "Annex"})["propertyName"] == "Annex"
