"""What the engine does with a text, one behaviour at a time, by hand: no broker, no clock, no Twilio."""

from __future__ import annotations

from notifier.domain.answers import Accepted, InDoubt, MessageMatch, NotSent, Rejected
from notifier.domain.signals import DeliveryStatus
from notifier.engine.commands import Look, Poll
from notifier.engine.inputs import Looked, SignalRecord
from tests.unit.engine.hand import Hand, hotel


def _owner(**config: object) -> Hand:
    """A hand whose partition has read its own CLAIM back."""
    return Hand(hotel(), **config)


def _status(hand: Hand, offset: int, send_id: str, status: str, attempt: int = 1) -> None:
    signal = DeliveryStatus(
        tenant="hotel", connection="hotel", notification_id=send_id, attempt=attempt,
        message_sid=f"SM{send_id[4:]}", message_status=status,
    )  # fmt: skip
    hand.give(SignalRecord(offset, signal))


def test_what_can_go_out_at_once_is_accepted_and_intended_in_one_batch() -> None:
    hand = _owner()
    hand.event("key.ready")
    with_intent = [batch for batch in hand.batches if any(record.key.startswith("n/") for record in batch)]
    assert len(with_intent) == 1
    assert {record.key.partition("/")[0] for record in with_intent[0]} == {"n", "k", "w"}
    assert [send.request.body for send in hand.sent] == [hand.sent[0].request.body]
    assert "1234" in hand.sent[0].request.body


def test_a_text_is_followed_to_its_end_and_a_late_status_changes_nothing() -> None:
    hand = _owner()
    hand.event("key.ready")
    name = hand.sent[0].request.notification_id
    hand.accept_all()
    for offset, status in enumerate(("sent", "sent", "delivered", "undelivered", "sent")):
        _status(hand, offset, name, status)
    assert hand.told() == [("accepted", None), ("sent", None), ("delivered", None)]


def test_a_callback_before_the_answer_proves_the_create() -> None:
    hand = _owner()
    hand.event("key.ready")
    send = hand.sent.pop()
    _status(hand, 0, send.request.notification_id, "sent")
    hand.answer(send, InDoubt(cause="time_out"))
    assert hand.told() == [("accepted", None), ("sent", None)]


def test_a_429_is_tried_again_after_what_twilio_asks_for() -> None:
    hand = _owner()
    hand.event("key.ready")
    hand.answer(hand.sent.pop(), NotSent(error_code=20429, retry_after=7.0, congested=True))
    hand.wait(6.9)
    assert hand.sent == []
    hand.wait(0.2)
    assert [send.request.attempt for send in hand.sent] == [2]
    assert hand.told() == [("scheduled", "retry")]


def test_texts_to_one_person_keep_their_order_and_others_do_not_wait() -> None:
    hand = _owner()
    hand.event("key.ready", "k1")
    hand.event("key.ready", "k2")
    other = [{"id": "p9", "phone": "+12025550199"}]
    hand.event("key.ready", "k3", persons=other)
    assert [send.request.to for send in hand.sent] == ["+12025550143", "+12025550199"]
    hand.answer(hand.sent.pop(0), Accepted(sid="SM1"))
    assert [send.request.to for send in hand.sent] == ["+12025550199", "+12025550143"]


def test_a_doubt_holds_later_texts_to_the_person_for_the_lane_wait_at_most() -> None:
    hand = _owner(lane_wait=45.0, list_lag=900.0, resend_after=600.0)
    hand.event("key.ready", "k1")
    hand.event("key.ready", "k2")
    hand.answer(hand.sent.pop(), InDoubt(cause="time_out"))
    hand.wait(44.0)
    assert hand.sent == []
    hand.wait(1.1)
    assert len(hand.sent) == 1


def test_a_doubt_is_settled_by_the_list_wherever_it_shows() -> None:
    hand = _owner()
    hand.event("key.ready")
    send = hand.sent.pop()
    hand.answer(send, InDoubt(cause="connection_lost"))
    looks = [command for command in hand.others if isinstance(command, Look)]
    assert len(looks) == 1
    match = MessageMatch(sid="SM77", status="sent")
    hand.give(Looked(send.request.notification_id, 1, (match,)))
    assert hand.told() == [("unknown", "connection_lost"), ("accepted", None), ("sent", None)]
    assert hand.sent == []


def test_without_evidence_a_code_is_sent_again_openly_and_not_before_resend_after() -> None:
    hand = _owner(resend_after=20.0)
    hand.event("key.ready")
    send = hand.sent.pop()
    hand.answer(send, InDoubt(cause="time_out"))
    hand.give(Looked(send.request.notification_id, 1, ()))
    hand.wait(19.0)
    assert len([command for command in hand.others if isinstance(command, Look)]) == 1
    hand.wait(1.1)
    hand.give(Looked(send.request.notification_id, 1, ()))
    hand.wait(1.0)
    assert [again.request.attempt for again in hand.sent] == [2]
    assert b"resent_without_evidence" in bytes(hand.outcomes[-1].data)


def test_a_revoked_key_forbids_the_repeat_of_a_doubt() -> None:
    hand = _owner(resend_after=20.0)
    hand.event("key.ready")
    send = hand.sent.pop()
    hand.answer(send, InDoubt(cause="time_out"))
    hand.event("key.revoked", version=2)
    hand.give(Looked(send.request.notification_id, 1, ()))
    hand.wait(21.0)
    hand.give(Looked(send.request.notification_id, 1, ()))
    assert hand.told()[-1] == ("parked", "too_late_to_repeat")
    assert hand.sent == []


def test_a_broken_connection_holds_its_texts_until_a_new_version_arrives() -> None:
    hand = _owner()
    hand.event("key.ready", "k1")
    hand.answer(hand.sent.pop(), Rejected(error_class="hold_account", error_code=20003))
    other = [{"id": "p9", "phone": "+12025550199"}]
    hand.event("key.ready", "k2", persons=other)
    assert hand.sent == []
    assert hand.told() == [("held", "connection_broken")] * 2
    hand.configure(hotel(version=2))
    hand.wait(0.01)
    assert sorted(send.request.to for send in hand.sent) == ["+12025550143", "+12025550199"]


def test_one_message_probes_a_broken_connection() -> None:
    hand = _owner(probe_every=300.0)
    for number in range(3):
        hand.event("key.ready", f"k{number}", persons=[{"id": "p", "phone": f"+1202555010{number}"}])
    for send in list(hand.sent):
        hand.answer(send, Rejected(error_class="hold_account", error_code=20003))
    hand.sent.clear()
    hand.wait(300.1)
    assert len(hand.sent) == 1
    hand.answer(hand.sent.pop(), Accepted(sid="SM1"))
    assert len(hand.sent) == 2


def test_a_sender_is_paced_in_segments_per_second() -> None:
    hand = Hand(hotel(rate=1.0))
    for number in range(3):
        hand.event("key.ready", f"k{number}", persons=[{"id": "p", "phone": f"+1202555010{number}"}])
    assert len(hand.sent) == 1
    hand.wait(0.5)
    assert len(hand.sent) == 1
    hand.wait(0.6)
    assert len(hand.sent) == 2


def test_requests_in_flight_are_limited_and_a_429_halves_the_limit() -> None:
    hand = _owner(max_in_flight=4)
    for number in range(9):
        hand.event("key.ready", f"k{number}", persons=[{"id": "p", "phone": f"+1202555010{number}"}])
    assert len(hand.sent) == 4
    hand.answer(hand.sent.pop(), NotSent(error_code=20429, retry_after=60.0, congested=True))
    hand.answer(hand.sent.pop(), Accepted(sid="SM1"))
    assert len(hand.sent) == 2


def test_a_changed_code_is_told_only_to_who_got_a_first_message() -> None:
    hand = _owner()
    hand.event("key.ready", credentials={"doorCode": None})
    assert hand.told() == [("held", "awaiting_credential")]
    hand.event("doorcode.changed", version=2, credentials={"doorCode": "9999"})
    assert [("9999" in send.request.body) for send in hand.sent] == [True]
    first = hand.sent[0].request.notification_id
    hand.accept_all()
    hand.event("doorcode.changed", version=3, credentials={"doorCode": "7777"})
    assert len(hand.sent) == 1
    assert hand.sent[0].request.notification_id != first
    assert hand.kinds().count("event.applied") == 1


def test_a_stale_version_changes_nothing_and_a_repeated_event_is_not_even_told() -> None:
    hand = _owner()
    hand.event("key.ready", version=2)
    hand.event("key.ready", version=2)
    hand.event("key.updated", version=1)
    assert len(hand.sent) == 1
    assert hand.kinds() == ["event.ignored"]


def test_silence_is_polled_less_and_less_often_and_ends_unconfirmed() -> None:
    hand = _owner(poll_after=120.0, unconfirmed_after=1_000.0)
    hand.event("key.ready")
    hand.accept_all()
    hand.wait(120.1)
    assert len([command for command in hand.others if isinstance(command, Poll)]) == 1
    hand.wait(880.0)
    assert hand.told()[-1] == ("unconfirmed", None)


def test_a_finished_text_leaves_only_its_identity() -> None:
    """Final, published, in a page: then tombstoned; the same event again is still known."""
    hand = _owner(page_after=60.0)
    hand.event("key.ready")
    name = hand.sent[0].request.notification_id
    hand.accept_all()
    _status(hand, 0, name, "delivered")
    hand.wait(61.0)
    tombstoned = [record.key for batch in hand.batches for record in batch if record.value is None]
    assert f"n/{name}" in tombstoned
    assert any(record.key.startswith("e/p") for batch in hand.batches for record in batch)
    hand.event("key.ready")
    assert hand.sent == []
    assert len(hand.told()) == 2
