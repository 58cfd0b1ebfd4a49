"""Which identities stand in pages: 16 bytes each, side by side in buckets, so that millions of them fit in memory.

Rules: an identity is a digest, so its first bits spread evenly and name its bucket. It is kept once for every page that
has it; whichever page goes first, the other one still remembers.
"""

from __future__ import annotations

IDENTITY_BYTES = 16
_BUCKETS = 1 << 12  # a million identities make buckets of 4 KB, searched in less than a microsecond
_SHIFT = 16 - 12  # of the first two bytes


class IdentityIndex:
    """A bag of identities: what was added twice has to be taken away twice."""

    def __init__(self) -> None:
        self._buckets: list[bytearray | None] = [None] * _BUCKETS
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, identity: bytes) -> bool:
        if len(identity) != IDENTITY_BYTES:
            return False  # of an entity that carries none
        bucket = self._buckets[_bucket_of(identity)]
        return bucket is not None and _place(bucket, identity) >= 0

    def add(self, joined: bytes) -> None:
        """Add identities, joined as a page has them."""
        buckets = self._buckets
        for start in range(0, len(joined), IDENTITY_BYTES):
            identity = joined[start : start + IDENTITY_BYTES]
            number = _bucket_of(identity)
            bucket = buckets[number]
            if bucket is None:
                buckets[number] = bytearray(identity)
            else:
                bucket += identity
        self._count += len(joined) // IDENTITY_BYTES

    def discard(self, joined: bytes) -> None:
        """Take each of these away once; the one that was not there is passed over."""
        for start in range(0, len(joined), IDENTITY_BYTES):
            identity = joined[start : start + IDENTITY_BYTES]
            number = _bucket_of(identity)
            bucket = self._buckets[number]
            place = -1 if bucket is None else _place(bucket, identity)
            if bucket is None or place < 0:
                continue
            bucket[place : place + IDENTITY_BYTES] = bucket[-IDENTITY_BYTES:]  # the last one fills the hole
            del bucket[-IDENTITY_BYTES:]
            if not bucket:
                self._buckets[number] = None
            self._count -= 1


def _bucket_of(identity: bytes) -> int:
    return (identity[0] << 8 | identity[1]) >> _SHIFT


def _place(bucket: bytearray, identity: bytes) -> int:
    """Where it stands, -1 when it does not; what is found across two identities is neither of them."""
    place = bucket.find(identity)
    while place % IDENTITY_BYTES:
        if place < 0:
            return -1
        place = bucket.find(identity, place + 1)
    return place
