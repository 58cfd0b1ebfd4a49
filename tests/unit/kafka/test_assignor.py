"""How partitions are divided among members."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifier.kafka.assignor import Place, divided

PLACES: list[Place] = [("inbox", partition) for partition in range(12)]


def named(*instances: str) -> dict[str, str]:
    return {f"member-of-{instance}": instance for instance in instances}


@given(
    places=st.sets(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 40))),
    members=st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=9),
)
def test_every_partition_has_one_owner_and_nobody_has_two_more_than_another(
    places: set[Place], members: dict[str, str]
) -> None:
    shares = divided(places, members)
    owned = [place for share in shares.values() for place in share]
    sizes = [len(share) for share in shares.values()]
    assert sorted(owned) == sorted(places)
    assert max(sizes) - min(sizes) <= 1


def test_the_same_members_get_the_same_partitions_whatever_the_broker_calls_them() -> None:
    """Member ids change with every join; instance ids do not."""
    before = divided(PLACES, {"x1": "pod-0", "x2": "pod-1", "x3": "pod-2"})
    after = divided(reversed(PLACES), {"y3": "pod-2", "y2": "pod-1", "y1": "pod-0"})
    assert [before["x1"], before["x2"], before["x3"]] == [after["y1"], after["y2"], after["y3"]]


def test_a_member_that_goes_moves_little_of_what_the_others_have() -> None:
    before = divided(PLACES, named("a", "b", "c"))
    after = divided(PLACES, named("a", "b"))
    kept = sum(len(set(before[f"member-of-{m}"]) & set(after[f"member-of-{m}"])) for m in "ab")
    assert kept >= 6  # of 8: more than a division without any memory would keep


def test_no_members_get_nothing() -> None:
    assert divided(PLACES, {}) == {}
