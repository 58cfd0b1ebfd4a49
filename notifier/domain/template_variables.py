"""What may stand in the key templates: each variable with its meaning, when it is empty, and a sample.

Rules: names, meanings and the rule of manual keys are of seed-systems.md 1.6 and A15; samples come from a sample key by
the way that real values come (`channel_rules.variables`), so that zone and date form are the tenant's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.domain.catalog import TenantConfig
from notifier.domain.channel_rules import variables
from notifier.domain.events import Credentials, Key, Person, Reservation

_MANUAL = "on keys made by hand"


@dataclass(frozen=True, slots=True)
class KeyVariable:
    """`empty`: when a real key leaves it empty; None: never."""

    name: str
    meaning: str
    empty: str | None


KEY_VARIABLES = (
    KeyVariable("firstName", "first name of the person who is texted", "when the PMS has none"),
    KeyVariable("lastName", "last name of the person who is texted", "when the PMS has none"),
    KeyVariable("propertyName", "name of the property, from its Tenant document", None),
    KeyVariable("startDate", "when the key begins to open, in the property's time zone and date form", _MANUAL),
    KeyVariable("endDate", "when the key ends, in the property's time zone and date form", _MANUAL),
    KeyVariable("referenceNumber", "the reservation's reference number", f"{_MANUAL}, or when it has none"),
    KeyVariable("spaceName", "the room or space", f"{_MANUAL}, or when it has none"),
    KeyVariable("doorCode", "the code typed at the lock", "when only a link is allocated"),
    KeyVariable("magicLink", "the link that opens the guest app", "when only a code is allocated"),
    KeyVariable("appLink", "another name of magicLink", "when only a code is allocated"),
)
KEY_VARIABLE_NAMES = tuple(variable.name for variable in KEY_VARIABLES)

SAMPLE_PERSON = Person(id="p1", first_name="Mara", last_name="Lind", phone="+12025550143")
SAMPLE_KEY = Key(
    id="key_5510",
    version=1,
    origin="pms",
    status="upcoming",
    starts_at=datetime(2026, 12, 4, 14, 0, tzinfo=UTC),
    ends_at=datetime(2026, 12, 7, 9, 0, tzinfo=UTC),
    persons=(SAMPLE_PERSON,),
    credentials=Credentials(door_code="482915", magic_link="https://guest.example.com/k/5510"),
    space_name="Room 204",
    doors=("Room 204", "Main entrance"),
    reservation=Reservation(id="res_88121", status="reserved", reference_number="HBR-88121"),
)


def sample_values(tenant: TenantConfig) -> dict[str, str]:
    """A value for every variable, as this tenant's guests would read it."""
    return variables(tenant, SAMPLE_KEY, SAMPLE_PERSON)


def trial_values(tenant: TenantConfig, given: Mapping[str, object]) -> dict[str, object]:
    """What staff gave as values of a test, as a key could give them: unknown names are left out, the others empty.

    The property's name is known without being given.
    """
    known = {name: value for name, value in given.items() if name in KEY_VARIABLE_NAMES}
    return dict.fromkeys(KEY_VARIABLE_NAMES, "") | {"propertyName": tenant.document.name} | known
