"""Which ledger records count (design section 2, rule 1): one rule for a restore, and for commands that only look.

A record is valid when its writer's epoch is not below the newest CLAIM before it; else it is void. The value of an
entity is its newest valid record, and a tombstone is one, too.
"""

from __future__ import annotations

CLAIM_PREFIX = "claim/"


def is_claim(key: str) -> bool:
    return key.startswith(CLAIM_PREFIX)


def is_valid(epoch: int | None, newest_claim: int) -> bool:
    """`newest_claim`: offset of the newest CLAIM before the record, -1 when there was none."""
    return epoch is not None and epoch >= newest_claim
