"""What of the bench could lie without anybody seeing it: percentiles, marks, medians."""

from __future__ import annotations

import pytest

from bench.bars import speed_of_machine
from bench.figures import Bar, percentile, table
from bench.measurements import chosen
from bench.memory import growth
from bench.neighbours import summary

RATE = Bar("a.rate", "texts", "/s", "at least", 3000, 5000, ("one 2,584 /s", "other 8,831 /s"))
DELAY = Bar("b.delay", "delay", "ms", "at most", 250, 60)


def test_a_percentile_is_a_value_that_was_measured_and_in_any_order() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([1.0, 2.0, 3.0], 50) == 2.0
    assert percentile([1.0, 1000.0], 99) == 1000.0
    assert percentile([7.0], 50) == 7.0


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("bar", "measured", "mark"),
    [
        (RATE, 2999.9, "below"), (RATE, 3000.0, "pass"), (RATE, 4999.0, "pass"), (RATE, 5000.0, "aim"),
        (DELAY, 250.1, "below"), (DELAY, 250.0, "pass"), (DELAY, 61.0, "pass"), (DELAY, 60.0, "aim"),
        (Bar("c", "no aim", "", "at most", 1.0), 0.2, "pass"), (Bar("d", "no bar", "", None), 0.2, ""),
    ],
)  # fmt: skip
def test_marks(bar: Bar, measured: float, mark: str) -> None:
    assert bar.mark(measured) == mark


def test_the_table_shows_bar_aim_mark_and_peers_beside_what_was_measured_and_nothing_else() -> None:
    lines = table({"a.rate": 2584.4, "a.events": 20000.0}, [RATE, DELAY]).splitlines()
    cells = [cell.strip() for cell in lines[2].split("  ") if cell]
    assert cells == ["2,584 /s", "texts", ">= 3,000 /s", ">= 5,000 /s", "below", "one 2,584 /s"]
    assert lines[3].strip() == "other 8,831 /s"
    assert len(lines) == 4


def test_growth_compares_the_end_with_the_middle_and_not_with_the_start() -> None:
    mib = 2**20
    samples = [(done, (50 if done < 300 else 100 if done < 900 else 110) * mib) for done in range(0, 1001, 10)]
    found = growth(samples, 1000)
    assert found["growth_percent"] == pytest.approx(10.0)
    assert found["growth_bytes_per_event"] == pytest.approx(10 * mib / 500)
    assert found["largest_step_mib"] == 50.0


def test_either_limit_is_enough_for_the_neighbours_and_pairs_stay_pairs() -> None:
    assert summary([(10.0, 20.0)] * 5)["share_of_allowed"] == 0.5  # twice as much, and yet only 10 ms
    assert summary([(400.0, 440.0)] * 5)["share_of_allowed"] == pytest.approx(0.4)  # 40 ms, and yet only 10 %
    assert summary([(100.0, 150.0)] * 5)["share_of_allowed"] == 2.0
    assert summary([(1.0, 2.0), (100.0, 101.0), (50.0, 51.0)])["worse_ms"] == 1.0


def test_measurements_are_chosen_by_how_their_names_begin() -> None:
    assert [one.name for one in chosen("a")] == ["a0", "a20", "a100"]
    assert [one.name for one in chosen("h, a20")] == ["a20", "h"]
    assert len(chosen("")) > 8
    with pytest.raises(ValueError, match="no measurement begins with z"):
        chosen("a,z")


def test_the_speed_of_the_machine_is_told_by_the_loop_that_the_bars_came_from() -> None:
    assert speed_of_machine({"a100.cpu_seconds_per_1000": 0.6}) is None
    assert "at 0.50 of that speed" in (speed_of_machine({"p100.cpu_seconds_per_1000": 0.6}) or "")
