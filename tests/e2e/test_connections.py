"""The states of Connections on the internal port: applied, broken at Twilio, mended, without anybody asking."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.faults import Faults
from notifier.domain.documents import BuiltinSender, Connection, Document, Tenant, document_key
from notifier.kafka.config_topic import append_config
from tests.brokers import Broker
from tests.e2e.events import key_event
from tests.e2e.fleet import Fleet, pause
from tests.e2e.outcomes import heard, publish
from tests.e2e.tenants import token_of

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

HOTEL, BORROWER = "t0", "t1"
Row = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    """Two daemons that check every second, a hotel with its own Connection and one that borrows the platform's."""
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    fleet = Fleet(
        broker.bootstrap_servers, tmp_path_factory.mktemp("connections"), partitions=2, tenants=2,
        settings={"NOTIFIER_TWILIO__CHECK_EVERY": "1s", "NOTIFIER_TWILIO__PROBE_EVERY": "1s"},
    )  # fmt: skip
    try:
        await fleet.prepare(_documents(fleet))
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        for name in ("one", "two"):
            fleet.start(name, *(() if name == "one" else ("ingest", "engine")))
        for name in ("one", "two"):
            await fleet.ready(name)
        yield fleet
        assert fleet.fallen() == []
    finally:
        fleet.stop()


def _documents(fleet: Fleet) -> list[Document]:
    hotel, own, borrower, lent = fleet.documents()
    assert isinstance(borrower, Tenant)
    assert isinstance(lent, Connection)
    return [
        hotel, own, msgspec.structs.replace(borrower, builtin_sender=BuiltinSender(connection="platform")),
        msgspec.structs.replace(lent, tenant="platform"),
    ]  # fmt: skip


def account(fleet: Fleet, tenant: str) -> Account:
    return Account(sid=fleet.account(tenant), auth_token=token_of(tenant), numbers=(fleet.number(tenant),))


async def put(fleet: Fleet, account: Account) -> None:
    async with (
        ClientSession() as session,
        session.put(fleet.standin_url + "/standin/accounts", data=msgspec.json.encode(account)) as done,
    ):
        assert done.status == 204


async def order(fleet: Fleet, faults: Faults) -> None:
    body = msgspec.json.encode({"faults": faults})
    async with ClientSession() as session, session.post(fleet.standin_url + "/standin/faults", data=body) as done:
        assert done.status == 204


async def rows(fleet: Fleet) -> dict[str, list[Row]]:
    """What each daemon says of the tenants that it sends for."""
    answers = [await fleet.get(name, "/status") for name in ("one", "two")]
    found: dict[str, list[Row]] = {}
    for row in (row for _, body in answers for row in json.loads(body)["connections"]):
        found.setdefault(row["tenant"], []).append(row)
    return found


async def metric(fleet: Fleet) -> dict[str, set[str]]:
    """The states of each tenant that any daemon's metric has."""
    found: dict[str, set[str]] = {}
    for name in ("one", "two"):
        families = text_string_to_metric_families((await fleet.get(name, "/metrics"))[1])
        family = next(one for one in families if one.name == "notifier_connection_state")
        for sample in family.samples:
            if sample.value:
                found.setdefault(sample.labels["tenant"], set()).add(sample.labels["state"])
    return found


async def until(fleet: Fleet, tenant: str, wanted: Callable[[Row], bool]) -> Row:
    """The row of this tenant, once it is so; and the metric says the same soon after."""
    async with asyncio.timeout(60):
        while True:
            found = (await rows(fleet)).get(tenant, [])
            if found and all(wanted(row) for row in found):
                break
            assert fleet.fallen() == [], fleet.logs()
            await pause(0.1)
        while (await metric(fleet)).get(tenant) != {found[0]["state"]}:
            await pause(0.1)
    return found[0]


def is_(state: str) -> Callable[[Mapping[str, object]], bool]:
    return lambda row: row["state"] == state and row["checkedAt"] is not None


async def test_each_tenant_is_told_of_by_one_daemon_and_a_borrower_is_not_connected(fleet: Fleet) -> None:
    assert (await until(fleet, HOTEL, is_("connected")))["reason"] is None
    await until(fleet, "platform", is_("connected"))
    found = await rows(fleet)
    assert len(found[HOTEL]) == len(found[BORROWER]) == 1
    assert (found[BORROWER][0]["state"], found[BORROWER][0]["builtinSender"]) == (
        "not_connected", {"connection": "platform", "state": "connected", "reason": None},
    )  # fmt: skip
    assert (await metric(fleet))[BORROWER] == {"not_connected"}


async def test_revoked_credentials_show_without_a_text_being_sent_and_so_does_their_mending(fleet: Fleet) -> None:
    well = account(fleet, HOTEL)
    await until(fleet, HOTEL, is_("connected"))
    await put(fleet, msgspec.structs.replace(well, auth_token="rotated"))
    broken = await until(fleet, HOTEL, is_("broken"))
    assert broken["reason"] == "Twilio refused the credentials (HTTP 401, error 20003)"
    await put(fleet, well)
    assert (await until(fleet, HOTEL, is_("connected")))["reason"] is None


async def test_what_sending_met_and_a_check_show_as_one_state_and_all_is_mended_together(fleet: Fleet) -> None:
    """A text that is held goes out by the probe; only then nothing speaks against the Connection any more."""
    well, event = account(fleet, HOTEL), key_event("key.ready", 1, 1, tenant=HOTEL)
    await put(fleet, msgspec.structs.replace(well, auth_token="rotated"))
    await publish(fleet, event)
    await heard(fleet, event, "notification.held")
    assert (await until(fleet, HOTEL, is_("broken")))["reason"] is not None
    await put(fleet, well)
    await heard(fleet, event, "notification.delivered")
    await until(fleet, HOTEL, is_("connected"))


async def test_a_number_given_back_is_degraded(fleet: Fleet) -> None:
    well = account(fleet, HOTEL)
    await put(fleet, msgspec.structs.replace(well, numbers=()))
    degraded = await until(fleet, HOTEL, is_("degraded"))
    assert degraded["reason"] == f"{fleet.number(HOTEL)}: is not a number of the account"
    await put(fleet, well)
    await until(fleet, HOTEL, is_("connected"))


async def test_trouble_on_the_way_changes_no_state_and_is_told(fleet: Fleet) -> None:
    await until(fleet, HOTEL, is_("connected"))
    await order(fleet, Faults(refuse_reads_with=20503))
    row = await until(fleet, HOTEL, lambda row: row["trouble"] is not None)
    assert (row["state"], row["trouble"]) == ("connected", "the answer was HTTP 503, error 20503")
    await order(fleet, Faults())
    assert (await until(fleet, HOTEL, lambda row: row["trouble"] is None))["state"] == "connected"


async def test_the_lender_s_state_stands_beside_the_borrower(fleet: Fleet) -> None:
    await put(fleet, msgspec.structs.replace(account(fleet, BORROWER), status="suspended"))
    await until(fleet, "platform", is_("broken"))
    row = await until(fleet, BORROWER, lambda row: row["builtinSender"]["state"] == "broken")
    assert (row["state"], row["builtinSender"]["reason"]) == ("not_connected", "the account is suspended")
    await put(fleet, account(fleet, BORROWER))
    await until(fleet, BORROWER, lambda row: row["builtinSender"]["state"] == "connected")


async def test_a_connection_that_is_removed_leaves_no_state_behind(fleet: Fleet) -> None:
    key = document_key(_documents(fleet)[1])
    await until(fleet, HOTEL, is_("connected"))
    await append_config(fleet.options, fleet.topics.name("config"), [(key, None)])
    row = await until(fleet, HOTEL, lambda row: row["state"] == "not_connected")
    assert (row["checkedAt"], row["reason"]) == (None, None)
