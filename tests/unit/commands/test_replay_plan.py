"""Which dead letters are put back."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from notifier.commands.replay_plan import NoSuchLetter, Selection, Verdicts, plan_replay
from notifier.domain.catalog import build
from notifier.domain.documents import Tenant
from notifier.kafka.dead_letters import DeadLetter, Letters, Origin, Position
from tests import poison

SOURCES = {"pms.events"}


def letter(
    partition: int, offset: int, origin: Origin, reason: str = "unknown_tenant", truncated: int | None = None,
    time: str = "2026-12-01T09:00:00.5+00:00",
) -> DeadLetter:  # fmt: skip
    return DeadLetter(
        position=Position(partition, offset), origin=origin, reason=reason, detail="", time=time, key=b"k",
        headers=(("content-type", b"application/cloudevents+json"),), size=1, truncated=truncated,
    )  # fmt: skip


def letters(*found: DeadLetter, replayed: set[Position] | None = None) -> Letters:
    return Letters({each.position: each for each in found}, replayed or set())


FIRST = letter(2, 0, Origin("pms.events", 0, 5))
SECOND = letter(0, 9, Origin("pms.events", 0, 6))
THIRD = letter(0, 3, Origin("pms.events", 1, 1), "too_large", time="2026-12-02T09:00:00.5+00:00")


def test_they_go_back_in_the_order_in_which_the_producer_wrote_them() -> None:
    """Their keys may have spread what stood in one partition."""
    plan = plan_replay(letters(THIRD, SECOND, FIRST), Selection(), SOURCES, again=False)
    assert (plan.due, plan.left) == ([FIRST, SECOND, THIRD], [])


def test_what_is_selected_fits_all_that_is_set() -> None:
    all_of_them = letters(FIRST, SECOND, THIRD)

    def due(**selection: object) -> list[DeadLetter]:
        return plan_replay(all_of_them, Selection(**selection), SOURCES, again=False).due  # type: ignore[arg-type]

    assert due(reason="too_large") == [THIRD]
    assert due(since=datetime(2026, 12, 2, tzinfo=UTC)) == [THIRD]
    assert due(named=frozenset({Position(0, 9)})) == [SECOND]
    assert due(named=frozenset({Position(0, 9)}), reason="too_large") == []


def test_what_was_replayed_is_left_unless_again_is_said() -> None:
    known = letters(FIRST, SECOND, replayed={FIRST.position})
    plan = plan_replay(known, Selection(), SOURCES, again=False)
    assert plan.due == [SECOND]
    assert [(left, why.split(";")[0]) for left, why in plan.left] == [(FIRST, "it was replayed before")]
    assert plan_replay(known, Selection(), SOURCES, again=True).due == [FIRST, SECOND]


def test_a_part_of_a_record_and_a_topic_that_nobody_reads_are_left() -> None:
    cut = letter(0, 1, Origin("pms.events", 0, 1), truncated=9_000_000)
    elsewhere = letter(0, 2, Origin("old.events", 0, 1))
    plan = plan_replay(letters(cut, elsewhere), Selection(), SOURCES, again=True)
    assert plan.due == []
    reasons = {left.position: why for left, why in plan.left}
    assert "its value had 9000000 bytes" in reasons[cut.position]
    assert reasons[elsewhere.position].startswith("old.events is none of the topics that are read")


def test_every_position_that_is_not_there_is_named() -> None:
    selection = Selection(named=frozenset({Position(0, 9), Position(1, 1), Position(0, 77)}))
    with pytest.raises(NoSuchLetter, match=r"no dead letter at 0:77, 1:1;"):
        plan_replay(letters(SECOND), selection, SOURCES, again=False)


def test_what_would_become_of_them_now_is_said_before_it_is_done() -> None:
    catalog = build([Tenant(tenant=poison.PMS_TENANT, platform="pms", name="x")], 3)
    verdicts = Verdicts({"pms.events": "pms"}, 10_000, catalog)
    verdicts.look(FIRST, msgspec.json.encode(poison.pms_event()))
    verdicts.look(SECOND, msgspec.json.encode(poison.pms_event(tenant="no-such-house")))
    assert verdicts.summary([FIRST]) == "it would be accepted now"
    assert verdicts.summary([FIRST, SECOND]) == "1 would be accepted now, 1 refused again (1 unknown_tenant)"
