"""The outside peer of the contract tests: Prism, or a loud word that it was not asked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec
import pytest

from notifier.settings_values import TransportName
from tests.contract.standin_peers import ACCOUNT
from tests.prism.descriptions import judging_answers, judging_requests, used, with_errors
from tests.prism.server import (
    NO_OUTSIDE_OPINION,
    Description,
    Prism,
    PrismMissing,
    PrismNotFetched,
    installed,
    twilio_description,
)

REQUIRED = os.environ.get("NOTIFIER_REQUIRE_PRISM") == "1"


@pytest.fixture(params=[name for name in get_args(TransportName) if name != "auto"])
def transport(request: pytest.FixtureRequest) -> TransportName:
    """Each there is."""
    name: TransportName = request.param
    return name


class Peers(NamedTuple):
    """Addresses. `strict` is Twilio's description, `with_errors` has errors to order besides, `before_standin` holds
    what the stand-in answers against it.
    """

    description: Description
    strict: str
    with_errors: str
    before_standin: str


@pytest.fixture(scope="session")
def prism(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peers]:
    try:
        folder = installed()
    except (PrismMissing, PrismNotFetched) as missing:
        if REQUIRED and isinstance(missing, PrismNotFetched):
            pytest.fail(f"Prism is required here: {missing}")
        pytest.skip(f"{NO_OUTSIDE_OPINION}{missing}")
    with ExitStack() as stack:
        standin = stack.enter_context(_standin(tmp_path_factory.mktemp("standin")))
        description = used(twilio_description(folder))
        processes = [
            stack.enter_context(one)
            for one in (
                Prism(folder, judging_requests(description)),
                Prism(folder, with_errors(judging_requests(description))),
                Prism(folder, judging_answers(description), "proxy", standin),
            )
        ]
        for process in processes:
            process.await_ready()
        yield Peers(description, *(process.url for process in processes))


@contextmanager
def _standin(folder: Path) -> Iterator[str]:
    """The address of a stand-in in a process of its own, since no event loop lasts as long as the session."""
    accounts = folder / "accounts.json"
    accounts.write_bytes(msgspec.json.encode([ACCOUNT]))
    command = [sys.executable, "-m", "notifier.demo.standin", "--accounts", str(accounts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("listening on ").strip()
        process.terminate()
