"""The promise, told many times: nothing lost, nobody texted twice, one terminal outcome each, whatever goes wrong."""

from __future__ import annotations

import os

import pytest

from tests.simulation.telling import tell_many, verdict

pytestmark = pytest.mark.simulation

RUNS = int(os.environ.get("NOTIFIER_TEST_SIMULATION_RUNS", "20000"))

# Seeds that failed once, on the code or the scenario of their day.
KEPT = (
    1,
    2,
    8,
    9,
    75,
    181,
    253,
    314,
    521,
    569,
    832,
    1285,
    1577,
    1639,
    3009,
    5949,
    11141,
    11666,
    11974,
    27873,
    7100073,
    7100207,
    20141124,
    20183269,
    30001649,
)

# Each safeguard, and the kind of story that shows what it is for.
SAFEGUARDS = {
    "fence": "plain",
    "reappend": "zombies",
    "quarantine": "plain",
    "signals_first": "callbacks_only",
    "settlement": "plain",
    "publish_acknowledged": "plain",
    "source_positions": "plain",
}


@pytest.mark.timeout(3600)
def test_no_story_loses_or_doubles_anything() -> None:
    """Owners die, stall, overlap and lose their appends; every judge is content in every story."""
    tally = tell_many(RUNS)
    print(f"\nsimulation: {tally}")
    assert tally.faults == {}
    assert tally.runs == RUNS
    assert tally.notifications > 3 * RUNS  # the stories do tell of something


@pytest.mark.parametrize("seed", KEPT)
def test_a_seed_that_failed_once_stays_mended(seed: int) -> None:
    assert verdict(seed).faults == []


@pytest.mark.parametrize(("safeguard", "kind"), SAFEGUARDS.items())
def test_every_safeguard_is_needed(safeguard: str, kind: str) -> None:
    """With one safeguard switched off, some story fails that is told well with it."""
    for seed in range(2_000):
        if verdict(seed, frozenset({safeguard}), kind).faults:
            assert verdict(seed, kind=kind).faults == []
            return
    pytest.fail(f"2,000 stories of kind {kind} are told well without {safeguard}")
