"""The main job, end to end: events of both platforms in, texts out, every outcome published; one `notifier run`.

All tests share one daemon, one stand-in and their topics; each has events, keys and people of its own.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import pytest
import pytest_asyncio

from notifier.domain.documents import Connection, ConsentPolicy, Document, Tenant, Workflow
from notifier.domain.identifiers import event_subject, notification_id, run_id
from notifier.domain.phone_numbers import hash_number
from tests.brokers import Broker
from tests.e2e.events import CLINIC, care_event, key_event, order, phone
from tests.e2e.fleet import Fleet, pause
from tests.e2e.outcomes import heard, kinds, publish, texts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

HASH_KEY = "of these tests"
HOTEL, BROKEN_HOTEL = "t0", "t1"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    fleet = Fleet(
        broker.bootstrap_servers,
        tmp_path_factory.mktemp("main-job"),
        partitions=2,
        tenants=3,
        settings={"NOTIFIER_RESULTS__HASH_KEY": HASH_KEY},
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
    """Three hotels, one of them with a token that Twilio refuses; a clinic that asks for consent."""
    found: list[Document] = []
    for document in [*fleet.documents(), *fleet.care_documents(CLINIC)]:
        if isinstance(document, Tenant) and document.tenant == CLINIC:
            document = msgspec.structs.replace(document, consent=ConsentPolicy(required=True))
        if isinstance(document, Connection) and document.tenant == BROKEN_HOTEL:
            document = msgspec.structs.replace(document, auth_token="not-this-one")
        if isinstance(document, Workflow):
            trigger = msgspec.structs.replace(document.trigger, filter={"isDeleted": {"$ne": True}})
            document = msgspec.structs.replace(document, trigger=trigger)
        found.append(document)
    return found


async def test_a_ready_key_is_texted_and_followed_to_delivered(fleet: Fleet) -> None:
    """Accepted, sent, delivered, each a CloudEvent with all that the contract says and nothing of the person."""
    event = key_event("key.ready", 100, 1) | {"time": "2026-11-01T09:13:02Z", "traceparent": TRACE}
    await publish(fleet, event)
    outcomes = await heard(fleet, event, "notification.delivered")
    assert kinds(outcomes) == ["notification.accepted", "notification.sent", "notification.delivered"]
    name = notification_id(HOTEL, "/pms/t0", str(event["id"]), "key_is_ready", "p1", "sms")
    assert [outcome["id"] for outcome in outcomes] == [f"{name}:{number}" for number in (1, 2, 3)]
    last = outcomes[-1]
    times, said_at = last["data"].pop("times"), last.pop("time")
    sid = last["data"]["provider"].pop("messageSid")
    assert last == {
        "specversion": "1.0", "id": f"{name}:3", "source": "/notifier", "type": "notification.delivered",
        "tenant": HOTEL, "subject": name, "datacontenttype": "application/json", "traceparent": TRACE,
        "data": {
            "notificationId": name,
            "event": {"id": event["id"], "source": "/pms/t0", "type": "key.ready"},
            "status": "delivered", "terminal": True, "reason": None, "detail": None, "channel": "sms", "class": "code",
            "recipient": {
                "personId": "p1", "masked": "+1202•••0100", "hash": hash_number(phone(100), HASH_KEY.encode()),
            },
            "template": {"name": "key_is_ready", "version": 0}, "workflow": None,
            "segments": 1, "encoding": "GSM-7", "cause": None,
            "provider": {"name": "twilio", "status": "delivered", "errorCode": None, "errorClass": None},
            "attempt": 1,
        },
    }  # fmt: skip
    (message,) = [message for message in fleet.messages() if message["notification"] == name]
    assert (message["sid"], message["to"], message["from"]) == (sid, phone(100), fleet.number(HOTEL))
    assert "000100" in str(message["body"])
    order_of_times = [times[name] for name in ("event", "accepted", "due", "handedOver", "final")] + [said_at]
    moments = [datetime.fromisoformat(time) for time in order_of_times]
    assert moments == sorted(moments)
    assert all(moment.tzinfo is not None for moment in moments)
    assert outcomes[0]["data"]["times"]["final"] is None
    assert not [outcome for outcome in outcomes if phone(100) in json.dumps(outcome) or "000100" in json.dumps(outcome)]


async def test_a_changed_door_code_is_told_after_the_first_text(fleet: Fleet) -> None:
    """The second text carries the new code, and is a notification of its own, by the other template."""
    ready = key_event("key.ready", 101, 1)
    changed = key_event("doorcode.changed", 101, 2, credentials={"doorCode": "777123"})
    await publish(fleet, ready)
    await heard(fleet, ready, "notification.delivered")
    await publish(fleet, changed)
    last = (await heard(fleet, changed, "notification.delivered"))[-1]["data"]
    assert last["template"]["name"] == "doorcode_is_changed"
    first_text, second_text = texts(fleet, phone(101))
    assert "000101" in first_text
    assert "777123" in second_text


async def test_a_credential_that_comes_later_releases_the_same_notification(fleet: Fleet) -> None:
    """Held for its credential; the update that brings it is the cause, and the id stays that of the first event."""
    waiting = key_event("key.ready", 102, 1, credentials={"doorCode": None, "magicLink": None})
    update = key_event("key.updated", 102, 2)
    await publish(fleet, waiting)
    (held,) = await heard(fleet, waiting, "notification.held")
    assert held["data"]["reason"] == "awaiting_credential"
    await publish(fleet, update)
    outcomes = await heard(fleet, waiting, "notification.delivered")
    assert {outcome["subject"] for outcome in outcomes} == {held["subject"]}
    cause = {"event": {"id": update["id"], "source": "/pms/t0", "type": "key.updated"}}
    assert [outcome["data"]["cause"] for outcome in outcomes] == [None, cause, cause, cause]
    (applied,) = await heard(fleet, update, "event.applied")
    assert applied["data"]["affected"] == [held["subject"]]
    assert len(texts(fleet, phone(102))) == 1


async def test_a_revoked_key_cancels_what_is_held(fleet: Fleet) -> None:
    waiting = key_event("key.ready", 103, 1, credentials={"doorCode": None, "magicLink": None})
    revoked = key_event("key.revoked", 103, 2, status="revoked")
    await publish(fleet, waiting)
    await heard(fleet, waiting, "notification.held")
    await publish(fleet, revoked)
    last = (await heard(fleet, waiting, "notification.cancelled"))[-1]["data"]
    assert (last["reason"], last["terminal"]) == ("key_revoked", True)
    assert last["cause"]["event"]["id"] == revoked["id"]
    assert texts(fleet, phone(103)) == []


async def test_an_older_version_of_a_key_changes_nothing(fleet: Fleet) -> None:
    ready, stale = key_event("key.ready", 104, 5), key_event("key.updated", 104, 4)
    await publish(fleet, ready)
    await heard(fleet, ready, "notification.delivered")
    await publish(fleet, stale)
    (ignored,) = await heard(fleet, stale, "event.ignored")
    assert ignored["data"] == {
        "event": {"id": stale["id"], "source": "/pms/t0", "type": "key.updated"}, "reason": "stale_version",
    }  # fmt: skip
    assert ignored["id"] == event_subject("/pms/t0", str(stale["id"])) + ":ignored"
    assert ignored["subject"] == stale["id"]


async def test_a_repeated_event_is_only_counted(fleet: Fleet) -> None:
    """The same source and id again: no second text, no further outcome, one more in the metrics."""
    event, marker = key_event("key.ready", 105, 1), key_event("key.ready", 106, 1)
    await publish(fleet, event, event, event, marker)
    await heard(fleet, marker, "notification.delivered")
    outcomes = await heard(fleet, event, "notification.delivered")
    assert kinds(outcomes) == ["notification.accepted", "notification.sent", "notification.delivered"]
    assert len(texts(fleet, phone(105))) == 1
    _, metrics = await fleet.get("all", "/metrics")
    labels = f'result="repeated",source="{fleet.topics.sources("pms")[0]}",type="key.ready"'
    assert f"notifier_events_total{{{labels}}} 2.0\n" in metrics


async def test_a_number_that_takes_no_texts_is_undelivered(fleet: Fleet) -> None:
    """A failure that Twilio reports later keeps its code and its class."""
    persons = [{"id": "p1", "firstName": "Odd", "phone": "+15005550203"}]
    event = key_event("key.ready", 107, 1, persons=persons)
    await publish(fleet, event)
    last = (await heard(fleet, event, "notification.undelivered"))[-1]["data"]
    assert last["terminal"] is True
    assert last["reason"] == last["provider"]["errorClass"] == "bad_recipient"
    assert last["provider"]["errorCode"] == 30005


async def test_binary_mode_is_the_same_event(fleet: Fleet) -> None:
    """Attributes in headers, the trace context too, the data as the value."""
    event = key_event("key.ready", 108, 1)
    attributes = {name: str(value) for name, value in event.items() if name != "data"} | {"traceparent": TRACE}
    headers = [("ce_" + name, value.encode()) for name, value in attributes.items()]
    headers.append(("content-type", b"application/json"))
    await fleet.publish_bytes(fleet.topics.sources("pms")[0], [(b"t0", json.dumps(event["data"]).encode(), headers)])
    outcomes = await heard(fleet, event, "notification.delivered")
    assert {outcome["traceparent"] for outcome in outcomes} == {TRACE}
    assert len(texts(fleet, phone(108))) == 1


async def test_a_refused_token_holds_its_tenant_until_a_new_connection(fleet: Fleet) -> None:
    """401 from Twilio: held, `/status` says broken, others are texted; the mended Connection releases all, once."""
    events = [key_event("key.ready", number, 1, tenant=BROKEN_HOTEL) for number in (110, 111, 112)]
    healthy = key_event("key.ready", 113, 1)
    await publish(fleet, *events, healthy)
    for event in events:
        held = (await heard(fleet, event, "notification.held"))[-1]["data"]
        assert (held["reason"], held["terminal"]) == ("connection_broken", False)
    await heard(fleet, healthy, "notification.delivered")
    assert (await connection_states(fleet))[BROKEN_HOTEL] == "broken"
    assert (await connection_states(fleet))[HOTEL] == "connected"
    mended = [document for document in fleet.documents(version=2) if document.tenant == BROKEN_HOTEL]
    await fleet.configure(mended)
    for event in events:
        await heard(fleet, event, "notification.delivered")
    while (await connection_states(fleet))[BROKEN_HOTEL] != "connected":  # as soon as the new one is checked
        await pause(0.1)
    assert [len(texts(fleet, phone(number))) for number in (110, 111, 112)] == [1, 1, 1]


async def connection_states(fleet: Fleet) -> dict[str, str]:
    _, said = await fleet.get("all", "/status")
    return {connection["tenant"]: connection["state"] for connection in json.loads(said)["connections"]}


async def test_without_consent_nobody_is_texted_and_with_it_they_are(fleet: Fleet) -> None:
    """A care workflow: refused and completed at first; after consent it is texted, followed, and completed."""
    before, after = order(120), order(121) | {"traceparent": TRACE}
    after["data"]["customer"] = {"phone": phone(120)}
    given = care_event("consent.given", 120, phone=phone(120), source="checkout", at="2026-11-01T08:00:00Z")
    await publish(fleet, before)
    refused = await heard(fleet, before, "run.completed")
    (skipped,) = [outcome for outcome in refused if outcome["type"] == "notification.skipped"]
    assert skipped["data"]["reason"] == "no_consent"
    await publish(fleet, given)
    await heard(fleet, given, "event.applied")
    await publish(fleet, after)
    outcomes = await heard(fleet, after, "notification.delivered")
    run = run_id(CLINIC, "/care/clinic", str(after["id"]), "shipped")
    (completed,) = [outcome for outcome in outcomes if outcome["type"] == "run.completed"]
    assert (completed["subject"], completed["traceparent"]) == (run, TRACE)
    (delivered,) = [outcome for outcome in outcomes if outcome["type"] == "notification.delivered"]
    assert delivered["data"]["workflow"] == {"name": "shipped", "version": 1, "runId": run, "step": 1}
    assert (delivered["data"]["template"], delivered["data"]["class"]) == (None, "transactional")
    assert texts(fleet, phone(120)) == ["Order 121 is on its way"]


async def test_an_event_that_no_workflow_wants_is_ignored(fleet: Fleet) -> None:
    """By its type, or by the filter."""
    other, filtered = care_event("order.lost", 1, id=1), order(122, isDeleted=True)
    await publish(fleet, other, filtered)
    for event in (other, filtered):
        (ignored,) = await heard(fleet, event, "event.ignored")
        assert ignored["data"]["reason"] == "no_matching_workflow"


async def test_the_configuration_is_followed_without_restart(fleet: Fleet) -> None:
    """A template of the tenant's own is used from then on, with its version; UCS-2 where a character forces it."""
    template = {
        "kind": "Template", "tenant": "t2", "version": 7, "name": "key_is_ready", "class": "transactional",
        "body": "Kod {{doorCode}} ✓ " + "x" * 80,
    }  # fmt: skip
    offset = await fleet.configure([msgspec.convert(template, type=Document)])
    while json.loads((await fleet.get("all", "/status"))[1])["configOffset"] < offset:
        await pause(0.05)
    event = key_event("key.ready", 130, 1, tenant="t2")
    await publish(fleet, event)
    last = (await heard(fleet, event, "notification.delivered"))[-1]["data"]
    assert last["template"] == {"name": "key_is_ready", "version": 7}
    assert (last["class"], last["encoding"], last["segments"]) == ("transactional", "UCS-2", 2)
