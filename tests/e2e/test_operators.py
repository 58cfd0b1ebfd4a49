"""What staff and operators do while a daemon runs: share a key, stop and go on, decide on what is parked, forget.

One daemon and one stand-in for all; each test has events, keys and people of its own.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from notifier.domain.documents import Document, InDoubt, Tenant
from tests.brokers import Broker
from tests.e2e.events import CLINIC, care_event, key_event, order, phone
from tests.e2e.fleet import Fleet
from tests.e2e.outcomes import heard, kinds, publish, texts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

HOTEL, OTHER_HOTEL = "t0", "t1"
UNSEEN = {"acceptThenCut": 1.0, "listLag": 100_000, "callbacksLost": 1.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    fleet = Fleet(
        broker.bootstrap_servers,
        tmp_path_factory.mktemp("operators"),
        partitions=2,
        tenants=2,
        settings={"NOTIFIER_RESULTS__HASH_KEY": "of these tests", "NOTIFIER_RECOVERY__LIST_LAG": "2s"},
    )
    try:
        await fleet.prepare(_documents(fleet))
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        yield fleet
        assert fleet.fallen() == []
    finally:
        fleet.stop()


def _documents(fleet: Fleet) -> list[Document]:
    """Two hotels, and a clinic whose texts in doubt are left to a person."""
    parks = InDoubt(transactional="park")
    return [
        msgspec.structs.replace(document, in_doubt=parks)
        if isinstance(document, Tenant) and document.tenant == CLINIC
        else document
        for document in [*fleet.documents(), *fleet.care_documents(CLINIC)]
    ]


def shared(number: int, version: int, **share: object) -> dict[str, Any]:
    """Staff press the button on a key whose guest has an address."""
    guest = {"id": "p1", "firstName": "Mara", "email": "mara@example.com", "phone": phone(number)}
    event = key_event("credentials.shared", number, version, persons=[guest])
    event["data"]["share"] = {"channel": "sms", "destination": phone(number), "personId": "p1", "staffId": "s1"} | share
    return event


async def order_faults(fleet: Fleet, **faults: object) -> None:
    body = json.dumps({"faults": faults}).encode()
    request = urllib.request.Request(fleet.standin_url + "/standin/faults", body, {"content-type": "application/json"})
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())


async def until_parked(fleet: Fleet, number: int, **faults: object) -> str:
    """An order whose text ends in doubt, with nothing to show for it; the parked notification."""
    event = order(number)
    await order_faults(fleet, **faults)
    await publish(fleet, event)
    outcomes = await heard(fleet, event, "notification.parked")
    await order_faults(fleet)
    assert outcomes[-1]["data"]["reason"] == "unresolved"
    return str(next(outcome["subject"] for outcome in outcomes if outcome["type"] == "notification.parked"))


async def test_staff_share_a_key_with_a_guest_who_has_an_address_once_in_three_minutes(fleet: Fleet) -> None:
    ready, first, again = (
        key_event("key.ready", 300, 1, persons=[{"id": "p1", "email": "mara@example.com", "phone": phone(300)}]),
        shared(300, 1),
        shared(300, 1) | {"id": "evt-300-again"},
    )
    first["id"] = "evt-300-shared"
    await publish(fleet, ready)
    assert (await heard(fleet, ready, "notification.delegated"))[-1]["data"]["reason"] == "email_first"
    await publish(fleet, first)
    assert (await heard(fleet, first, "notification.delivered"))[-1]["data"]["template"]["name"] == "key_is_ready"
    await publish(fleet, again)
    refused = (await heard(fleet, again, "notification.skipped"))[-1]["data"]
    assert refused["reason"] == "rate_limited"
    assert refused["detail"].startswith("again from ")
    assert len(texts(fleet, phone(300))) == 1


async def test_what_is_shared_by_email_is_delegated(fleet: Fleet) -> None:
    event = shared(301, 1, channel="email", destination="mara@example.com")
    await publish(fleet, event)
    assert (await heard(fleet, event, "notification.delegated"))[-1]["data"]["reason"] == "shared_by_email"


async def test_a_paused_tenant_is_sent_nothing_until_it_is_resumed(fleet: Fleet) -> None:
    event, other = key_event("key.ready", 310, 1), key_event("key.ready", 311, 1, tenant=OTHER_HOTEL)
    code, said, _ = await fleet.run("pause", "--tenant", HOTEL)
    assert (code, said.splitlines()[0]) == (0, f"paused {HOTEL}")
    await publish(fleet, event, other)
    held = await heard(fleet, event, "notification.held")
    assert held[-1]["data"]["reason"] == "paused"
    await heard(fleet, other, "notification.delivered")
    assert texts(fleet, phone(310)) == []
    assert await fleet.run("pause", "--tenant", HOTEL) == (1, "", f"notifier: {HOTEL} is paused already\n")
    code, said, _ = await fleet.run("resume", "--tenant", HOTEL, "--json")
    assert (code, json.loads(said)["resumed"]) == (0, HOTEL)
    await heard(fleet, event, "notification.delivered")
    assert len(texts(fleet, phone(310))) == 1


async def test_all_tenants_can_be_paused_together(fleet: Fleet) -> None:
    event = order(320)
    assert (await fleet.run("pause"))[0] == 0
    await publish(fleet, event)
    await heard(fleet, event, "notification.held")
    refused = await fleet.run("resume", "--tenant", CLINIC)
    all_ = "all tenants (resume without --tenant)"
    assert refused == (1, "", f"notifier: {CLINIC} is not paused; paused: {all_}\n")
    assert (await fleet.run("resume"))[0] == 0
    await heard(fleet, event, "notification.delivered")


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("clinix", "there is no tenant clinix; did you mean clinic?"),
        ("", "needs the name of a tenant; without --tenant it is for all of them"),
        ("platform", "needs the name of a tenant; without --tenant it is for all of them"),
    ],
)
async def test_a_tenant_that_is_not_there_is_not_paused(fleet: Fleet, named: str, said: str) -> None:
    assert await fleet.run("pause", "--tenant", named) == (1, "", f"notifier: --tenant: {said}\n")


async def test_what_is_in_force_can_be_exported_while_somebody_is_paused(fleet: Fleet) -> None:
    assert (await fleet.run("pause", "--tenant", OTHER_HOTEL))[0] == 0
    code, exported, errors = await fleet.run("config", "export")
    assert (code, errors) == (0, "")
    assert "kind: Pause" not in exported
    assert (await fleet.run("resume", "--tenant", OTHER_HOTEL))[0] == 0


async def test_what_nobody_created_is_sent_again_when_a_person_says_so(fleet: Fleet) -> None:
    name = await until_parked(fleet, 330, cut=1.0)
    _, listed, _ = await fleet.run("parked", "list", "--json")
    assert name in [json.loads(line)["notificationId"] for line in listed.splitlines()]
    code, said, errors = await fleet.run("parked", "resend", name)
    assert (code, errors) == (0, "")
    again = said.split()[4]
    assert said == f"{name}  sent again as {again} (accepted)\n"
    outcomes = await heard(fleet, order(330), "notification.delivered")
    last = next(outcome for outcome in outcomes if outcome["type"] == "notification.delivered")
    assert (last["subject"], last["data"]["cause"]) == (again, {"notification": name})
    assert len(texts(fleet, phone(330))) == 1
    code, _, said = await fleet.run("parked", "resend", name)
    assert code == 1
    assert said.startswith(f"notifier: not parked, or not any more: {name}")


async def test_what_twilio_shows_by_now_is_not_sent_again(fleet: Fleet) -> None:
    name = await until_parked(fleet, 331, **UNSEEN)
    code, said, _ = await fleet.run("parked", "resend", name)
    assert code == 1
    assert said.startswith(f"{name}  not sent again: Twilio has it as SM")
    assert len(texts(fleet, phone(331))) == 1
    _, listed, _ = await fleet.run("parked", "list", "--tenant", CLINIC, "--json")
    assert name not in listed


async def test_what_is_dropped_is_off_the_list(fleet: Fleet) -> None:
    name = await until_parked(fleet, 332, cut=1.0)
    code, said, _ = await fleet.run("parked", "drop", name)
    assert (code, said) == (0, f"{name}  dropped\n")
    _, listed, _ = await fleet.run("parked", "list")
    assert name not in listed
    assert texts(fleet, phone(332)) == []


async def test_a_number_is_forgotten_and_its_refusal_is_not(fleet: Fleet) -> None:
    withdrawn = care_event("consent.withdrawn", 340, phone=phone(340), source="form", at="2026-11-01T09:00:00Z")
    event = key_event("key.ready", 340, 1)
    assert (await fleet.run("pause", "--tenant", HOTEL))[0] == 0
    await publish(fleet, withdrawn, event)
    await heard(fleet, event, "notification.held")
    await heard(fleet, withdrawn, "event.applied")
    code, said, errors = await fleet.run("forget", "--phone", phone(340))
    assert (code, errors) == (0, "")
    assert [line.split()[-1] for line in said.splitlines()[:-1]] == [CLINIC, HOTEL, OTHER_HOTEL]
    cancelled = (await heard(fleet, event, "notification.cancelled"))[-1]["data"]
    assert (cancelled["reason"], cancelled["detail"]) == ("cancelled_by_event", "forgotten")
    assert (await fleet.run("resume", "--tenant", HOTEL))[0] == 0
    _, listed, _ = await fleet.run("opt-outs", "list", "--tenant", CLINIC, "--reveal")
    assert "hmac-sha256:" in listed
    assert phone(340) not in listed
    later = order(340)
    await publish(fleet, later)
    outcomes = await heard(fleet, later, "run.completed")
    assert kinds(outcomes) == ["notification.skipped", "run.completed"]
    assert outcomes[0]["data"]["reason"] == "no_consent"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--phone", "room 4"), "--phone: is no phone number"),
        (("--phone", "+12025550143", "--tenant", "clinix"), "there is no tenant clinix; did you mean clinic?"),
    ],
)
async def test_what_cannot_be_forgotten_is_said(fleet: Fleet, arguments: tuple[str, ...], said: str) -> None:
    code, _, errors = await fleet.run("forget", *arguments)
    assert code == 1
    assert said in errors


async def test_without_a_key_for_the_hash_a_person_is_warned(fleet: Fleet) -> None:
    code, _, said = await fleet.run("forget", "--phone", phone(350), "--tenant", HOTEL, NOTIFIER_RESULTS__HASH_KEY="")
    assert code == 0
    assert "NOTIFIER_RESULTS__HASH_KEY is empty" in said
