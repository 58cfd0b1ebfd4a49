"""Files that staff try things with: drafts, values, events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from notifier.commands.files import Unreadable
from notifier.commands.trial_files import TrialEvent, read_draft, read_trial_event, read_values
from tests import poison

TEMPLATES = """\
kind: Template
tenant: harbour-house
name: doorcode_is_changed
body: the other one
---
kind: Template
tenant: harbour-house
name: key_is_ready
body: "Hi {{firstName}}"
"""


def file(tmp_path: Path, name: str, content: str) -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def draft(path: Path) -> str:
    return read_draft(path, "harbour-house", "key_is_ready").source


def refusal(path: Path) -> str:
    with pytest.raises(Unreadable) as refused:
        draft(path)
    return str(refused.value).removeprefix(str(path))


def test_a_draft_is_the_text_itself_without_the_editors_last_line_break(tmp_path: Path) -> None:
    assert draft(file(tmp_path, "draft.txt", "Hi {{firstName}}\nBye\n")) == "Hi {{firstName}}\nBye"
    assert draft(file(tmp_path, "draft", "\ufeffHi")) == "Hi"  # an editor's byte order mark would make it UCS-2


def test_a_draft_may_be_the_document_among_others(tmp_path: Path) -> None:
    assert draft(file(tmp_path, "hotel.yaml", TEMPLATES)) == "Hi {{firstName}}"


def test_an_unclosed_section_is_refused_with_its_place(tmp_path: Path) -> None:
    text = file(tmp_path, "draft.txt", "Hi\n there {{#doorCode}}x")
    assert refusal(text) == ":2: column 8: the section {{#doorCode}} is never closed"
    document = file(tmp_path, "hotel.yaml", TEMPLATES.replace("{{firstName}}", "{{#firstName}}"))
    assert refusal(document) == ":9: body: line 1, column 4: the section {{#firstName}} is never closed"


def test_a_draft_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.txt") == ": cannot be read: No such file or directory"
    other = file(tmp_path, "other.yaml", TEMPLATES.replace("harbour-house", "mill-lodge"))
    assert refusal(other) == ": holds no Template of harbour-house with the name key_is_ready"
    without = file(tmp_path, "x.yaml", "{kind: Template, tenant: harbour-house, name: key_is_ready, body: 3}")
    assert refusal(without) == ":1: body: must be a text"


def test_values_are_one_object(tmp_path: Path) -> None:
    assert read_values(file(tmp_path, "values.yaml", "firstName: Zoë\ndoorCode: '0042'")) == {
        "firstName": "Zoë", "doorCode": "0042",
    }  # fmt: skip
    for name, content in (("list.json", "[1, 2]"), ("text.yaml", "firstName"), ("empty.yaml", "")):
        with pytest.raises(Unreadable, match="must hold values by the names of variables"):
            read_values(file(tmp_path, name, content))
    with pytest.raises(Unreadable, match=r"files that end in \.yaml, \.yml, \.json are allowed"):
        read_values(file(tmp_path, "values.csv", "a,b"))


def event(tmp_path: Path, value: Mapping[str, object]) -> TrialEvent:
    path = file(tmp_path, "event.json", json.dumps(value))
    found = read_trial_event(path, "order.shipped", poison.MAX_EVENT_BYTES)
    assert found.origin == str(path)
    return found


def test_a_payload_alone_counts_as_of_the_triggers_type(tmp_path: Path) -> None:
    found = event(tmp_path, {"id": 7})
    assert (found.type, found.tenant, found.data) == ("order.shipped", None, {"id": 7})


def test_a_cloudevent_has_a_type_and_a_tenant_of_its_own(tmp_path: Path) -> None:
    whole = poison.care_event(type="order.created", data={"id": 7})
    found = event(tmp_path, whole)
    assert (found.type, found.tenant, found.data) == ("order.created", whole["tenant"], {"id": 7})


def test_a_cloudevent_that_ingest_would_refuse_is_refused_alike(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"id: must be a text that is not empty \(not_a_cloudevent\)"):
        event(tmp_path, poison.care_event(id=None))
