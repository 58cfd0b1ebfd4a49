"""Faults to order, for one account or for all. Ratios run from 0 to 1, drawn from one seeded source of chance."""

from __future__ import annotations

from random import Random
from typing import Annotated

import msgspec

from notifier.demo.standin.numbers import Mishap
from notifier.demo.standin.refusals import REFUSABLE, Refusal

Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0)]


class Faults(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """What goes wrong, and how often. The names without `accept` create nothing."""

    latency: Seconds = 0.0  # between the create and its answer
    refuse_with: int | None = None  # every create is refused with this code
    refuse_reads_with: int | None = None  # every request that is no create is refused with this code
    too_many: Ratio = 0.0  # 429
    max_in_flight: Annotated[int, msgspec.Meta(ge=1)] | None = None  # above it 429
    retry_after: Seconds | None = None  # the header of those 429
    server_error: Ratio = 0.0
    hang: Ratio = 0.0
    cut: Ratio = 0.0  # read, then the connection is closed
    cut_before_read: Ratio = 0.0
    accept_then_server_error: Ratio = 0.0
    accept_then_hang: Ratio = 0.0
    accept_then_cut: Ratio = 0.0
    list_lag: Seconds = 0.0  # before a message shows on the list
    callbacks_lost: Ratio = 0.0
    callbacks_doubled: Ratio = 0.0
    callbacks_reordered: Ratio = 0.0  # the final one first
    callbacks_early: Ratio = 0.0  # the first one before the create's answer

    def __post_init__(self) -> None:
        for name, code in (("refuseWith", self.refuse_with), ("refuseReadsWith", self.refuse_reads_with)):
            if code is not None and code not in REFUSABLE:
                allowed = ", ".join(str(one) for one in sorted(REFUSABLE))
                raise ValueError(f"{name}: one of {allowed} is allowed")


class FaultBook:
    """Which faults hold: an account's own, where there are any, else everybody's."""

    def __init__(self, faults: Faults, seed: int) -> None:
        self._of_all = faults
        self._of_account: dict[str, Faults] = {}
        self.chance = Random(seed)

    def order(self, faults: Faults, account_sid: str | None) -> None:
        """Replaces what was ordered before; for everybody, it also ends what single accounts had."""
        if account_sid is None:
            self._of_all = faults
            self._of_account.clear()
        else:
            self._of_account[account_sid] = faults

    def of(self, account_sid: str) -> Faults:
        return self._of_account.get(account_sid, self._of_all)

    def happens(self, ratio: float) -> bool:
        return ratio > 0.0 and self.chance.random() < ratio

    def refusal(self, faults: Faults, in_flight: int) -> Refusal | None:
        """`in_flight` counts the request itself."""
        if faults.refuse_with is not None:
            return Refusal(faults.refuse_with)
        if (faults.max_in_flight is not None and in_flight > faults.max_in_flight) or self.happens(faults.too_many):
            return Refusal(20429, faults.retry_after)
        return None

    def mishap(self, faults: Faults) -> Mishap | None:
        """The first that happens, those that create nothing before the others."""
        if self.happens(faults.server_error):
            return Mishap("server_error", created=False)
        if self.happens(faults.hang):
            return Mishap("hang", created=False)
        if self.happens(faults.cut):
            return Mishap("cut", created=False)
        if self.happens(faults.accept_then_server_error):
            return Mishap("server_error", created=True)
        if self.happens(faults.accept_then_hang):
            return Mishap("hang", created=True)
        if self.happens(faults.accept_then_cut):
            return Mishap("cut", created=True)
        return None
