"""The composition root: one place builds everything, and the order of starting and stopping stands here.

Start: topics are checked, the configuration is read whole, then the roles begin. Stop (SIGTERM): the engine begins no
intent, waits for its POSTs and writes their answers, outcomes are published, and only then the group is left; listeners
and clients close last. If a loop fails, everything ends and the process with it.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from random import Random

import structlog

from notifier.app.callback_directory import CallbackDirectory
from notifier.app.clock import Clock
from notifier.app.connection_report import ConnectionReport
from notifier.app.connection_watch import ConnectionWatch
from notifier.app.driver import PartitionDriver
from notifier.app.engine_role import EngineRole
from notifier.app.engine_settings import engine_config
from notifier.app.owned import Ownership
from notifier.app.reporting import Report, measure_loop_lag
from notifier.domain.documents import Connection
from notifier.http.internal import InternalApi
from notifier.http.serving import serving
from notifier.http.webhooks import Webhooks
from notifier.kafka.config_topic import ConfigFollower
from notifier.kafka.connection import Options, client_options
from notifier.kafka.election import Election
from notifier.kafka.failures import BrokerAway
from notifier.kafka.ingest import Ingest
from notifier.kafka.publisher import Publisher
from notifier.kafka.signal_writer import SignalWriter
from notifier.kafka.store import PartitionTopics
from notifier.kafka.topics import partition_count
from notifier.metrics import Metrics
from notifier.settings import Settings
from notifier.twilio.callbacks import CallbackSignatures
from notifier.twilio.connection_checks import ConnectionChecks, open_checks
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import open_provider
from notifier.twilio.transport_choice import chosen

BROKER_AGAIN = 2.0
PUBLISH_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class Roles:
    ingest: bool
    engine: bool
    webhooks: bool


class Daemon:
    """Everything that one process runs."""

    def __init__(self, settings: Settings, roles: Roles, metrics: Metrics) -> None:
        self._settings, self._roles, self._metrics = settings, roles, metrics
        self._clock = Clock()
        self._options: Options = client_options(settings.kafka)
        self._follower = ConfigFollower(self._options, settings.topics.name("config"))
        self._engine: EngineRole | None = None
        self._ingest: Ingest | None = None
        self._election: Election | None = None
        self._connections: ConnectionReport | None = None
        self._silence = 2 * settings.kafka.session_timeout
        self._broker_answers = self._started = False
        self._log = structlog.get_logger()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. Raises `TopicsUnfit` when the topics do not fit together."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._serve_internal())
            partitions = await self._partitions(stop)
            if partitions is None:
                return
            secrets = self._secrets()
            async with asyncio.TaskGroup() as group:
                background = [group.create_task(self._follower.run(), name="config")]
                if not await self._loaded(stop):
                    background[0].cancel()
                    return
                background += [
                    group.create_task(self._report.gauge_now_and_then(), name="gauges"),
                    group.create_task(measure_loop_lag(self._metrics), name="loop-lag"),
                ]
                if self._roles.webhooks:
                    await self._start_webhooks(stack, secrets)
                ingesting = self._start_ingest(group, stop) if self._roles.ingest else None
                if self._roles.engine:
                    await self._run_engine(group, stack, secrets, partitions, stop, background)
                else:
                    self._tell_started()
                    await stop.wait()
                if ingesting is not None:
                    await ingesting
                for task in background:
                    task.cancel()

    # Starting.

    async def _partitions(self, stop: asyncio.Event) -> int | None:
        """How many partitions there are; waits for a broker that is away, and says so."""
        while not stop.is_set():
            try:
                count = await partition_count(self._options, self._settings.topics)
            except BrokerAway as away:
                self._log.warning("broker_away", detail=str(away), next_try_seconds=BROKER_AGAIN)
                await _wait(stop, BROKER_AGAIN)
                continue
            self._broker_answers = True
            return count
        return None

    async def _loaded(self, stop: asyncio.Event) -> bool:
        loaded = asyncio.ensure_future(self._follower.wait_loaded())
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({loaded, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        loaded.cancel()
        return not stop.is_set()

    def _secrets(self) -> Secrets:
        return Secrets(
            os.environ,
            [b64decode(key.get_secret_value()) for key in self._settings.secrets.keys],
            plain_text_allowed=self._settings.environment == "development",
        )

    def connection_of(self, owner: str) -> Connection | None:
        found = self._follower.catalog.connections.get(owner)
        return found.document if found is not None else None

    def _start_ingest(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> asyncio.Task[None]:
        ingest = self._ingest = Ingest(self._options, self._settings, self._follower, self._metrics, self._clock.now)

        async def until_stopped() -> None:
            working = group.create_task(ingest.run(), name="ingest")
            await stop.wait()
            ingest.stop()
            await working

        return group.create_task(until_stopped(), name="ingest-until-stopped")

    async def _start_webhooks(self, stack: AsyncExitStack, secrets: Secrets) -> None:
        webhooks, public_url = self._settings.webhooks, self._settings.webhooks.public_url
        if public_url is None:
            self._log.warning("no_callbacks", detail="NOTIFIER_WEBHOOKS__PUBLIC_URL is unset: statuses are only polled")
            return
        writer = SignalWriter(self._options, self._settings.topics.name("signals"))
        stack.push_async_callback(writer.close)
        signatures = CallbackSignatures(self.connection_of, secrets, public_url)
        application = Webhooks(
            CallbackDirectory(lambda: self._follower.catalog),
            signatures.is_valid,
            writer,
            lambda result: self._metrics.record("callbacks_total", (result,)),
        ).application()
        await stack.enter_async_context(serving(application, webhooks.host, webhooks.port))

    # The engine.

    async def _run_engine(
        self,
        group: asyncio.TaskGroup,
        stack: AsyncExitStack,
        secrets: Secrets,
        partitions: int,
        stop: asyncio.Event,
        background: list[asyncio.Task[None]],
    ) -> None:
        """Work until `stop`, then wind down in the order that leaves nothing in doubt."""
        settings = self._settings
        provider = await stack.enter_async_context(
            open_provider(
                self.connection_of,
                secrets,
                base_url=settings.twilio.base_url,
                timeout=settings.twilio.timeout,
                public_url=settings.webhooks.public_url,
                transport=settings.twilio.transport,
            )
        )
        publisher = Publisher(self._options, settings.topics.name("results"))
        publishing = group.create_task(publisher.run(), name="results")

        def new_driver(number: int) -> PartitionDriver:
            return PartitionDriver(
                engine_config(settings, number, partitions),
                clock=self._clock,
                store=PartitionTopics(self._options, settings.topics, number),
                texting=provider,
                publishing=publisher,
                following=self._follower,
                metrics=self._metrics,
                append_deadline=max(2.0, settings.recovery.intent_deadline),
            )

        election = self._election = Election(
            self._options,
            settings.kafka,
            settings.topics,
            instance=settings.instance_id,
            now=self._clock.now,
            changed=lambda named: self._log.info("elected", partitions=sorted(named)),
        )
        grace = max(1.0, settings.shutdown.grace - 3.0)
        engine = self._engine = EngineRole(election, new_driver, grace)
        electing = group.create_task(election.run(), name="election")
        background.append(group.create_task(self._tell_configuration(engine), name="configuration"))
        checks = await stack.enter_async_context(
            open_checks(secrets, base_url=settings.twilio.base_url, transport=settings.twilio.transport)
        )
        background += self._watch_connections(group, checks, engine, partitions)
        working = group.create_task(engine.run(), name="engine")
        self._tell_started(partitions=partitions, transport=chosen(settings.twilio.transport))
        await stop.wait()
        engine.stop()
        await working
        publisher.stop()
        await asyncio.wait({publishing}, timeout=PUBLISH_GRACE)  # what is left is in the ledger, for the next owner
        publishing.cancel()
        election.leave()
        await electing

    def _watch_connections(
        self, group: asyncio.TaskGroup, checks: ConnectionChecks, engine: EngineRole, partitions: int
    ) -> list[asyncio.Task[None]]:
        twilio = self._settings.twilio
        ownership = Ownership(lambda: self._follower.catalog, lambda: engine.drivers, partitions)
        watch = ConnectionWatch(
            checks,
            lambda: ownership.now().connections,
            self._clock.now,
            every=twilio.check_every,
            again=twilio.probe_every,
            chance=Random(),
        )
        self._connections = ConnectionReport(ownership, watch.known, engine.holds)
        return [group.create_task(watch.run(), name="connections")] if twilio.check_every else []

    async def _tell_configuration(self, engine: EngineRole) -> None:
        async for _ in self._follower.changes():
            engine.configure()

    # Reporting.

    def _serve_internal(self) -> AbstractAsyncContextManager[int]:
        report = self._report = Report(
            self._clock,
            self._metrics,
            lambda: self._engine.drivers if self._engine is not None else {},
            lambda: self._follower.catalog,
            self._missing,
            lambda: {"ingest": self._ingest.progressed_at} if self._ingest is not None else {},
            self._settings.topics.name("inbox"),
            lambda: self._connections,
        )
        internal = InternalApi(self._metrics.registry, report.progress, report.missing, report.status)
        return serving(internal.application(), self._settings.http.host, self._settings.http.port)

    def _tell_started(self, **details: int | str) -> None:
        self._started = True
        self._log.info("started", roles=_names(self._roles), **details)

    def _missing(self) -> list[str]:
        if not self._broker_answers:
            return ["no broker answered yet"]
        if not self._follower.loaded:
            return ["the configuration is not read yet"]
        if not self._started:
            return ["the roles have not begun yet"]
        if self._election is None or self._engine is None:
            return []
        if not self._election.divided:
            return ["the group has not divided the partitions yet"]
        if not self._election.answered_after(self._clock.now() - self._silence):
            return [f"no broker has answered for {self._silence:g} s"]
        return [
            f"partition {number} has not begun" for number in sorted(self._election.named - set(self._engine.drivers))
        ]


def _names(roles: Roles) -> list[str]:
    return [name for name in ("ingest", "engine", "webhooks") if getattr(roles, name)]


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
