"""Being a member of a consumer group, and nothing else: no record is fetched here, all that it costs is a heartbeat.

It is aiokafka's own group coordinator without its fetcher; readers without a group do the reading. So there is no poll
that must not be late (B2), nothing prefetched across a rebalance (A6, A12), and no background commit (A5, A7).

Rules: what the group says is reported as a value, each assignment whole, a revocation being an assignment without the
partition. Whatever aiokafka reports as broken, or a coordinator silent for three session time-outs, ends the client and
begins a new one (B9, B12). Leaving tells the broker, so that a successor starts at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.structs import OffsetAndMetadata

from notifier.kafka.assignor import Place, RendezvousAssignor
from notifier.kafka.connection import Options, bounded
from notifier.kafka.failures import KAFKA_TROUBLE

_LOOK_SECONDS = 0.5  # how often errors and silence are looked for
_SILENT_SESSIONS = 3
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 5.0
_METADATA_MS = 30_000  # a topic that is made later, or grows, is noticed after this
_MOVE_SECONDS = 5.0  # what a member may still do before it joins again


class Committed(NamedTuple):
    """A committed position: the next offset to read, and a note of ours."""

    offset: int
    note: str


class _Silence(TimeoutError):
    """The coordinator has not answered for long."""


class _Coordinator(GroupCoordinator):  # type: ignore[misc]  # aiokafka ships no types
    """Tells when the group was last heard of; `asked` is the time before the request left."""

    def __init__(self, *args: Any, now: Callable[[], float], heard: Callable[[float], None], **kwargs: Any) -> None:
        self._now, self._heard = now, heard
        super().__init__(*args, **kwargs)

    async def _send_req(self, request: Any) -> Any:
        asked = self._now()
        response = await super()._send_req(request)
        if isinstance(request, HeartbeatRequest | SyncGroupRequest) and response.error_code == 0:
            self._heard(asked)
        return response


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Member of one group; `run` keeps it alive until `leave`. Callbacks run on the event loop and must not block."""

    def __init__(
        self,
        options: Options,
        group: str,
        topics: Iterable[str],
        *,
        instance: str,
        session_timeout: float,
        now: Callable[[], float],
        assigned: Callable[[frozenset[Place]], None],
        heard: Callable[[float], None] = lambda _: None,
        moving: Callable[[], Coroutine[object, object, None]] | None = None,
    ) -> None:
        """`assigned` gets every assignment, whole; `heard` the time before each heartbeat or join that was answered;
        `moving` may commit what is done before the partitions are given away (bounded to 5 s)."""
        self._options, self._group, self._topics = options, group, frozenset(topics)
        self._instance, self._session, self._now = instance, session_timeout, now
        self._assigned, self._heard, self._moving = assigned, heard, moving
        self._last_heard = now()
        self._leave = asyncio.Event()
        self._coordinator: _Coordinator | None = None
        self._subscription: SubscriptionState | None = None
        self._log = structlog.get_logger().bind(group=group)

    async def run(self) -> None:
        """Belong to the group until `leave` is called; goes on after any trouble."""
        backoff = _FIRST_BACKOFF
        while not self._leave.is_set():
            begun = self._now()
            try:
                await self._belong()
            except KAFKA_TROUBLE as trouble:
                self._log.warning("membership_rebuilt", trouble=type(trouble).__name__, detail=str(trouble))
            if self._now() - begun > _LONGEST_BACKOFF:
                backoff = _FIRST_BACKOFF
            await self._wait_for_leave(backoff)
            backoff = min(2 * backoff, _LONGEST_BACKOFF)

    def leave(self) -> None:
        """End `run`, and tell the group."""
        self._leave.set()

    async def committed(self, places: Iterable[Place]) -> dict[Place, Committed]:
        """Committed positions; places without one are missing. Raises one of `KAFKA_TROUBLE`."""
        if self._coordinator is None:
            raise ConnectionError("not connected to the group")
        found = await self._coordinator.fetch_committed_offsets([TopicPartition(*place) for place in places])
        return {(at.topic, at.partition): Committed(told.offset, told.metadata) for at, told in found.items()}

    async def commit(self, positions: Mapping[Place, Committed], seconds: float) -> bool:
        """Commit these positions and no others; false when that was not confirmed in time (B5). Harmless to repeat."""
        if self._coordinator is None or self._subscription is None or self._subscription.subscription is None:
            return False
        offsets = {TopicPartition(*place): OffsetAndMetadata(*at) for place, at in positions.items()}
        assignment = self._subscription.subscription.assignment
        return await bounded(self._coordinator.commit_offsets(assignment, offsets), seconds)

    async def on_partitions_revoked(self, revoked: Iterable[object]) -> None:
        """A rebalance begins (aiokafka's name for it: nothing is lost yet, A9)."""
        if self._moving is not None and not await bounded(self._moving(), _MOVE_SECONDS):
            self._log.warning("rebalance_began_before_all_was_committed")

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        places = frozenset((at.topic, at.partition) for at in assigned)
        self._log.info("assigned", partitions=sorted(f"{topic}:{partition}" for topic, partition in places))
        self._assigned(places)

    def _note_heard(self, asked: float) -> None:
        self._last_heard = self._now()
        self._heard(asked)

    async def _belong(self) -> None:
        options = self._options | {"metadata_max_age_ms": _METADATA_MS}
        # A join is answered when all members have joined, so it may take a session time-out and more.
        options["request_timeout_ms"] = int(self._session * 1000) + 10_000
        client = AIOKafkaClient(**options)
        coordinator = None
        try:
            await client.bootstrap()
            await client.set_topics(self._topics)
            self._subscription = SubscriptionState()
            self._subscription.subscribe(topics=set(self._topics), listener=self)
            # "Being fetched from" for as long as this lasts, so that the measure of idleness stays at zero (B2).
            with self._subscription.fetch_context():
                coordinator = self._coordinator = self._new_coordinator(client, self._subscription)
                await self._watch(client, coordinator)
        finally:
            self._coordinator = None
            if coordinator is not None:
                await self._close(coordinator)
            await bounded(client.close())

    def _new_coordinator(self, client: AIOKafkaClient, subscription: SubscriptionState) -> _Coordinator:
        session_ms = int(self._session * 1000)
        return _Coordinator(
            client,
            subscription,
            now=self._now,
            heard=self._note_heard,
            group_id=self._group,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(3000, session_ms // 5),
            rebalance_timeout_ms=max(session_ms, int(_MOVE_SECONDS * 2000)),
            max_poll_interval_ms=2**31 - 1,
            enable_auto_commit=False,
            assignors=(RendezvousAssignor(self._instance),),
        )

    async def _watch(self, client: AIOKafkaClient, coordinator: _Coordinator) -> None:
        self._last_heard = self._now()
        while not self._leave.is_set():
            await self._wait_for_leave(_LOOK_SECONDS)
            coordinator.check_errors()
            if any(client.cluster.partitions_for_topic(topic) is None for topic in self._topics):
                await client.force_metadata_update()  # made a moment ago, or not yet: the leader divides again
            if self._now() - self._last_heard > _SILENT_SESSIONS * self._session:
                raise _Silence("the coordinator is silent")

    async def _close(self, coordinator: _Coordinator) -> None:
        if not await bounded(coordinator.close()):
            for task in (coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task):
                if task is not None:
                    task.cancel()

    async def _wait_for_leave(self, seconds: float) -> None:
        waiting = asyncio.ensure_future(self._leave.wait())
        await asyncio.wait({waiting}, timeout=seconds)
        waiting.cancel()
