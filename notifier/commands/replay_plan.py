"""Which dead letters are replayed, which are not and why, and what would become of them now. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from notifier.domain.catalog import Catalog
from notifier.domain.cloudevents import Refusal
from notifier.domain.events import Platform
from notifier.kafka.dead_letters import DeadLetter, Letters, Position, original_of
from notifier.kafka.intake import understand


class NoSuchLetter(Exception):
    """A dead letter that was named is not there; the message names all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Those that fit all that is set; `named` empty: any."""

    named: frozenset[Position] = frozenset()
    reason: str | None = None
    since: datetime | None = None

    def fits(self, letter: DeadLetter) -> bool:
        return (
            (not self.named or letter.position in self.named)
            and self.reason in (None, letter.reason)
            and (self.since is None or datetime.fromisoformat(letter.time) >= self.since)
        )


@dataclass(slots=True)
class Plan:
    """`due` in the order in which they are to be replayed; `left` with the reason of each."""

    due: list[DeadLetter] = field(default_factory=list)
    left: list[tuple[DeadLetter, str]] = field(default_factory=list)


@dataclass(slots=True)
class Verdicts:
    """What ingest would say of each now, by the configuration in force: None for an event that it would accept."""

    platforms: Mapping[str, Platform]
    max_bytes: int
    catalog: Catalog
    said: dict[Position, str | None] = field(default_factory=dict)

    def look(self, letter: DeadLetter, value: bytes | None) -> None:
        platform = self.platforms.get(letter.origin.topic)
        if platform is not None and letter.truncated is None:
            read = understand(original_of(letter, value), platform, self.max_bytes, self.catalog)
            self.said[letter.position] = read.reason if isinstance(read, Refusal) else None

    def summary(self, due: Collection[DeadLetter]) -> str:
        """`12 would be accepted now, 2 refused again (2 too_large)`."""
        counts = Counter(self.said.get(letter.position) for letter in due)
        accepted = counts.pop(None, 0)
        if not counts:
            return "all would be accepted now" if accepted > 1 else "it would be accepted now"
        again = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items(), key=str))
        return f"{accepted} would be accepted now, {sum(counts.values())} refused again ({again})"


def plan_replay(letters: Letters, selection: Selection, sources: Collection[str], *, again: bool) -> Plan:
    """`sources`: the topics that ingest reads. Raises `NoSuchLetter`."""
    missing = sorted(selection.named - letters.found.keys())
    if missing:
        named = ", ".join(map(str, missing))
        raise NoSuchLetter(f"there is no dead letter at {named}; notifier dead-letters list shows what there is")
    plan = Plan()
    for letter in letters.in_order():
        if not selection.fits(letter):
            continue
        why_not = _why_not(letter, letters, sources, again=again)
        if why_not is None:
            plan.due.append(letter)
        else:
            plan.left.append((letter, why_not))
    return plan


def _why_not(letter: DeadLetter, letters: Letters, sources: Collection[str], *, again: bool) -> str | None:
    if letter.truncated is not None:
        return f"only a part of it was kept (its value had {letter.truncated} bytes): its producer has to publish it"
    if letter.origin.topic not in sources:
        return f"{letter.origin.topic} is none of the topics that are read (NOTIFIER_TOPICS__PMS_EVENTS, __CARE_EVENTS)"
    if letter.position in letters.replayed and not again:
        return "it was replayed before; --again replays it once more"
    return None
