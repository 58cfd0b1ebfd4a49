"""The demo as a newcomer runs it: Python only, no Kafka, no Twilio, nobody texted."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.unit.schemas.checking import faults

pytestmark = pytest.mark.e2e

CHECKOUT = Path(__file__).resolve().parents[2]
TERMINAL = {"delivered": 13, "undelivered": 3, "failed": 3, "skipped": 9, "delegated": 2, "cancelled": 2}


async def test_every_sample_notification_ends_as_its_comment_says() -> None:
    """`notifier demo --json` prints outcomes and nothing else, and leaves with 0 when all is final."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "notifier", "demo", "--json",
        cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, said = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, said.decode()
    outcomes = [json.loads(line) for line in out.decode().splitlines()]
    finals = Counter(outcome["data"]["status"] for outcome in outcomes if outcome["data"].get("terminal"))
    assert finals == TERMINAL
    assert "32 notifications (0 unfinished)" in said.decode()
    assert len({outcome["id"] for outcome in outcomes}) == len(outcomes)
    strange = {outcome["type"]: faults(f"outcomes/{outcome['type']}", outcome) for outcome in outcomes}
    assert {type_: found for type_, found in strange.items() if found} == {}, "what is published fits what is promised"
