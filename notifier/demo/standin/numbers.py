"""Numbers with a meaning: Twilio's own magic ones, and ours beside them (docs/reference/stand-in.md).

All of ours are recipients of the form +1500555xxxx. Any other E.164 number is an ordinary one: queued, sent, delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from notifier.demo.standin.refusals import Refusal

Trouble = Literal["server_error", "bad_gateway", "hang", "cut"]


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a message once it was created: the statuses it reaches, each called back.

    `silent`: no callback says so, and only a poll can see it.
    """

    statuses: tuple[str, ...] = ("sent", "delivered")
    error_code: int | None = None
    silent: bool = False
    doubled: bool = False
    reordered: bool = False
    early: bool = False


@dataclass(frozen=True, slots=True)
class Mishap:
    """The create does not get its answer. `created`: the message exists all the same."""

    trouble: Trouble
    created: bool


REFUSED_SENDERS: Mapping[str, Refusal] = {
    "+15005550001": Refusal(21212),
    "+15005550007": Refusal(21606),
    "+15005550008": Refusal(21611),
}
ALWAYS_APPROVED = "+15005550006"

REFUSED_RECIPIENTS: Mapping[str, Refusal] = {
    # Twilio's own.
    "+15005550001": Refusal(21211),
    "+15005550002": Refusal(21612),
    "+15005550003": Refusal(21408),
    "+15005550004": Refusal(21610),
    "+15005550009": Refusal(21614),
    # Ours: one for every other class.
    "+15005550110": Refusal(21618),
    "+15005550111": Refusal(21658),
    "+15005550112": Refusal(21703),
    "+15005550113": Refusal(21606),
    "+15005550114": Refusal(20003),
    "+15005550115": Refusal(20005),
    "+15005550116": Refusal(63038),
    "+15005550120": Refusal(20429),
    "+15005550121": Refusal(20429, retry_after=2.0),
    "+15005550122": Refusal(21611),
    "+15005550130": Refusal(20500),
    "+15005550131": Refusal(20503),
}

MISHAPS: Mapping[str, Mishap] = {
    "+15005550132": Mishap("bad_gateway", created=False),
    "+15005550133": Mishap("server_error", created=True),
    "+15005550140": Mishap("hang", created=True),
    "+15005550141": Mishap("hang", created=False),
    "+15005550142": Mishap("cut", created=True),
    "+15005550143": Mishap("cut", created=False),
}

FATES: Mapping[str, Fate] = {
    "+15005550201": Fate(("sent", "undelivered"), 30003),
    "+15005550202": Fate(("sent", "undelivered"), 30004),
    "+15005550203": Fate(("sent", "undelivered"), 30005),
    "+15005550204": Fate(("sent", "undelivered"), 30006),
    "+15005550205": Fate(("sent", "undelivered"), 30007),
    "+15005550206": Fate(("sent", "undelivered"), 30008),
    "+15005550207": Fate(("sent", "undelivered"), 30034),
    "+15005550221": Fate(("failed",), 30002),
    "+15005550222": Fate(("failed",), 30001),
    "+15005550223": Fate(("failed",), 30036),
    "+15005550224": Fate(("failed",), 30500),
    "+15005550225": Fate(("failed",), 21610),
    "+15005550226": Fate(("failed",), 30410),
    "+15005550227": Fate(("failed",), 30450),
    "+15005550231": Fate(("sent",)),
    "+15005550232": Fate(()),
    "+15005550233": Fate(silent=True),
    "+15005550241": Fate(doubled=True),
    "+15005550242": Fate(reordered=True),
    "+15005550243": Fate(early=True),
    "+15005550244": Fate(("delivered",)),
}

ORDINARY = Fate()
