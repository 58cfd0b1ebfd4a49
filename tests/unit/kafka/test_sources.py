"""The table of source partitions: what is committed, what is halted, and when a consumer counts as stuck."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from notifier.domain.catalog import Catalog, build
from notifier.domain.documents import Halt
from notifier.domain.events import Platform
from notifier.kafka.assignor import Place
from notifier.kafka.membership import Committed
from notifier.kafka.source_positions import note
from notifier.kafka.sources import Source, SourceTable
from notifier.settings import IngestSettings

A: Place = ("pms.events", 0)
B: Place = ("pms.events", 1)


class Group:
    """A group that remembers what was committed."""

    def __init__(self, committed: Mapping[Place, Committed]) -> None:
        self.positions = dict(committed)
        self.refuses = False

    async def committed(self, places: Iterable[Place]) -> dict[Place, Committed]:
        return {place: self.positions[place] for place in places if place in self.positions}

    async def commit(self, positions: Mapping[Place, Committed], seconds: float) -> bool:
        if not self.refuses:
            self.positions |= positions
        return not self.refuses


class Log:
    """Two partitions of one topic, as far as a consumer tells of them."""

    def __init__(self, end: int, oldest: int = 0, topic_id: str = "") -> None:
        self.oldest, self.end, self.topic_id = oldest, end, topic_id
        self.at: dict[Place, int] = {}
        self.paused: set[Place] = set()

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.oldest)

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.end)

    def seek(self, at: TopicPartition, offset: int) -> None:
        self.at[at.topic, at.partition] = offset

    async def position(self, at: TopicPartition) -> int:
        return self.at[at.topic, at.partition]

    def pause(self, at: TopicPartition) -> None:
        self.paused.add((at.topic, at.partition))

    def resume(self, at: TopicPartition) -> None:
        self.paused.discard((at.topic, at.partition))


ID, OTHER = "S2Hr5nRkTjmyRLZ-_Aq1Yw", "AAAAAAAAAAAAAAAAAAAAAQ"


async def ids_of(log: Log, topics: Iterable[str]) -> Mapping[str, str]:
    return dict.fromkeys(topics, log.topic_id)


def table(group: Group, alerts: list[str] | None = None, start: str = "earliest") -> SourceTable:
    alerted = [] if alerts is None else alerts
    platforms: Mapping[str, Platform] = {"pms.events": "pms"}
    return SourceTable(
        group,
        platforms,
        IngestSettings.model_validate({"start": start}),
        lambda: 1.5,
        lambda topic, what: alerted.append(what),
        ids_of,
    )


def catalog(offset: int, *halts: Halt) -> Catalog:
    return build(halts, offset)


def halt_of(name: str, offset: int) -> Halt:
    return Halt(tenant="platform", name=name, offset=offset, reason="junk")


def source(sources: SourceTable, place: Place) -> Source:
    found = sources.get(place)
    assert found is not None
    return found


async def test_new_partitions_begin_at_their_committed_positions_and_ours_stay_where_they_are() -> None:
    sources, log = table(Group({A: Committed(3, note(0)), B: Committed(5, note(9))})), Log(10)
    await sources.place(log, frozenset({A}), catalog(0))
    source(sources, A).next_offset = 7
    await sources.place(log, frozenset({A, B}), catalog(0))
    assert log.at == {A: 7, B: 5}
    assert source(sources, B).incarnation == 9


async def test_only_what_moved_is_committed_and_what_failed_is_committed_the_next_time() -> None:
    group, log = Group({A: Committed(3, note(0)), B: Committed(3, note(0))}), Log(10)
    sources = table(group)
    await sources.place(log, frozenset({A, B}), catalog(0))
    source(sources, A).next_offset = 7
    group.refuses = True
    await sources.commit(1.0)
    group.refuses = False
    await sources.commit(1.0)
    assert group.positions == {A: Committed(7, note(0)), B: Committed(3, note(0))}


async def test_the_first_position_of_a_fresh_group_is_committed_before_anything_is_read() -> None:
    """Else a group that begins at the end would lose what comes before its first commit."""
    group = Group({})
    sources = table(group)
    await sources.place(Log(10), frozenset({A}), catalog(0))
    await sources.commit(1.0)
    assert group.positions == {A: Committed(0, note(0))}


async def test_partitions_that_are_no_longer_ours_are_neither_known_nor_committed() -> None:
    group = Group({A: Committed(3, note(0))})
    sources = table(group)
    await sources.place(Log(10), frozenset({A}), catalog(0))
    source(sources, A).next_offset = 7
    sources.keep_only([B])
    await sources.commit(1.0)
    assert sources.get(A) is None
    assert group.positions == {A: Committed(3, note(0))}


async def test_a_halt_pauses_its_partition_and_its_end_sets_it_to_where_it_stopped() -> None:
    sources, log = table(Group({A: Committed(3, note(0))})), Log(10)
    await sources.place(log, frozenset({A}), catalog(0, halt_of("pms.events:0", 5)))
    sources.pause_halted(log, catalog(0, halt_of("pms.events:0", 5)))
    assert log.paused == {A}
    log.at[A] = 9  # as far as the consumer had fetched
    sources.pause_halted(log, catalog(1))
    assert (log.paused, log.at) == (set(), {A: 5})


async def test_a_halt_that_was_just_written_holds_until_the_configuration_says_otherwise() -> None:
    """Also when it was ended again before we saw it."""
    sources, log = table(Group({A: Committed(3, note(0))})), Log(10)
    await sources.place(log, frozenset({A}), catalog(0))
    source(sources, A).halted_at = 4
    sources.pause_halted(log, catalog(3))
    assert log.paused == {A}
    sources.pause_halted(log, catalog(4))
    assert log.paused == set()


async def test_records_that_do_not_come_mean_a_stuck_consumer() -> None:
    sources, log = table(Group({A: Committed(3, note(0))})), Log(10)
    await sources.place(log, frozenset({A}), catalog(0))
    for _ in range(3):
        assert await sources.look_for_progress(log) == {A: 7}
    with pytest.raises(TimeoutError, match=r"pms\.events:0"):
        await sources.look_for_progress(log)


@pytest.mark.parametrize("why", ["it moves", "there is nothing", "it is halted"])
async def test_a_partition_that_has_a_reason_is_not_stuck(why: str) -> None:
    sources, log = table(Group({A: Committed(3, note(0))})), Log(3 if why == "there is nothing" else 10)
    await sources.place(log, frozenset({A}), catalog(0))
    source(sources, A).halted_by_document = why == "it is halted"
    for _ in range(6):
        await sources.look_for_progress(log)
        source(sources, A).next_offset += why == "it moves"


async def test_what_a_consumer_passed_without_a_record_is_passed_by_us_too() -> None:
    """The mark at the end of a producer's transaction is no record, and no sign of a stuck consumer."""
    group = Group({A: Committed(3, note(0))})
    sources, log = table(group), Log(4)
    await sources.place(log, frozenset({A}), catalog(0))
    assert await sources.look_for_progress(log) == {A: 1}
    log.at[A] = 4
    assert await sources.look_for_progress(log) == {A: 0}
    await sources.commit(1.0)
    assert group.positions == {A: Committed(4, note(0))}


async def test_a_position_of_a_halted_partition_does_not_move_with_what_was_fetched() -> None:
    sources, log = table(Group({A: Committed(3, note(0))})), Log(9)
    await sources.place(log, frozenset({A}), catalog(0, halt_of("pms.events:0", 3)))
    sources.pause_halted(log, catalog(0, halt_of("pms.events:0", 3)))
    log.at[A] = 9
    assert await sources.look_for_progress(log) == {A: 6}


async def test_records_deleted_before_they_were_read_halt_their_partition_before_anything_is_committed() -> None:
    """Who crashes before the halt is written leaves the discovery to the next owner."""
    group, alerts = Group({A: Committed(3, note(7))}), list[str]()
    sources = table(group, alerts)
    await sources.place(Log(10, oldest=5), frozenset({A}), catalog(0))
    await sources.commit(1.0)
    assert group.positions == {A: Committed(3, note(7))}
    halted = source(sources, A)
    reason = "records 3 to 4 were deleted before they were read"
    assert [(halted.name, *halting) for halted, halting in sources.halting()] == [("pms.events:0", 5, reason)]
    assert halted.halted
    assert alerts == ["source_records_lost"]
    halted.halting = None
    await sources.commit(1.0)
    assert group.positions == {A: Committed(5, note(7))}


@pytest.mark.parametrize("known_here", [True, False])
async def test_what_is_lost_while_a_partition_is_halted_is_no_second_halt(known_here: bool) -> None:
    group, alerts, halt = Group({A: Committed(3, note(0))}), list[str](), halt_of("pms.events:0", 3)
    sources = table(group, alerts)
    if known_here:
        await sources.place(Log(10), frozenset({A}), catalog(0, halt))
    await sources.place(Log(10, oldest=5), frozenset({A}), catalog(0, halt))
    assert sources.halting() == []
    assert source(sources, A).next_offset == 5
    assert alerts == ["source_records_lost"]


async def test_what_retention_deleted_until_the_resume_is_part_of_it() -> None:
    """Else a topic that is kept for a short time only could never be resumed; records lost later halt again."""
    sources, log = table(Group({A: Committed(3, note(0))})), Log(10, oldest=5)
    await sources.place(log, frozenset({A}), catalog(0, halt_of("pms.events:0", 5)))
    sources.pause_halted(log, catalog(0, halt_of("pms.events:0", 5)))
    sources.pause_halted(log, catalog(1))
    log.oldest = 7
    await sources.place(log, frozenset({A}), catalog(1))
    assert (sources.halting(), log.at) == ([], {A: 7})
    source(sources, A).resumed = False  # as after a record
    log.oldest = 8
    await sources.place(log, frozenset({A}), catalog(1))
    assert [halting.offset for _, halting in sources.halting()] == [8]


async def test_a_topic_that_is_another_one_is_noticed_while_it_is_read_and_begun_at_its_oldest_record() -> None:
    group = Group({A: Committed(3, note(0, ID))})
    sources, log = table(group), Log(10, topic_id=ID)
    await sources.place(log, frozenset({A}), catalog(0))
    assert await sources.look_for_progress(log) == {A: 7}
    log.topic_id = OTHER
    with pytest.raises(TimeoutError, match="made anew"):
        await sources.look_for_progress(log)
    await sources.place(log, frozenset({A}), catalog(0))
    assert log.at == {A: 0}
    assert source(sources, A).position(4, 5).partition == f"0@{OTHER}"
    await sources.commit(1.0)
    assert group.positions == {A: Committed(0, note(1500, OTHER))}


async def test_a_topic_that_took_its_offsets_with_it_is_no_fresh_one() -> None:
    """Else whoever starts at the latest record would lose what the new one held before it was noticed."""
    group = Group({A: Committed(3, note(0, ID))})
    sources, log = table(group, start="latest"), Log(10, topic_id=ID)
    await sources.place(log, frozenset({A}), catalog(0))
    sources.keep_only([])
    group.positions, log.topic_id = {}, OTHER
    await sources.place(log, frozenset({A, B}), catalog(0))
    assert log.at == {A: 0, B: 0}


async def test_an_id_that_is_not_known_at_this_moment_is_waited_for() -> None:
    async def nothing(_log: Log, _topics: Iterable[str]) -> Mapping[str, str]:
        return {}

    sources = SourceTable(Group({}), {"pms.events": "pms"}, IngestSettings(), lambda: 1.5, lambda *_: None, nothing)
    with pytest.raises(UnknownTopicOrPartitionError):
        await sources.place(Log(10), frozenset({A}), catalog(0))
