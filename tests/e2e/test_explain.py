"""`explain` and the repair of a dead letter on what a running daemon did: installed commands, one daemon for all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from notifier.domain.documents import Connection, Document, Workflow
from tests.brokers import Broker
from tests.e2e.events import CLINIC, care_event, key_event, order, phone
from tests.e2e.fleet import Fleet
from tests.e2e.outcomes import heard, publish, texts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

NEWCOMER = "new-house"
Story = dict[str, Any]  # Any: JSON, which is what these tests look at


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    if not broker.real:
        pytest.skip(f"needs a real Kafka, and this is {broker.kind} ({broker.why_not_real})")
    fleet = Fleet(broker.bootstrap_servers, tmp_path_factory.mktemp("explain"), partitions=2)
    fleet.tenants = ["t0", "t1", NEWCOMER]
    try:
        await fleet.prepare([document for document in _documents(fleet) if document.tenant != NEWCOMER])
        fleet.start_standin("--first-status-after", "0.1", "--next-status-after", "0.1")
        fleet.start("all")
        await fleet.ready("all")
        yield fleet
        assert fleet.fallen() == []
    finally:
        fleet.stop()


def _documents(fleet: Fleet) -> list[Document]:
    """Hotels, the second with a token that Twilio refuses; a clinic with a filter."""
    found: list[Document] = []
    for document in [*fleet.documents(), *fleet.care_documents(CLINIC)]:
        if isinstance(document, Connection) and document.tenant == "t1":
            document = msgspec.structs.replace(document, auth_token="not-this-one")
        if isinstance(document, Workflow):
            trigger = msgspec.structs.replace(document.trigger, filter={"status": {"$in": ["shipped", "sent"]}})
            document = msgspec.structs.replace(document, trigger=trigger)
        found.append(document)
    return found


async def explained(fleet: Fleet, event: str, *arguments: str) -> list[Story]:
    code, out, said = await fleet.run("explain", "--event", event, "--json", *arguments)
    assert code == 0, said
    return [json.loads(line) for line in out.splitlines()]


async def in_words(fleet: Fleet, event: str, *arguments: str) -> str:
    code, out, said = await fleet.run("explain", "--event", event, *arguments)
    assert (code, said) == (0, "")
    return out


async def test_a_text_that_went_out_is_told_from_its_arrival_to_the_phone(fleet: Fleet) -> None:
    """Every step with its time and a sentence; the person masked, also when all that is left is revealed."""
    event = key_event("key.ready", 200, 1)
    await publish(fleet, event)
    await heard(fleet, event, "notification.delivered")
    (story,) = await explained(fleet, event["id"])
    assert story["event"] == {"id": event["id"], "source": "/pms/t0", "type": "key.ready"}
    (received,) = story["received"]
    assert (received["topic"], story["tenant"]) == (fleet.topics.sources("pms")[0], "t0")
    (notification,) = story["notifications"]
    assert [step["status"] for step in notification["steps"]] == ["accepted", "sent", "delivered"]
    assert [step["meaning"] for step in notification["steps"]] == [
        "Twilio has taken the text.", "The carrier has taken the text.", "The text has reached the phone.",
    ]  # fmt: skip
    text = await in_words(fleet, event["id"], "--tenant", "t0", "--source", "/pms/t0")
    assert f"came in at {received['topic']}:{received['partition']} offset {received['offset']}" in text
    assert "sms to +1202•••0200, person p1, template key_is_ready version 0" in text
    assert phone(200) not in text
    assert "000200" not in text


async def test_what_is_held_says_why_and_what_would_change_it_and_reveal_what_is_stored(fleet: Fleet) -> None:
    event = key_event("key.ready", 201, 1, tenant="t1")
    await publish(fleet, event)
    await heard(fleet, event, "notification.held")
    text = await in_words(fleet, event["id"])
    assert "held, connection_broken (" in text
    assert "What would change it: A new version of the Connection" in text
    assert "now                       held, connection_broken" in text
    assert "of use until 2099-01-01T09:00:00Z" in text
    revealed = await in_words(fleet, event["id"], "--reveal")
    assert f"number: {phone(201)}" in revealed
    assert "text: gone: it is not made yet: it is filled in from the key when its turn comes" in revealed
    assert '"doorCode":"000201"' in revealed


async def test_nothing_happened_because_no_workflow_listens_or_its_filter_is_not_met(fleet: Fleet) -> None:
    """Judged by the configuration in force now, and said to be."""
    unheard, filtered = care_event("order.lost", 202, id=202), order(203, status="new")
    missing = order(204)
    await publish(fleet, unheard, filtered, missing)
    for event in (unheard, filtered, missing):
        await heard(fleet, event, "event.ignored")
    assert "no workflow of tenant clinic listens to order.lost (triggers: order.shipped)" in await in_words(
        fleet, unheard["id"]
    )
    (story,) = await explained(fleet, filtered["id"])
    assert [record["reason"] for record in story["records"]] == ["no_matching_workflow"]
    assert story["judgement"] == [
        'workflow shipped filters it out: status must be {"$in": ["shipped", "sent"]}, and the event has another value'
    ]
    text = await in_words(fleet, missing["id"])
    assert "by the configuration in force now (offset " in text
    assert 'status must be {"$in": ["shipped", "sent"]}, and the event has no such field' in text


async def test_an_event_that_changed_others_names_them_and_an_older_version_names_the_newer(fleet: Fleet) -> None:
    waiting = key_event("key.ready", 205, 3, credentials={"doorCode": None, "magicLink": None})
    stale, revoked = key_event("key.updated", 205, 2), key_event("key.revoked", 205, 4, status="revoked")
    await publish(fleet, waiting, stale, revoked)
    outcomes = await heard(fleet, waiting, "notification.cancelled")
    text = await in_words(fleet, revoked["id"])
    assert f"had an effect on what waited: {outcomes[0]['subject']}" in text
    assert f"{outcomes[0]['subject']}: cancelled, key_revoked: The key was withdrawn before the text went out." in text
    assert f"because of event {revoked['id']} (key.revoked of /pms/t0)" in await in_words(fleet, waiting["id"])
    older = await in_words(fleet, stale["id"])
    assert "ignored, stale_version: A newer or equal version of the same key was seen before." in older
    assert "the key now stands at version 4" in older


async def test_the_same_id_of_two_sources_is_two_stories(fleet: Fleet) -> None:
    """And a repeat is told as one, not as a story of its own."""
    one = key_event("key.ready", 206, 1)
    other = {**key_event("key.ready", 207, 1), "id": one["id"], "source": "/pms/other"}
    await publish(fleet, one, other, one)
    await heard(fleet, {"id": one["id"]}, "notification.delivered")
    stories = await explained(fleet, one["id"])
    assert [story["event"]["source"] for story in stories] == ["/pms/other", "/pms/t0"]
    assert [len(story["received"]) for story in stories] == [1, 2]
    assert "a repeat, without effect" in await in_words(fleet, one["id"])
    (alone,) = await explained(fleet, one["id"], "--source", "/pms/other")
    assert len(alone["notifications"]) == 1


async def test_of_an_unknown_event_it_is_said_where_it_was_looked_for(fleet: Fleet) -> None:
    code, out, said = await fleet.run("explain", "--event", "no-such-event", "--tenant", "t0")
    assert (code, out) == (1, "")
    lines = said.splitlines()
    assert lines[0] == "looked in:"
    assert {line.split(",")[0].strip() for line in lines[1:-1]} == {
        fleet.topics.name(role) for role in ("inbox", "results", "ledger", "dead_letters")
    }
    assert "1 partition: " in said
    assert lines[-1] == "notifier: nothing is known of event no-such-event for tenant t0"


async def test_a_dead_letter_is_explained_repaired_and_replayed_once(fleet: Fleet) -> None:
    """A tenant that was not configured yet; after the replay the guest is texted, and once, also after a second."""
    event = key_event("key.ready", 208, 1, tenant=NEWCOMER)
    await publish(fleet, event)
    (letter,) = await fleet.dead_letters(1)
    assert dict(letter.headers)["notifier-reason"] == b"unknown_tenant"
    before = await in_words(fleet, event["id"])
    assert "unknown_tenant (tenant: is not configured)" in before
    assert "there is no tenant new-house in the configuration" in before
    await fleet.configure([document for document in _documents(fleet) if document.tenant == NEWCOMER])
    assert "tenant new-house is configured" in await in_words(fleet, event["id"])
    code, out, said = await fleet.run("dead-letters", "replay", "--reason", "unknown_tenant", "--yes")
    assert (code, said) == (0, "")
    assert out == f"replayed 1 dead letter: 1 to {fleet.topics.sources('pms')[0]}\n"
    await heard(fleet, event, "notification.delivered")
    assert (await fleet.run("dead-letters", "replay", "--yes"))[0] == 1
    assert (await fleet.run("dead-letters", "replay", "--yes", "--again"))[0] == 0
    marker = key_event("key.ready", 209, 1, tenant=NEWCOMER)
    await publish(fleet, marker)
    await heard(fleet, marker, "notification.delivered")
    assert len(texts(fleet, phone(208))) == 1
    after = await in_words(fleet, event["id"])
    assert "replayed since" in after
    assert "delivered: The text has reached the phone." in after


async def test_imported_consents_count_and_the_same_file_again_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "consents.csv"
    path.write_text(f"phone,state,source,at\n{phone(210)},withdrawn,desk,2026-11-01T09:00:00Z\n", encoding="utf-8")
    for _ in range(2):
        code, out, said = await fleet.run("consent", "import", "--tenant", CLINIC, str(path))
        assert (code, out, said) == (0, "published 1: 0 given, 1 withdrawn\n", "")
    event = order(210, status="shipped")
    await publish(fleet, event)
    outcomes = await heard(fleet, event, "notification.skipped")
    assert [one["data"]["reason"] for one in outcomes if one["type"] == "notification.skipped"] == ["no_consent"]
    assert texts(fleet, phone(210)) == []
    text = await in_words(fleet, event["id"])
    assert "An event `consent.given`, or `notifier consent import`." in text
    assert "run.completed" in text
