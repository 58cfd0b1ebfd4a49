"""`docs/reference/errors.md` has every message of the code and no other, and its words are those that people see."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from notifier.commands.documents import read_documents
from notifier.commands.main import build
from notifier.domain.cloudevents import Refusal, read_event
from notifier.domain.validation import validate
from notifier.settings_source import SettingsError, every_setting, load_settings
from tests.unit.errors_page.finding import Code, Message
from tests.unit.errors_page.page import Entry, entries

PAGE = entries()
OURS = [entry for entry in PAGE if not entry.of_a_library]
LIBRARIES = [entry for entry in PAGE if entry.of_a_library]


@pytest.fixture(scope="module")
def code() -> Code:
    return Code()


@pytest.fixture(scope="module")
def messages(code: Code) -> list[Message]:
    return code.messages()


def known(seen: str, among: list[Entry] = PAGE) -> list[Entry]:
    """The rows that somebody finds who looks for what was seen."""
    return [entry for entry in among if entry.pattern.fullmatch(seen)]


def test_no_message_of_the_code_is_missing_on_the_page(messages: list[Message]) -> None:
    missing = [str(message) for message in messages if not any(message.pattern.fullmatch(row.message) for row in OURS)]
    assert missing == []


def test_the_page_has_no_message_that_the_code_does_not_have(messages: list[Message]) -> None:
    left_over = [
        f"line {row.line}: {row.message}"
        for row in OURS
        if not any(message.pattern.fullmatch(row.message) for message in messages)
    ]
    assert left_over == []


def test_every_row_says_what_it_means_and_what_to_do() -> None:
    assert [row.line for row in PAGE if not (row.message and row.meaning and row.advice)] == []
    assert [message for message, count in Counter(row.message for row in PAGE).items() if count > 1] == []


def test_what_is_looked_for_in_the_code_is_there(code: Code) -> None:
    assert code.unheard() == []


# The words as they come out.


def refused_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", "localhost:9092")
    for setting in every_setting():
        for nonsense in ("§ no", "-1", "0"):
            with monkeypatch.context() as once, contextlib.suppress(SettingsError):
                once.setenv(setting.name, nonsense)
                try:
                    load_settings(None)
                except SettingsError as error:
                    yield from str(error).splitlines()
                    raise


def test_what_any_setting_says_to_nonsense_is_found_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = set(refused_settings(monkeypatch))
    assert len(seen) > 30
    assert [line for line in seen if not known(line) and not known(line.partition(": ")[2])] == []


DOCUMENTS = """\
kind: Tenant
tenant: platform
platform: cares
timezone: Europe/Olso
live: maybe
---
kind: Tenant
tenant: clinic
name: Clinic
platform: care
timezone: Europe/Olso
dateTimeFormat: "%Q"
defaultRegion: UK
timing: {lead: 1 day}
quietHours: {from: "21", to: "7"}
---
kind: Connection
tenant: clinics
provider: twilio
accountSid: AC1
authToken: secret
senders: [{from: "12025550143", segmentsPerSecond: 0}, {}]
---
kind: Template
tenant: clinic
name: key_is_redy
body: "{{#a}}{{b"
---
kind: Workflow
tenant: clinic
name: texts
trigger: {type: orders, filter: {status: {$is: 1}, $not: 2}}
steps: [{kind: adapter, number: 2, adapter: twilio, function: sendSMS, parameters: {mesage: Hi}}]
---
kind: Workflows
"""


def test_what_documents_are_refused_for_is_found_on_the_page(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(DOCUMENTS, encoding="utf-8")
    written, faults = read_documents([tmp_path])
    faults += validate(written, development=False).faults
    assert len(faults) > 15
    assert [fault.message for fault in faults if not known(in_file(fault.message), OURS)] == []


def in_file(message: str) -> str:
    """Without the place within a text, which a fault of a template begins with."""
    line, _, rest = message.partition(": ")
    return rest if line.startswith("line ") else message


@pytest.mark.parametrize(
    "value",
    [
        None, b"\xff", b"[" * 200, b"1e999", b"{", b"1", b"{}", b'{"specversion":"1.0"}',
        b'{"specversion":"1.0","id":"1","source":"/a","type":"order"}',
        b'{"specversion":"1.0","id":"1","source":"/a","type":"key.ready"}',
        b'{"specversion":"1.0","id":"1","source":"/a","type":"key.ready","tenant":"t","data":{"key":{}}}',
        b'{"specversion":"1.0","id":"1","source":"/a","type":"key.ready","tenant":"t","data":1,"time":"today"}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("platform", ["pms", "care"])
def test_what_an_event_is_refused_for_is_found_on_the_page(value: bytes | None, platform: str) -> None:
    read = read_event(value, (), "pms" if platform == "pms" else "care", 100_000)
    if isinstance(read, Refusal):
        assert known(read.detail, OURS) or known(read.detail.partition(": ")[2], OURS)


WRONG_USAGE = (
    ("publish",), ("explain",), ("run", "--no-such"), ("no-such",), ("results", "--status", "gone"),
    ("pause", "now"), ("dead-letters", "list", "--since", "today"), ("dead-letters", "show", "x"),
)  # fmt: skip


def test_the_libraries_words_are_those_of_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them is provoked here, so that none is left over when a library changes its words."""
    monkeypatch.setenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", "localhost:9092")
    monkeypatch.setenv("COLUMNS", "300")
    usage = [told(CliRunner().invoke(build(), list(arguments))) for arguments in WRONG_USAGE]
    assert [line for line in usage if not known(line, LIBRARIES)] == []
    seen = [*usage, *refused_settings(monkeypatch)]
    assert [row.message for row in LIBRARIES if not any(row.pattern.fullmatch(line) for line in seen)] == []


def told(result: Result) -> str:
    """The message within the frame that is drawn around it."""
    assert result.exit_code == 2
    return next(line.strip("│| ").strip() for line in result.stderr.splitlines() if line.startswith(("│", "|")))
