"""The group `<prefix>.engine`: it names who should own which partition, and that is all it does (design section 2).

Records, positions and ownership itself are matters of the ledger. What the group says is a hint; a process that is cut
off from it goes on until the ledger shows a newer CLAIM.
"""

from __future__ import annotations

from collections.abc import Callable

from notifier.kafka.assignor import Place
from notifier.kafka.connection import Options
from notifier.kafka.membership import Membership
from notifier.settings import KafkaSettings, TopicSettings


class Election:
    """`changed` is called with every assignment: the partitions that this process should own, all of them. Until the
    first one, when they are `divided`, that nobody is named says nothing.

    `heard` is called with a time of `now` whenever the group was heard of: it named this process after that time.
    """

    def __init__(
        self,
        options: Options,
        kafka: KafkaSettings,
        topics: TopicSettings,
        *,
        instance: str,
        now: Callable[[], float],
        changed: Callable[[frozenset[int]], None],
        heard: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._changed, self._on_heard = changed, heard
        self._answered_at = float("-inf")
        self.named: frozenset[int] = frozenset()
        self.divided = False
        self._membership = Membership(
            options,
            kafka.group("engine"),
            [topics.name("inbox")],
            instance=instance,
            session_timeout=kafka.session_timeout,
            now=now,
            assigned=self._assigned,
            heard=self._heard,
        )

    async def run(self) -> None:
        """Take part until `leave`."""
        await self._membership.run()

    def leave(self) -> None:
        """Give everything up: the successor starts at once. `run` ends after it."""
        self._membership.leave()

    def answered_after(self, time: float) -> bool:
        """Whether a heartbeat or join that was sent after `time` has been answered (design rule 9)."""
        return self._answered_at > time

    def _assigned(self, places: frozenset[Place]) -> None:
        self.named = frozenset(partition for _, partition in places)
        self.divided = True
        self._changed(self.named)

    def _heard(self, asked: float) -> None:
        self._answered_at = max(self._answered_at, asked)
        self._on_heard(asked)
