"""Where reading of a source partition begins."""

from __future__ import annotations

from notifier.kafka.membership import Committed
from notifier.kafka.source_positions import Beginning, beginning, incarnation_of, note, topic_id_of

NOW = 1_796_000_000_000
ID, OTHER = "S2Hr5nRkTjmyRLZ-_Aq1Yw", "AAAAAAAAAAAAAAAAAAAAAQ"


def test_reading_goes_on_at_the_committed_position() -> None:
    assert beginning(Committed(7, note(0)), 0, 9, 0, NOW) == Beginning(7, 0)
    assert beginning(Committed(9, note(5)), 0, 9, 0, NOW) == Beginning(9, 5)


def test_a_group_without_a_position_begins_where_the_setting_says() -> None:
    assert beginning(None, 2, 9, 9, NOW) == Beginning(9, 0)


def test_a_log_that_ends_before_the_position_is_another_one() -> None:
    assert beginning(Committed(7, note(0)), 0, 6, 0, NOW) == Beginning(0, NOW, "source_topic_recreated")


def test_a_topic_with_another_id_is_another_one_however_far_it_reaches() -> None:
    assert beginning(Committed(7, note(0, ID)), 0, 60, 0, NOW, OTHER) == Beginning(0, NOW, "source_topic_recreated")
    assert beginning(Committed(7, note(0, ID)), 0, 60, 0, NOW, ID) == Beginning(7, 0)


def test_an_id_that_is_not_told_decides_nothing() -> None:
    assert beginning(Committed(7, note(0)), 0, 60, 0, NOW, ID) == Beginning(7, 0)
    assert beginning(Committed(7, note(0, ID)), 0, 60, 0, NOW, "") == Beginning(7, 0)


def test_incarnations_only_count_up_whatever_the_clock_says() -> None:
    assert beginning(Committed(7, note(NOW + 5)), 0, 6, 0, NOW).incarnation == NOW + 6


def test_records_deleted_before_they_were_read_are_told() -> None:
    assert beginning(Committed(3, note(4)), 5, 9, 5, NOW) == Beginning(5, 4, "source_records_lost")


def test_the_incarnation_is_kept_beside_the_offset_and_a_foreign_note_means_none() -> None:
    assert incarnation_of(Committed(1, note(NOW))) == NOW
    assert incarnation_of(Committed(1, note(NOW, ID))) == NOW
    assert topic_id_of(Committed(1, note(NOW, ID))) == ID
    assert topic_id_of(Committed(1, note(NOW))) == topic_id_of(Committed(1, "somebody else's")) == ""
    assert incarnation_of(Committed(1, "")) == incarnation_of(Committed(1, "somebody else's")) == 0
