"""The story of one event from its traces."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from notifier.commands.story import Story, stories_of
from notifier.commands.story_json import as_row
from notifier.commands.story_text import told
from notifier.domain.events import EventRef, InboxEvent, SourcePosition
from notifier.domain.outcomes import Outcome, Status
from notifier.engine.entities import Doubt, Notification, Positions, Stage, encode_entity
from notifier.kafka.dead_letters import DeadLetter, Origin, Position
from notifier.kafka.ledger_table import Row
from notifier.kafka.traces import Received, Refused, Said, Traces

NOW = datetime(2026, 12, 3, 14, 0, tzinfo=UTC).timestamp()
NUMBER, BODY = "+12025550143", "Your code is 482915"
EVENT = EventRef("evt-1", "/pms/harbour", "key.ready")


def received(offset: int = 88, source: str = EVENT.source, tenant: str = "harbour", source_offset: int = 7) -> Received:
    event = InboxEvent(
        id=EVENT.id, source=source, type=EVENT.type, platform="pms", tenant=tenant,
        data=msgspec.Raw(b'{"key":{"id":"k1","phone":"+12025550143"}}'),
    )  # fmt: skip
    return Received(
        5, offset, 1_796_000_000_000 + offset, event, SourcePosition("pms.events", "3@id", source_offset, 0)
    )


def said(
    sequence: int,
    status: str,
    reason: str | None = None,
    *,
    subject: str = "ntf_1",
    direct: bool = True,
    **more: object,
) -> Said:
    about = msgspec.to_builtins(EVENT) if direct else {"id": "evt-0", "source": "/pms/harbour", "type": "key.ready"}
    data = {
        "notificationId": subject, "status": status, "reason": reason, "channel": "sms", "class": "code",
        "event": about,
        "recipient": {"personId": "p1", "masked": "+1202•••0143", "hash": None}, **more,
    }  # fmt: skip
    outcome = Outcome(
        id=f"{subject}:{sequence}", type=f"notification.{status}", time=f"2026-12-03T13:0{sequence}:00.000Z",
        tenant="harbour", subject=subject, data=msgspec.Raw(msgspec.json.encode(data)),
    )  # fmt: skip
    return Said(outcome, direct)


def record(kind: str, **data: object) -> Said:
    outcome = Outcome(
        id=f"evt_x:{kind}", type=kind, time="2026-12-03T13:00:00.000Z", tenant="harbour", subject=EVENT.id,
        data=msgspec.Raw(msgspec.json.encode({"event": msgspec.to_builtins(EVENT), **data})),
    )  # fmt: skip
    return Said(outcome, direct=True)


def notification(stage: Stage, status: Status | None = None, **more: object) -> Row:
    n = Notification(
        id="ntf_1", tenant="harbour", event=EVENT, inbox=88, accepted=NOW - 60, rule="key_is_ready", key_id="k1",
        stage=stage, status=status, to=NUMBER, masked="+1202•••0143", deadline=NOW + 3_600, **more,  # type: ignore[arg-type]
    )  # fmt: skip
    return Row(5, 400, 0, "n/ntf_1", encode_entity(n))


def only(traces: Traces) -> Story:
    (story,) = stories_of(EVENT.id, traces)
    return story


def words(traces: Traces, judgement: list[str] | None = None, *, reveal: bool = False) -> str:
    return told(only(traces), judgement or [], 41, NOW, reveal=reveal)


def test_steps_stand_in_their_sequence_each_once_with_their_meaning() -> None:
    """A crash may repeat an earlier record behind a later one."""
    steps = [
        said(2, "scheduled", "retry", attempt=2),
        said(1, "scheduled", "lead_time"),
        said(3, "accepted"),
        said(1, "scheduled", "lead_time"),
    ]
    (found,) = only(Traces(received=[received()], said=steps)).notifications
    assert [step.sequence for step in found.steps] == [1, 2, 3]
    text = words(Traces(received=[received()], said=steps)).splitlines()
    assert text[0] == "event evt-1 (key.ready of /pms/harbour), tenant harbour"
    assert text[1].endswith("came in at pms.events:3 offset 7, into the inbox, partition 5 offset 88")
    assert text[3] == "notification ntf_1: sms to +1202•••0143, person p1"
    assert text[4] == (
        "  2026-12-03T13:01:00.000Z  scheduled, lead_time: It goes out at its due time, as `timing` of the tenant or a"
        " step of the workflow says."
    )


def test_what_is_not_published_yet_is_told_from_the_ledger() -> None:
    row = notification("handed", "accepted", outcomes=[said(1, "accepted").outcome], sid="SM1")
    (found,) = only(Traces(rows=[row])).notifications
    assert [step.data.status for step in found.steps] == ["accepted"]


@pytest.mark.parametrize(
    ("row", "now"),
    [
        (notification("waiting", due=NOW + 600), "due at 2026-12-03T14:10:00Z"),
        (notification("waiting", retry_at=NOW + 5, attempt=1), "attempt 2 follows at 2026-12-03T14:00:05Z"),
        (notification("waiting", due=NOW - 1), "it is due, and waits for its turn"),
        (notification("held", hold="awaiting_credential"), "held, awaiting_credential: The key has no door code"),
        (notification("sending", attempt=2, attempt_at=NOW - 2), "attempt 2 is under way, since 2026-12-03T13:59:58Z"),
        (
            notification("doubt", doubt=Doubt("time_out", NOW - 30, NOW + 870), cancel="key_revoked"),
            "in doubt (time_out), since 2026-12-03T13:59:30Z; absence of evidence counts from 2026-12-03T14:14:30Z",
        ),
        (notification("handed", sid="SM1", provider_status="sent"), "Twilio has it, as SM1 (sent)"),
        (
            notification("final", "parked", parked_until=NOW + 86_400),
            "parked: it can be resent or dropped until 2026-12-04T14:00:00Z",
        ),
    ],
    ids=lambda value: value.key if isinstance(value, Row) else value.split(",")[0][:20],
)  # fmt: skip
def test_where_it_stands_now_is_said(row: Row, now: str) -> None:
    assert f"  now                       {now}" in words(Traces(rows=[row]))


def test_numbers_and_texts_are_masked_unless_they_are_revealed() -> None:
    traces = Traces(
        received=[received()], said=[said(1, "held", "paused")], rows=[notification("held", "held", body=BODY)]
    )
    row = as_row(only(traces), [], 41, NOW, reveal=False)
    for hidden in (words(traces), json.dumps(row)):
        assert NUMBER not in hidden
        assert "482915" not in hidden
    for shown in (words(traces, reveal=True), json.dumps(as_row(only(traces), [], 41, NOW, reveal=True))):
        assert NUMBER in shown
        assert BODY in shown


def test_what_is_gone_is_said_to_be_gone_and_why() -> None:
    provider = {"name": "twilio", "messageSid": "SM1", "status": "delivered", "errorCode": None, "errorClass": None}
    over = Traces(said=[said(1, "delivered", provider=provider)], pages={EVENT.source: NOW + 86_400})
    text = words(over, reveal=True)
    assert "where it came in is not known any more: the inbox keeps events for 7 days" in text
    assert "a repeat is recognised until 2026-12-04T14:00:00Z" in text
    assert "text: gone: it is over and its outcomes are published" in text
    assert "Twilio's log of SM1 may still show it" in text
    assert "data: gone: the inbox keeps events for 7 days" in text
    handed = words(Traces(rows=[notification("handed", sid="SM1")]), reveal=True)
    assert f"number: {NUMBER}" in handed
    assert "text: gone: it is kept only until Twilio has it" in handed


def test_a_failure_names_twilios_code_and_what_would_change_it() -> None:
    provider = {"name": "twilio", "messageSid": None, "status": None, "errorCode": 21614, "errorClass": "bad_recipient"}
    text = words(Traces(said=[said(1, "failed", "bad_recipient", provider=provider)]))
    assert "Twilio error 21614: the recipient's number is not a mobile number" in text
    assert "What would change it: A corrected number in a new event" in text


def test_the_same_id_of_other_tenants_and_sources_is_another_story() -> None:
    traces = Traces(received=[received(), received(source="/pms/b"), received(tenant="c")])
    assert [(story.tenant, story.source) for story in stories_of(EVENT.id, traces)] == [
        ("c", "/pms/harbour"), ("harbour", "/pms/b"), ("harbour", "/pms/harbour"),
    ]  # fmt: skip


def test_a_repeat_is_told_from_a_record_that_was_read_again() -> None:
    text = words(Traces(received=[received(90, source_offset=9), received(88), received(89)]))
    assert [line[28:] for line in text.splitlines()[1:4]] == [
        "came in at pms.events:3 offset 7, into the inbox, partition 5 offset 88",
        "read again from pms.events:3 offset 7: counted, without effect",
        "came again at pms.events:3 offset 9: a repeat, without effect",
    ]


@pytest.mark.parametrize(("next_offset", "waits"), [(88, True), (89, False), (None, True)])
def test_whether_the_engine_has_come_to_it_is_told_by_its_position(next_offset: int | None, waits: bool) -> None:
    traces = Traces(received=[received()], positions={5: Positions(inbox=next_offset)})
    assert only(traces).waits_in_inbox is waits
    assert ("the engine has not come to it yet" in words(traces)) is waits


def test_what_it_changed_of_other_events_is_its_story_too() -> None:
    traces = Traces(
        received=[received()],
        said=[
            record("event.applied", affected=["ntf_0"]),
            said(
                2,
                "cancelled",
                "key_revoked",
                subject="ntf_0",
                direct=False,
                cause={"event": msgspec.to_builtins(EVENT)},
            ),
        ],
    )
    story = only(traces)
    assert (story.notifications, [step.subject for step in story.changed]) == ([], ["ntf_0"])
    text = words(traces)
    assert "had an effect on what waited: ntf_0" in text
    assert "ntf_0: cancelled, key_revoked: The key was withdrawn before the text went out." in text


def test_an_ignored_event_says_why_and_how_it_would_be_now() -> None:
    text = words(Traces(said=[record("event.ignored", reason="no_effect")]), ["there is no tenant x"])
    assert "ignored, no_effect: It was read and changed nothing" in text
    assert "Everybody of the key had been told" in text
    assert "by the configuration in force now (offset 41), which may not be the one of then:" in text
    assert text.endswith("there is no tenant x")


def letter(reason: str = "unknown_tenant") -> DeadLetter:
    return DeadLetter(
        position=Position(0, 12), origin=Origin("pms.events", 3, 7), reason=reason, detail="tenant: is not configured",
        time="2026-12-01T09:00:00.500000+00:00", key=None, headers=(), size=3, truncated=None,
    )  # fmt: skip


@pytest.mark.parametrize("replayed", [True, False])
def test_a_dead_letter_is_told_with_what_mends_it(replayed: bool) -> None:
    text = words(Traces(refused=[Refused(letter(), "/pms/harbour", "key.ready", "harbour", replayed)]))
    assert "refused: dead letter 0:12 of pms.events:3 offset 7" in text
    assert "unknown_tenant (tenant: is not configured): The tenant is not configured" in text
    assert ("notifier dead-letters replay" in text) is not replayed
    assert ("replayed since" in text) is replayed


def test_broken_text_with_the_id_may_be_the_event() -> None:
    story = only(Traces(refused=[Refused(letter("not_json"), None, None, None, False)]))
    assert "it may be this event or another" in told(story, [], 41, NOW, reveal=False)
    assert as_row(story, [], 41, NOW, reveal=False)["refused"][0]["certain"] is False  # type: ignore[index]


def test_without_a_trace_there_is_no_story() -> None:
    assert stories_of(EVENT.id, Traces()) == []


def test_a_parked_one_that_was_found_later_says_so() -> None:
    resolved = Outcome(
        id="ntf_1:resolved", type="parked.resolved", time="2026-12-03T13:30:00.000Z", tenant="harbour", subject="ntf_1",
        data=msgspec.Raw(b'{"notificationId":"ntf_1","evidence":"list","messageSid":"SM9","providerStatus":"delivered"}'),
    )  # fmt: skip
    text = words(Traces(said=[said(1, "parked", "unresolved"), Said(resolved, direct=True)]))
    assert "2026-12-03T13:30:00.000Z  resolved: list shows it as SM9 (delivered)" in text
