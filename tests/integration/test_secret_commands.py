"""`notifier secrets` as a shell runs it, where no broker is needed: keys are made, tokens sealed, nothing shown."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml

from notifier.twilio.sealing import key_id, unseal

NOTIFIER = str(Path(sysconfig.get_path("scripts")) / "notifier")
KEY, OTHER = b"k" * 32, b"o" * 32
KEYS = {"NOTIFIER_SECRETS__KEYS": ",".join(base64.b64encode(key).decode() for key in (KEY, OTHER))}
DOCUMENT = "Connection/harbour-house"
SEAL = ("seal", "--tenant", "harbour-house")


def environment(settings: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")} | settings


def run(
    *arguments: str, given: bytes = b"", settings: dict[str, str] = KEYS, folder: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [NOTIFIER, "secrets", *arguments], input=given, env=environment(settings), capture_output=True, timeout=60,
        check=False, cwd=folder,
    )  # fmt: skip


def test_a_made_key_is_all_that_stands_on_standard_output_and_is_a_new_one_each_time() -> None:
    first, second = run("generate-key", settings={}), run("generate-key", settings={})
    assert first.returncode == 0
    assert first.stdout.count(b"\n") == 1
    made = base64.b64decode(first.stdout.strip(), validate=True)
    assert len(made) == 32
    assert first.stdout != second.stdout
    assert f"This is key {key_id(made)}." in first.stderr.decode()
    assert first.stdout.strip() not in first.stderr


def test_a_sealed_token_is_a_yaml_value_that_opens_with_the_first_key() -> None:
    """With or without the end of a line behind it; no nonce is used twice."""
    values = set()
    for given in (b"tok3n", b"tok3n\n", b"tok3n\r\n"):
        sealed = run(*SEAL, given=given)
        assert (sealed.returncode, sealed.stderr) == (0, b"")
        value = yaml.safe_load(sealed.stdout)
        assert list(value) == ["sealed"]
        assert unseal(value["sealed"], [KEY], DOCUMENT) == "tok3n"
        values.add(value["sealed"])
    assert len(values) == 3


def test_as_json_it_is_the_same_value() -> None:
    sealed = json.loads(run(*SEAL, "--json", given="tökén".encode()).stdout)
    assert unseal(sealed["sealed"], [KEY], DOCUMENT) == "tökén"


@pytest.mark.parametrize(
    ("given", "settings", "said"),
    [
        (b"", KEYS, "notifier: standard input is empty; the secret is read from there"),
        (b" \n", KEYS, "notifier: standard input is empty; the secret is read from there"),
        (b"tok3n\ntok3n", KEYS, "notifier: standard input has several lines; one secret on one line is allowed"),
        (b"tok3n\xff", KEYS, "notifier: standard input must be UTF-8 text"),
        (
            b"tok3n", {}, "notifier: NOTIFIER_SECRETS__KEYS is empty; `notifier secrets generate-key` makes a key",
        ),
        (
            b"tok3n", {"NOTIFIER_SECRETS__KEYS": "tok3n"},
            "notifier: NOTIFIER_SECRETS__KEYS: keys of 32 bytes in base64 are allowed, comma separated",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_sealed_says_why_and_shows_nothing_even_in_a_traceback(
    given: bytes, settings: dict[str, str], said: str, tmp_path: Path
) -> None:
    refused = run(*SEAL, given=given, settings={**settings, "NOTIFIER_LOG__LEVEL": "debug"}, folder=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert refused.stderr.decode().splitlines()[0] == said
    assert b"Traceback" in refused.stderr
    assert b"tok3n" not in refused.stderr


def test_a_tenant_that_cannot_be_one_is_wrong_usage() -> None:
    refused = run("seal", "--tenant", "harbour/house", given=b"tok3n")
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"--tenant" in refused.stderr
    assert run("seal", given=b"tok3n").returncode == 2


def test_on_a_terminal_it_is_asked_for_and_not_shown() -> None:
    """The secret is typed when the question stands there; all that the terminal shows is kept."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(NOTIFIER, [NOTIFIER, "secrets", *SEAL, "--json"], environment(KEYS))
    shown = b""
    while b"not shown" not in shown:
        shown += read(terminal)
    os.write(terminal, b"tok3n\n")
    while more := read(terminal):
        shown += more
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert b"tok3n" not in shown
    assert unseal(json.loads(shown.splitlines()[-1])["sealed"], [KEY], DOCUMENT) == "tok3n"


def read(terminal: int) -> bytes:
    """What is shown next; nothing at the end."""
    assert select.select([terminal], [], [], 30)[0], "nothing was shown for half a minute"
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""
