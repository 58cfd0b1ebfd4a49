"""What `notifier publish` makes of files, before anything is published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notifier.commands.publish import last_line, read_messages
from notifier.domain.cloudevents import ReadEvent, read_event
from notifier.kafka.batches import Message
from notifier.settings import TopicSettings
from tests import poison

TOPICS = TopicSettings(prefix="x.", pms_events=("pms.events", "pms.more"))


def read(tmp_path: Path, *events: object, topic: str | None = None) -> tuple[list[Message], list[str]]:
    path = tmp_path / "events.ndjson"
    path.write_text("\n".join(json.dumps(event) for event in events), encoding="utf-8")
    messages, faults = read_messages([path], TOPICS, topic, poison.MAX_EVENT_BYTES)
    return messages, [str(fault).removeprefix(str(tmp_path) + "/") for fault in faults]


def test_an_event_goes_to_the_topic_of_its_platform_keyed_by_its_tenant(tmp_path: Path) -> None:
    messages, faults = read(tmp_path, poison.pms_event(), poison.care_event())
    assert faults == []
    assert [(message.topic, message.key) for message in messages] == [
        ("x.pms.events", b"harbour-house"),
        ("x.care.events", b"north-clinic"),
    ]
    assert json.loads(messages[0].value or b"") == poison.pms_event()


def test_a_topic_can_be_named(tmp_path: Path) -> None:
    messages, faults = read(tmp_path, poison.pms_event(), topic="x.pms.more")
    assert ([message.topic for message in messages], faults) == (["x.pms.more"], [])


def test_what_ingest_would_refuse_is_not_published(tmp_path: Path) -> None:
    bad_key = poison.pms_event(data={"key": poison.key(status="lost")})
    _, faults = read(tmp_path, poison.care_event(), bad_key, poison.care_event(id=None))
    assert faults == [
        "events.ndjson:2: data.key.status: must be active or past or revoked or upcoming (invalid_data)",
        "events.ndjson:3: id: must be a text that is not empty (not_a_cloudevent)",
    ]


def test_a_topic_that_ingest_does_not_read_takes_events_of_both_platforms(tmp_path: Path) -> None:
    """Each is read as its type says: here the tenant comes from data.propertyId, which only PMS events have."""
    key_ready = poison.pms_event(tenant=None, data={"propertyId": "harbour-house", "key": poison.key()})
    messages, faults = read(tmp_path, key_ready, poison.care_event(), topic="copy")
    assert faults == []
    assert [(message.topic, message.key) for message in messages] == [
        ("copy", b"harbour-house"),
        ("copy", b"north-clinic"),
    ]


def test_an_event_of_a_json_list_is_named_by_its_position(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text(json.dumps([poison.care_event(), poison.care_event(source="")]), encoding="utf-8")
    _, faults = read_messages([path], TOPICS, None, poison.MAX_EVENT_BYTES)
    assert [str(fault) for fault in faults] == [
        f"{path}: event 2: source: must be a text that is not empty (not_a_cloudevent)"
    ]


def test_every_file_is_looked_at_whatever_is_wrong_with_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    (tmp_path / "b.ndjson").write_text(json.dumps(poison.care_event(id="")), encoding="utf-8")
    paths = [tmp_path / name for name in ("a.json", "events.txt", "gone.yaml", "b.ndjson")]
    _, faults = read_messages(paths, TOPICS, None, poison.MAX_EVENT_BYTES)
    assert {Path(fault.file).name for fault in faults} == {path.name for path in paths}


def test_the_last_line_tells_how_many_went_where(tmp_path: Path) -> None:
    messages, _ = read(tmp_path, poison.pms_event(), poison.care_event(), poison.care_event(id="evt-2"))
    assert last_line(messages, as_json=False) == "published 3 events: 1 to x.pms.events, 2 to x.care.events"
    assert json.loads(last_line(messages, as_json=True)) == {
        "published": 3,
        "topics": {"x.pms.events": 1, "x.care.events": 2},
    }


@pytest.mark.parametrize("value", [None, [], "x", {"type": 7}, {"type": "key.ready", "data": "\ud800"}])
def test_what_is_no_event_is_a_fault(tmp_path: Path, value: object) -> None:
    _, faults = read(tmp_path, {"events": value})
    assert len(faults) == 1


def test_the_sample_events_are_good_and_of_known_tenants() -> None:
    """One of them comes twice, to show that it counts once."""
    messages, faults = read_messages(
        [Path("deploy/samples/events.yaml")], TopicSettings(), None, poison.MAX_EVENT_BYTES
    )
    assert faults == []
    tenants = {path.stem for path in Path("deploy/samples/tenants").iterdir()}
    events = [read_event(m.value, m.headers, "pms" if "pms" in m.topic else "care", 10_000) for m in messages]
    assert len({(event.source, event.id) for event in events if isinstance(event, ReadEvent)}) == len(messages) - 1
    assert {event.tenant for event in events if isinstance(event, ReadEvent)} <= tenants
