"""`notifier parked resend`, from the wish to what the results topic says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from notifier.commands.asking import ask
from notifier.commands.looking import partitions_for
from notifier.domain.outcomes import TERMINAL_STATUSES, Cause, Outcome, ResolvedData, Status
from notifier.domain.signals import ResendParked
from notifier.engine.entities import Notification
from notifier.kafka.connection import client_options
from notifier.kafka.reading import PartitionReader
from notifier.kafka.topic_scan import partition_counts
from notifier.settings import Settings


@dataclass(frozen=True, slots=True)
class Decision:
    """What became of a wish: sent again as another notification, or resolved by evidence, or neither in time."""

    notification_id: str
    resent_as: str | None = None
    status: Status | None = None
    reason: str | None = None
    resolved: ResolvedData | None = None

    @property
    def is_on_its_way(self) -> bool:
        """It was begun again, and is not at its end already."""
        return self.status is not None and self.status not in TERMINAL_STATUSES

    def as_row(self) -> dict[str, object]:
        return {
            "notificationId": self.notification_id,
            "resentAs": self.resent_as,
            "status": self.status,
            "reason": self.reason,
            "resolved": None if self.resolved is None else msgspec.to_builtins(self.resolved),
        }

    def __str__(self) -> str:
        if self.resent_as is not None:
            became = ", ".join(part for part in (self.status, self.reason) if part)
            if self.is_on_its_way:
                return f"{self.notification_id}  sent again as {self.resent_as} ({became})"
            return f"{self.notification_id}  not sent again: {self.resent_as} ended at once ({became})"
        if self.resolved is not None:
            found = self.resolved
            return (
                f"{self.notification_id}  not sent again: Twilio has it as {found.message_sid},"
                f" {found.provider_status} (evidence: {found.evidence})"
            )
        return (
            f"{self.notification_id}  asked; not decided yet: it is carried out when a daemon with the role engine owns"
            " its partition, Twilio's list answers, and NOTIFIER_RECOVERY__LIST_LAG has passed since the create"
        )


async def resend_and_watch(settings: Settings, parked: Sequence[Notification], seconds: float) -> list[Decision]:
    """Ask for all of them, and return what was decided of each within `seconds`, in the same order."""
    options, topic = client_options(settings.kafka), settings.topics.name("results")
    count = (await partition_counts(options, [topic]))[topic]
    partitions = sorted({partition for n in parked for partition in partitions_for(n.tenant, count)})
    readers = [PartitionReader(options, topic, partition) for partition in partitions]
    ends = await asyncio.gather(*(reader.end() for reader in readers))
    await ask(settings, [ResendParked(tenant=n.tenant, notification_id=n.id) for n in parked])
    decided = {n.id: Decision(n.id) for n in parked}
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for partition, reader, end in zip(partitions, readers, ends, strict=True):
                mine = {n.id for n in parked if partitions_for(n.tenant, count) == (partition,)}
                group.create_task(_watch(reader, end, mine, decided))
    except TimeoutError:
        pass  # what is not decided says so
    return list(decided.values())


async def _watch(reader: PartitionReader, start: int, undecided: set[str], decided: dict[str, Decision]) -> None:
    """Until each of them is decided."""
    async with aclosing(reader.follow(start)) as chunks:
        async for fetched in chunks:
            for record in fetched.records:
                decision = _decision(record.value or b"")
                if decision is not None and decision.notification_id in undecided:
                    decided[decision.notification_id] = decision
                    undecided.discard(decision.notification_id)
            if not undecided:
                return


class _Caused(msgspec.Struct):
    status: Status | None = None
    reason: str | None = None
    cause: Cause | None = None


def _decision(value: bytes) -> Decision | None:
    try:
        outcome = msgspec.json.decode(value, type=Outcome)
        if outcome.type == "parked.resolved":
            resolved = msgspec.json.decode(outcome.data, type=ResolvedData)
            return Decision(resolved.notification_id, resolved=resolved)
        said = msgspec.json.decode(outcome.data, type=_Caused)
    except msgspec.DecodeError:
        return None
    if said.cause is None or said.cause.notification is None:
        return None
    return Decision(said.cause.notification, resent_as=outcome.subject, status=said.status, reason=said.reason)
