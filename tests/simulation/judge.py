"""Judges that never ask the engine: Twilio's own record, the results topic, and what was published."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import msgspec

from notifier.domain.identifiers import event_subject
from tests.simulation.world import World

TERMINAL = frozenset(
    {"delivered", "unconfirmed", "undelivered", "failed", "skipped", "delegated", "cancelled", "parked"}
)
CREATED = frozenset({"delivered", "unconfirmed", "undelivered", "failed", "parked"})
REACHED = frozenset({"notification.sent", "notification.delivered", "notification.undelivered"})


@dataclass
class Verdict:
    lost: list[str] = field(default_factory=list)  # events of which nothing was ever said
    twice: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    inconsistent: list[str] = field(default_factory=list)
    after_cancellation: list[str] = field(default_factory=list)
    halted: list[str] = field(default_factory=list)
    resent: int = 0
    parked: int = 0
    notifications: int = 0

    @property
    def faults(self) -> list[str]:
        return [
            f"{kind}: {what}"
            for kind in ("lost", "twice", "unfinished", "inconsistent", "after_cancellation", "halted")
            for what in getattr(self, kind)
        ]


def judge(world: World) -> Verdict:
    verdict = Verdict(halted=list(world.halts))
    by_subject = world.outcomes_by_subject()
    contents: dict[str, object] = {}
    told: set[tuple[str, str]] = set()
    for outcomes in by_subject.values():
        for outcome in outcomes:
            data = msgspec.json.decode(outcome.data)
            if contents.setdefault(outcome.id, (outcome.type, outcome.time, data)) != (
                outcome.type,
                outcome.time,
                data,
            ):
                verdict.inconsistent.append(f"{outcome.id} said two things")
            if "event" in data:
                told.add((data["event"]["source"], data["event"]["id"]))
    _events(world, told, verdict)
    resent = _notifications(by_subject, verdict)
    _runs(contents, verdict)
    _messages(world, by_subject, resent, verdict)
    return verdict


def _events(world: World, told: set[tuple[str, str]], verdict: Verdict) -> None:
    for event, _ in world.inbox:
        if (event.source, event.id) not in told:
            verdict.lost.append(f"{event.type} {event.id} ({event_subject(event.source, event.id)})")


def _notifications(by_subject: dict[str, list], verdict: Verdict) -> set[str]:  # type: ignore[type-arg]
    resent = set()
    for subject, outcomes in by_subject.items():
        if not subject.startswith("ntf_"):
            continue
        outcomes = _of_the_sequence(outcomes)
        verdict.notifications += 1
        by_sequence = {int(outcome.id.rpartition(":")[2]): outcome for outcome in outcomes}
        statuses = [by_sequence[number].type.removeprefix("notification.") for number in sorted(by_sequence)]
        if sorted(by_sequence) != list(range(1, len(by_sequence) + 1)):
            verdict.inconsistent.append(f"{subject}: sequences {sorted(by_sequence)}")
        if [status in TERMINAL for status in statuses] != [False] * (len(statuses) - 1) + [True]:
            verdict.unfinished.append(f"{subject}: {statuses}")
        for outcome in outcomes:
            if b"resent_without_evidence" in bytes(outcome.data):
                resent.add(subject)
        verdict.parked += statuses[-1] == "parked"
    verdict.twice += _resent_twice(by_subject)
    verdict.resent = len(resent)
    return resent


def _resent_twice(by_subject: dict[str, list]) -> list[str]:  # type: ignore[type-arg]
    """A parked notification is sent again once at most, however often somebody asks."""
    again: dict[str, set[str]] = defaultdict(set)
    for subject, outcomes in by_subject.items():
        for outcome in outcomes:
            cause = msgspec.json.decode(outcome.data).get("cause") or {}
            if cause.get("notification"):
                again[cause["notification"]].add(subject)
    return [f"{parked} was resent as {sorted(new)}" for parked, new in again.items() if len(new) > 1]


def _of_the_sequence(outcomes: list) -> list:  # type: ignore[type-arg]
    return [outcome for outcome in outcomes if outcome.type != "parked.resolved"]


def _runs(contents: dict[str, object], verdict: Verdict) -> None:
    endings = Counter(outcome_id.partition(":")[0] for outcome_id in contents if outcome_id.startswith("run_"))
    verdict.inconsistent += [f"{run} ended {count} times" for run, count in endings.items() if count > 1]


def _messages(world: World, by_subject: dict[str, list], resent: set[str], verdict: Verdict) -> None:  # type: ignore[type-arg]
    created: dict[str, list[int]] = defaultdict(list)
    texted = {message.request.notification_id for message in world.messages}
    for subject, outcomes in by_subject.items():
        if subject not in texted and any(outcome.type in REACHED for outcome in outcomes):
            verdict.lost.append(f"{subject} is said to have reached somebody and was never texted")
    for message in world.messages:
        created[message.request.notification_id].append(message.request.attempt)
    for notification, attempts in created.items():
        if len(attempts) > 1:
            verdict.twice.append(f"{notification}: attempts {attempts}{' (resent)' if notification in resent else ''}")
        outcomes = _of_the_sequence(by_subject.get(notification, []))
        if not outcomes:
            verdict.lost.append(f"{notification} was texted and nothing is said of it")
            continue
        last = max(outcomes, key=lambda outcome: int(outcome.id.rpartition(":")[2]))
        status = last.type.removeprefix("notification.")
        if status in TERMINAL - CREATED:
            verdict.after_cancellation.append(f"{notification} is {status} and was texted")
