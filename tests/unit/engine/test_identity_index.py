"""The index of remembered identities against a plain bag, also where identities overlap across their borders."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.engine.identity_index import IdentityIndex

# Few bytes and one bucket: a search that forgot where identities begin would find some that are none.
identities = st.builds(
    lambda tail: b"\x00\x00" + tail, st.lists(st.sampled_from([0, 1]), min_size=14, max_size=14).map(bytes)
) | st.binary(min_size=16, max_size=16)
repetitive = st.integers(0, 15).map(lambda turn: (b"\x00" * 15 + b"\x01")[turn:] + (b"\x00" * 15 + b"\x01")[:turn])
pages = st.lists(identities | repetitive, max_size=8, unique=True)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.booleans(), pages), max_size=12), st.lists(identities | repetitive, max_size=20))
def test_it_remembers_what_a_bag_does(changes: list[tuple[bool, list[bytes]]], others: list[bytes]) -> None:
    index, bag = IdentityIndex(), Counter[bytes]()
    for added, page in changes:
        if added:
            index.add(b"".join(page))
            bag.update(page)
        else:
            index.discard(b"".join(page))
            bag = +(bag - Counter(page))
        seen = {identity for _, known in changes for identity in known}
        assert {identity for identity in seen | set(others) if identity in index} == set(bag)
        assert len(index) == bag.total()
