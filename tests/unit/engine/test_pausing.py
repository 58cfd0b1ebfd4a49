"""The emergency stop: what is due is held, what was posted is followed, and a resume sends the rest once."""

from __future__ import annotations

from typing import Any

from notifier.domain.answers import InDoubt, NotSent, Rejected
from notifier.domain.documents import Document, Pause
from tests.unit.engine.harness import (
    CLINIC,
    DAY,
    HOTEL,
    OTHER_PHONE,
    START,
    Shell,
    connection,
    hotel_and_clinic,
    key,
    person,
    tenant,
)

ALL = Pause(tenant="platform")


def both(*paused: str, **fields: Any) -> list[Document]:
    return [*hotel_and_clinic(), *(Pause(tenant=name) for name in paused)]


def test_nothing_of_a_paused_tenant_is_sent_and_others_go_on() -> None:
    shell = Shell(both(HOTEL)).own()
    shell.key_event("key.ready", key())
    shell.order()
    assert [request.tenant for request in shell.sends] == [CLINIC]
    assert ("held", "paused") in shell.said()


def test_a_resume_sends_what_was_held_once_in_its_order() -> None:
    shell = Shell(both(CLINIC)).own()
    for number in (1, 2):
        shell.order(number)
    shell.configure(both())
    shell.pass_time(1.0)
    shell.answer_all()
    shell.pass_time(1.0)
    shell.answer_all()
    assert [request.body for request in shell.sends] == ["Order 1", "Order 2"]
    assert shell.said().count(("held", "paused")) == 2


def test_without_a_tenant_everybody_is_paused() -> None:
    shell = Shell(both("platform")).own()
    shell.key_event("key.ready", key())
    shell.order()
    assert shell.sends == []
    shell.configure(both(HOTEL))
    assert [request.tenant for request in shell.sends] == [CLINIC]


def test_an_intent_that_is_not_posted_yet_is_taken_back() -> None:
    shell = Shell(both()).own()
    shell.hold_appends = True
    shell.order()
    shell.configure(both(CLINIC))
    shell.hold_appends = False
    while shell.appends:
        shell.acknowledge()
    shell.pass_time(1.0)
    assert shell.sends == []
    assert shell.said() == [("scheduled", "retry"), ("held", "paused")]
    shell.configure(both())
    assert [request.attempt for request in shell.sends] == [2]


def test_what_twilio_has_is_followed_to_its_end() -> None:
    shell = Shell(both()).own()
    shell.order()
    shell.answer()
    shell.configure(both(CLINIC))
    shell.callback("delivered")
    assert shell.said()[-1] == ("delivered", None)


def test_a_retry_and_a_repeat_wait_for_the_resume() -> None:
    shell = Shell(both()).own()
    shell.order(1)
    shell.answer(NotSent(error_code=20429))
    shell.configure(both(CLINIC))
    shell.pass_time(60.0)
    assert shell.said()[-1] == ("held", "paused")
    assert len(shell.sends) == 1


def test_a_doubt_is_settled_while_its_tenant_is_paused() -> None:
    shell = Shell(both()).own()
    shell.order()
    shell.answer(InDoubt(cause="time_out"))
    shell.configure(both(CLINIC))
    shell.callback("sent")
    assert shell.said()[-1] == ("sent", None)


def test_what_is_past_its_use_expires_paused_or_not() -> None:
    shell = Shell(both(CLINIC)).own()
    shell.order()
    shell.pass_time(DAY + 60.0)
    assert shell.said()[-1] == ("skipped", "expired")


def test_a_time_that_has_not_come_is_no_matter_of_the_pause() -> None:
    documents = [tenant(timing={"mode": "time_based", "lead": "1h"}), connection()]
    shell = Shell([*documents, Pause(tenant=HOTEL)]).own()
    shell.key_event("key.ready", key(starts=START + 2 * 3600.0))
    assert shell.said() == [("scheduled", "lead_time")]
    shell.pass_time(3600.0 + 60.0)
    assert shell.said()[-1] == ("held", "paused")


def test_a_changed_key_says_nothing_new_of_what_is_paused() -> None:
    shell = Shell(both(HOTEL)).own()
    shell.key_event("key.ready", key())
    shell.key_event("key.updated", key(2, spaceName="Room 7"))
    shell.pass_time(1.0)
    assert shell.said() == [("held", "paused")]


def test_a_pause_outlives_its_owner_and_so_does_the_resume() -> None:
    shell = Shell(both(CLINIC)).own()
    shell.order()
    still = shell.successor()
    assert still.sends == []
    assert still.only().hold == "paused"
    resumed = still.successor(both())
    assert len(resumed.sends) == 1


def test_a_probe_never_sends_for_a_paused_tenant() -> None:
    """On a shared connection the next tenant's text probes instead."""
    shared = [
        tenant("one", builtinSender={"connection": "platform"}),
        tenant("two", builtinSender={"connection": "platform"}),
        connection("platform"),
    ]
    shell = Shell(shared).own()
    shell.key_event("key.ready", key(), name="one")
    shell.answer(Rejected(error_class="hold_account", error_code=20003))
    shell.key_event("key.ready", key(persons=[person(phone=OTHER_PHONE)]), name="two")
    shell.configure([*shared, Pause(tenant="one")])
    shell.pass_time(2 * 300.0 + 60.0)
    assert [request.tenant for request in shell.sends] == ["one", "two"]


def test_another_tenants_text_probes_in_place_of_paused_ones() -> None:
    shared = [
        tenant("one", builtinSender={"connection": "platform"}),
        tenant("two", builtinSender={"connection": "platform"}),
        connection("platform"),
    ]
    shell = Shell(shared).own()
    for number in range(5):
        shell.key_event(
            "key.ready", key(name=f"k{number}", persons=[person(phone=f"+120255501{number:02d}")]), name="one"
        )
    shell.pass_time(1.0)
    while under_way := shell.partition.state.posted:
        ids = [request.notification_id for request in shell.sends]
        refused = Rejected(error_class="hold_account", error_code=20003)
        shell.answer(refused, send=ids.index(next(iter(under_way))))
    shell.key_event("key.ready", key(persons=[person(phone=OTHER_PHONE)]), name="two")
    shell.configure([*shared, Pause(tenant="one")])
    shell.pass_time(2 * 300.0 + 10.0)
    assert shell.sends[-1].tenant == "two"


def test_what_was_resumed_goes_on_behind_an_owner_that_wrote_nothing_of_it() -> None:
    """Its release is no news for the ledger; that the configuration was looked at is."""
    shell = Shell(both(CLINIC), max_in_flight=1).own()
    shell.order(1)
    shell.order(2, OTHER_PHONE)
    shell.configure(both())
    shell.pass_time(61.0)  # a heartbeat carries the positions
    assert len(shell.sends) == 1
    heir = shell.successor()
    heir.pass_time(10.0)
    assert [request.body for request in heir.sends] == ["Order 2"]
