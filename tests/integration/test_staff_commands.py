"""`template` and `workflow test` as the staff of a hotel or a clinic run them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.server import TwilioStandIn
from notifier.settings import KafkaSettings, TopicSettings

SAMPLES = Path("deploy/samples/tenants")
LOCAL = ("--config", SAMPLES)
HOTEL = ("--tenant", "harbour-house", "--name", "key_is_ready")
CLINIC = ("--tenant", "north-clinic", "--name", "shipped-sms")
STAFF = "+12025550143"
Run = Callable[..., subprocess.CompletedProcess[str]]


def shell(**more: str) -> dict[str, str]:
    """An environment without a broker and without settings, but with the tokens of the samples."""
    tokens = {f"{name}_TWILIO_TOKEN": "token" for name in ("HARBOUR", "NORTH_CLINIC", "PLATFORM")}
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    return plain | tokens | {"NOTIFIER_ENVIRONMENT": "test"} | more


def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "notifier", *map(str, arguments)],
        env=shell(**more), capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
async def standin() -> AsyncIterator[TwilioStandIn]:
    accounts = [
        Account(sid="AC" + "0" * 31 + "1", auth_token="token", numbers=("+15551234567",)),
        Account(sid="AC" + "0" * 31 + "2", auth_token="token", numbers=("+15551230000",)),
    ]
    async with TwilioStandIn(accounts, time.time) as serving:
        yield serving


# template render


def test_render_shows_the_text_with_its_cost() -> None:
    shown = run("template", "render", *HOTEL, *LOCAL)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "Hi Mara, welcome to Harbour House! Your room is Room 204." in shown.stdout
    assert "1 segment, GSM-7, 147 of 160 septets" in shown.stdout


def test_a_draft_is_compared_with_what_is_in_force_and_its_dear_characters_are_placed(tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("It’s ready, {{firstName | lastName}}: {{spaceNme}}" + "!" * 60, encoding="utf-8")
    shown = run("template", "render", *HOTEL, *LOCAL, "--draft", draft, "--json")
    row = json.loads(shown.stdout)
    assert row["text"] == "It’s ready, Mara: " + "!" * 60
    assert (row["source"], row["segments"], row["encoding"], row["cost"]) == (
        "draft", 2, "UCS-2", {"now": 1, "withChange": 2},
    )  # fmt: skip
    assert row["forcing"] == [
        {"character": "’", "name": "RIGHT SINGLE QUOTATION MARK", "instead": "'",
         "places": [{"in": "template", "line": 1, "column": 3}]}
    ]  # fmt: skip
    assert row["warnings"] == ["spaceNme is unknown and renders empty; did you mean spaceName?"]
    told = run("template", "render", *HOTEL, *LOCAL, "--draft", draft).stdout
    assert "forces UCS-2: ’ RIGHT SINGLE QUOTATION MARK (template line 1, column 3); write ' instead" in told
    assert "cost: 1 segment now (as written in --config), 2 segments with the change" in told


def test_values_are_staffs_own_and_what_they_leave_out_is_empty(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text("firstName: Zoë\nroomNumber: 7\n", encoding="utf-8")
    row = json.loads(run("template", "render", *HOTEL, *LOCAL, "--values", values, "--json").stdout)
    assert row["text"] == "Hi Zoë, welcome to Harbour House!"
    assert row["forcing"][0]["places"] == [{"in": "value", "variable": "firstName"}]
    assert row["warnings"][0].startswith("values: roomNumber is no variable of a key and is left out")


def test_a_tenant_without_twilio_is_shown_the_built_in_words_that_it_texts_with() -> None:
    shown = json.loads(run("template", "render", "--tenant", "mill-lodge", *HOTEL[2:], *LOCAL, "--json").stdout)
    assert (shown["source"], shown["segments"]) == ("builtin", 2)
    assert "It opens from Dec 04, 09:00 AM" in shown["text"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tenant", "harbour-hous", *HOTEL[2:]], "there is no tenant harbour-hous; tenants: harbour-house, "),
        (
            [*HOTEL[:2], "--name", "key_ready"],
            "there is no template key_ready; templates: key_is_ready, doorcode_is_cha",
        ),
        (
            ["--tenant", "north-clinic", *HOTEL[2:]],
            "north-clinic is of platform care: its texts stand in its workflows",
        ),
        ([*HOTEL, "--draft", "gone.txt"], "gone.txt: cannot be read: No such file or directory"),
        ([*HOTEL, "--watch", "gone.txt"], "gone.txt: cannot be read: No such file or directory"),
        ([*HOTEL, "--values", "values.txt"], "values.txt: files that end in .yaml, .yml, .json are allowed"),
        ([*HOTEL, "--send-to", "reception"], "--send-to is no phone number"),
        ([*HOTEL, "--send-to", STAFF], "NOTIFIER_SAFETY__ALLOWED_RECIPIENTS"),
    ],
)
def test_what_cannot_be_rendered_is_one_clear_line(arguments: list[str], said: str) -> None:
    refused = run("template", "render", *arguments, *LOCAL)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.startswith("notifier: ")
    assert said in refused.stderr


def test_an_unclosed_section_is_refused_with_its_place(tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("Hi\n  {{#doorCode}} code", encoding="utf-8")
    refused = run("template", "render", *HOTEL, *LOCAL, "--draft", draft)
    assert refused.returncode == 1
    assert f"{draft}:2: column 3: the section {{{{#doorCode}}}} is never closed" in refused.stderr


def test_faulty_documents_are_refused_as_validate_does(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("kind: Tenant\ntenant: a\nplatform: pms\nname: A\ntimezone: Mars\n")
    refused = run("template", "render", *HOTEL, "--config", tmp_path)
    assert refused.returncode == 1
    assert "x.yaml:5: timezone: must be an IANA time zone" in refused.stderr


@pytest.mark.parametrize("more", [["--draft", "a.txt"], ["--send-to", STAFF]])
def test_watch_goes_alone(more: list[str]) -> None:
    assert run("template", "render", *HOTEL, *LOCAL, "--watch", "b.txt", *more).returncode == 2


def test_watch_shows_every_save_and_what_is_not_usable_yet(tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("Hi {{firstName}}", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "notifier", "template", "render", *HOTEL, *map(str, LOCAL), "--watch", draft, "--json"],
        env=shell(PYTHONUNBUFFERED="1"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as watching:  # fmt: skip
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["text"] == "Hi Mara"
        draft.write_text("Hi {{#firstName}}", encoding="utf-8")
        assert json.loads(watching.stdout.readline()) == {
            "fault": "column 4: the section {{#firstName}} is never closed", "file": str(draft), "line": 1,
        }  # fmt: skip
        draft.with_suffix(".new").write_text("Dear {{firstName}}", encoding="utf-8")
        draft.with_suffix(".new").replace(draft)
        assert json.loads(watching.stdout.readline())["text"] == "Dear Mara"
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=60)
    assert (watching.returncode, said) == (0, "")


async def test_send_to_sends_what_is_shown_once_and_marked(standin: TwilioStandIn, tmp_path: Path) -> None:
    draft = tmp_path / "draft.txt"
    draft.write_text("Hi {{firstName}}", encoding="utf-8")
    sent = await asyncio.to_thread(
        run, "template", "render", *HOTEL, *LOCAL, "--draft", draft, "--send-to", STAFF,
        NOTIFIER_TWILIO__API_BASE_URL=standin.url,
    )  # fmt: skip
    (message,) = standin.messages
    assert (sent.returncode, sent.stderr) == (0, "")
    assert sent.stdout.splitlines()[-1].startswith(
        f"Twilio accepted the test text as {message.sid} (queued), 1 segment"
    )
    assert (message.to, message.from_, message.body) == (STAFF, "+15551234567", "TEST: Hi Mara")


def test_a_draft_that_would_never_be_texted_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "draft.txt").write_text("Hi", encoding="utf-8")
    refused = run(
        "template", "render", "--tenant", "mill-lodge", *HOTEL[2:], *LOCAL, "--draft", tmp_path / "draft.txt",
        "--send-to", STAFF,
    )  # fmt: skip
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "mill-lodge has no Connection of its own: a draft is never sent for it; nothing was sent" in refused.stderr


async def test_a_connection_that_is_broken_is_said(standin: TwilioStandIn) -> None:
    for token, why in (("wrong", "Twilio refused the credentials (Twilio 20003)"), ("", "authToken")):
        refused = await asyncio.to_thread(
            run, "template", "render", *HOTEL, *LOCAL, "--send-to", STAFF, "--json",
            NOTIFIER_TWILIO__API_BASE_URL=standin.url, HARBOUR_TWILIO_TOKEN=token,
        )  # fmt: skip
        assert refused.returncode == 1
        assert why in refused.stderr
        assert refused.stderr.endswith("nothing was sent\n")
    assert standin.messages == ()


# template variables


def test_variables_of_a_key_template_have_meaning_and_sample() -> None:
    shown = run("template", "variables", *HOTEL, *LOCAL, "--json")
    rows = {row["variable"]: row for row in map(json.loads, shown.stdout.splitlines())}
    assert rows["startDate"]["sample"] == "04/12/2026 15:00"
    assert rows["referenceNumber"]["empty"] == "on keys made by hand, or when it has none"
    told = run("template", "variables", *HOTEL, *LOCAL).stdout
    assert all(row["meaning"] in told for row in rows.values())


def test_variables_of_a_workflow_are_the_paths_of_its_event() -> None:
    told = run("template", "variables", *CLINIC, *LOCAL).stdout
    assert "customer.phone" in told
    assert "customer                              object: name one of its fields" in told
    rows = [json.loads(line) for line in run("template", "variables", *CLINIC, *LOCAL, "--json").stdout.splitlines()]
    assert {"variable": "id", "kind": "number", "sample": 10421, "sensitive": False} in rows


def test_variables_of_what_is_not_there_name_what_is() -> None:
    refused = run("template", "variables", "--tenant", "north-clinic", "--name", "shiped-sms", *LOCAL)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "workflows: cart-reminder, label-printed-sms, shipped-sms, welcome-sms; did you mean shipped-sms?" in (
        refused.stderr
    )


# template reset, and the others on what is in force


@pytest.fixture
def in_force(kafka_settings: KafkaSettings, topics: TopicSettings) -> Run:
    """`run` with the broker of this test, on which the samples are applied."""
    place = {
        "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "NOTIFIER_TOPICS__PREFIX": topics.prefix,
    }

    def command(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        return run(*arguments, **place, **more)

    applied = command("config", "apply", SAMPLES)
    assert applied.returncode == 0, applied.stderr
    return command


@pytest.mark.integration
def test_reset_puts_the_built_in_text_back_in_force(in_force: Run) -> None:
    before = json.loads(in_force("template", "render", *HOTEL, "--json").stdout)
    assert (before["source"], before["version"]) == ("tenant", 1)
    reset = in_force("template", "reset", *HOTEL)
    assert (reset.returncode, reset.stderr) == (0, "")
    assert reset.stdout.splitlines()[0].startswith(
        "- Template/harbour-house/key_is_ready (version 1): Hi {{firstName |"
    )
    assert reset.stdout.splitlines()[-1] == "offset 13"
    after = json.loads(in_force("template", "render", *HOTEL, "--json").stdout)
    assert (after["source"], after["text"][:22]) == ("builtin", "Hello Mara, your key a")
    again = in_force("template", "reset", *HOTEL, "--json")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "notifier: nothing to reset: harbour-house uses the built-in key_is_ready already\n"


@pytest.mark.integration
def test_reset_of_what_is_not_there_is_said(in_force: Run) -> None:
    assert "there is no tenant nobody" in in_force("template", "reset", "--tenant", "nobody", *HOTEL[2:]).stderr
    refused = in_force("template", "reset", *HOTEL[:2], "--name", "key_is_redy")
    assert refused.returncode == 1
    assert "did you mean key_is_ready?" in refused.stderr


@pytest.mark.integration
def test_a_workflow_in_force_is_tried_without_a_file(in_force: Run) -> None:
    tried = in_force("workflow", "test", *CLINIC)
    assert (tried.returncode, tried.stderr) == (0, "")
    assert tried.stdout.startswith("north-clinic shipped-sms (version 1) with the sample of order.shipped\n")


# workflow test


def test_a_dry_run_shows_everything_and_answers_the_five_checks() -> None:
    tried = run("workflow", "test", *CLINIC, *LOCAL)
    assert (tried.returncode, tried.stderr) == (0, "")
    assert "trigger order.shipped: starts with this event" in tried.stdout
    assert '  yes  isDeleted {"$ne": true}; isDeleted is false' in tried.stdout
    assert "  from +15551230000, to +12025550118" in tried.stdout
    assert "Hi Ada, order 10421 is on its way: https://track.example.com/1ZTEST0001" in tried.stdout
    assert [line[:5] for line in tried.stdout.splitlines() if line.startswith("[")] == ["[yes]"] * 5
    assert "warning: consent is not looked up here" in tried.stdout


def test_an_event_that_must_not_start_it_says_which_condition_failed(tmp_path: Path) -> None:
    event = tmp_path / "event.yaml"
    event.write_text("id: 7\nisDeleted: true\ncustomer: {firstName: Ada, phone: n/a}\n", encoding="utf-8")
    tried = run("workflow", "test", *CLINIC, *LOCAL, "--event", event)
    assert tried.returncode == 1
    assert '  no   isDeleted {"$ne": true}; isDeleted is true' in tried.stdout
    assert "[no ] it fires only where meant: the filter's isDeleted" in tried.stdout
    assert "[no ] the recipient is mapped right: toPhone {{customer.phone}} comes to what is no phone number" in (
        tried.stdout
    )
    assert tried.stderr.startswith("notifier: 3 of 5 checks: no (it sends; the recipient is mapped right; ")


def test_a_dry_run_as_json_has_the_same(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"isDeleted": False, "customer": {"phone": "(202) 555-0118"}, "id": {}}))
    tried = run("workflow", "test", *CLINIC, *LOCAL, "--event", event, "--json")
    assert tried.returncode == 1
    row = json.loads(tried.stdout)
    assert row["trigger"]["conditions"] == [
        {"path": "isDeleted", "wanted": {"$ne": True}, "holds": True, "found": [False]}
    ]
    (step,) = row["steps"]
    assert step["parameters"] == {
        "message": "Hi , order  is on its way", "toPhone": "+12025550118", "fromPhone": "+15551230000",
    }  # fmt: skip
    assert "message: id is an object: name one of its fields" in row["warnings"]
    assert [check["passed"] for check in row["checks"]] == [True, True, True, False, True]
    assert row["sent"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tenant", "nobody", *CLINIC[2:]], "there is no tenant nobody"),
        ([*CLINIC[:2], "--name", "shipped"], "north-clinic has no workflow shipped; workflows: cart-reminder, "),
        ([*CLINIC, "--event", "gone.json"], "gone.json: cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_tried_is_one_clear_line(arguments: list[str], said: str) -> None:
    refused = run("workflow", "test", *arguments, *LOCAL)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert said in refused.stderr


def test_an_event_of_another_tenant_or_two_at_once_are_refused(tmp_path: Path) -> None:
    other = {"specversion": "1.0", "id": "1", "source": "/x", "type": "order.shipped", "tenant": "south", "data": {}}
    (tmp_path / "other.json").write_text(json.dumps(other))
    refused = run("workflow", "test", *CLINIC, *LOCAL, "--event", tmp_path / "other.json")
    assert refused.stderr.endswith("is an event of south, which starts no workflow of north-clinic\n")
    (tmp_path / "two.json").write_text(json.dumps([other, other]))
    refused = run("workflow", "test", *CLINIC, *LOCAL, "--event", tmp_path / "two.json")
    assert refused.stderr.endswith("must hold one event, and nothing else\n")


def test_an_event_name_without_a_sample_asks_for_one(tmp_path: Path) -> None:
    text = (SAMPLES / "north-clinic.yaml").read_text(encoding="utf-8").replace("order.shipped", "order.never_seen")
    (tmp_path / "north-clinic.yaml").write_text(text, encoding="utf-8")
    refused = run("workflow", "test", *CLINIC, "--config", tmp_path)
    assert (refused.returncode, refused.stderr) == (
        1, "notifier: no sample for order.never_seen: give one with --event FILE\n",
    )  # fmt: skip


MANY_STEPS = """\
kind: Workflow
tenant: north-clinic
name: careful
trigger: {type: order.shipped}
steps:
  - {number: 1, kind: delay, for: 1h}
  - {number: 2, kind: crmAction, function: getOrder, parameters: {id: "{{_id}}"}}
  - {number: 3, kind: condition, logic: {status: cancelled}, contextPath: history.2.result}
  - number: 4
    kind: adapter
    adapter: twilio
    function: sendSMS
    parameters: {message: "order {{id}}", toPhone: "{{customer.phone}}"}
"""


def test_every_step_is_shown_and_what_this_version_does_not_run_is_said(tmp_path: Path) -> None:
    (tmp_path / "careful.yaml").write_text(MANY_STEPS, encoding="utf-8")
    tried = run(
        "workflow", "test", "--tenant", "north-clinic", "--name", "careful", "--config", tmp_path,
        "--config", SAMPLES / "north-clinic.yaml",
    )  # fmt: skip
    assert tried.returncode == 1
    for line in (
        "step 1 delay: waits 1h",
        "step 2 getOrder(id = 6a10f2c57db04aefb2d71001): gives the latest payload, here that of the event",
        "step 3 condition on history.2.result: does not hold, the run ends",
        '  no   status "cancelled"; status is "shipped"',
        "step 4 sendSMS (not reached with this event)",
        "the run ends at step 3, whose condition does not hold",
        "warning: steps: steps of kind condition, crmAction, delay do not run in this version: the workflow is stored"
        " and starts no run",
        "warning: this event also starts shipped-sms: a person may get several texts",
    ):
        assert line in tried.stdout.splitlines()


async def test_a_test_text_goes_to_the_given_number_and_to_nobody_else(standin: TwilioStandIn) -> None:
    sent = await asyncio.to_thread(
        run, "workflow", "test", *CLINIC, *LOCAL, "--send-to", STAFF, "--json",
        NOTIFIER_TWILIO__API_BASE_URL=standin.url,
    )  # fmt: skip
    (message,) = standin.messages
    assert (message.to, message.from_, message.body[:13]) == (STAFF, "+15551230000", "TEST: Hi Ada,")
    assert json.loads(sent.stdout)["sent"] == {
        "messageSid": message.sid, "status": "queued", "from": "+15551230000", "connection": "north-clinic",
        "segments": 1,
    }  # fmt: skip


async def test_a_test_text_that_cannot_go_out_leaves_the_report(standin: TwilioStandIn) -> None:
    refused = await asyncio.to_thread(
        run, "workflow", "test", *CLINIC[:2], "--name", "label-printed-sms", *LOCAL, "--send-to", STAFF,
        NOTIFIER_TWILIO__API_BASE_URL=standin.url,
    )  # fmt: skip
    assert refused.returncode == 1
    assert (
        "[no ] the sender is an approved number: fromPhone is none of the senders of the Connection" in refused.stdout
    )
    assert refused.stderr == "notifier: fromPhone is none of the senders of the Connection: nothing was sent\n"
    assert standin.messages == ()


@pytest.mark.parametrize("command", [["template"], ["template", "render"], ["template", "reset"], ["workflow", "test"]])
def test_help_has_an_example(command: list[str]) -> None:
    shown = run(*command, "--help")
    assert shown.returncode == 0
    assert len(command) == 1 or "Example" in shown.stdout
