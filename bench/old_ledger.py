"""A ledger as a daemon leaves it behind, written record by record: made of what a real one wrote about one text.

A text's life in the ledger is its key, then the text as it is sent, accepted, seen as `sent` and ended, and a tombstone
once its identity stands in a page. Copies differ in all that names them, and go through the engine's own coders.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from confluent_kafka import Producer

from bench.callbacks import Following
from bench.callers import Callers
from bench.installation import PARTITIONS, Installation
from bench.provider import fast_server
from bench.setting import Setting
from bench.traffic import Reader, key_ready, phone_digits, publish
from notifier.domain.identifiers import notification_id
from notifier.engine.entities import (
    Claim,
    Entity,
    IdentityPage,
    KeyState,
    Notification,
    Positions,
    decode_entity,
    encode_entity,
)
from notifier.engine.table import key_key, positions_key
from notifier.kafka.ledger import EPOCH_HEADER
from notifier.kafka.partitions import partition_of

EPOCH = 0  # the offset of the CLAIM that begins every partition here
PAGE_IDENTITIES = 2_000
SAMPLE_SECONDS = 60.0


class Row(NamedTuple):
    partition: int
    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon wrote about one text: its key, and its own states from the intent to the end."""

    key: KeyState
    states: tuple[Notification, ...]


def sample(setting: Setting) -> Sample:
    """Text one person with a real daemon, and read its ledger. Raises `RuntimeError` when that does not succeed."""
    with setting.folder() as folder, fast_server(folder, 0) as server:
        installation = Installation(setting, folder, server.url, tenants=1)
        installation.prepare()
        with installation.daemons(0) as (daemon,), Callers("127.0.0.1", daemon.public_port, 1) as callers:
            publish(setting.bootstrap, installation.source, [key_ready(installation.tenants[0], 0)])
            following = Following(installation, callers, ("sent",))
            following.until(1, SAMPLE_SECONDS)
            callers.answered_within(SAMPLE_SECONDS)
            time.sleep(1)  # the callback is stored; the ledger says so a moment later, and in one record with no other
            Following(installation, callers, ("delivered",)).until(1, SAMPLE_SECONDS)
            found = _read_sample(setting, installation)
    return found


def _read_sample(setting: Setting, installation: Installation) -> Sample:
    reader = Reader(setting.bootstrap, installation.ledger, PARTITIONS)
    entities: list[Entity] = []
    deadline = time.monotonic() + SAMPLE_SECONDS
    try:
        while time.monotonic() < deadline:
            for key, value in reader.poll_keyed():
                if value is not None and key.startswith(("k/", "n/")):
                    entities.append(decode_entity(key, value))
            states = tuple(entity for entity in entities if isinstance(entity, Notification))
            if states and states[-1].stage == "final":
                key_state = next(entity for entity in reversed(entities) if isinstance(entity, KeyState))
                return Sample(key_state, states)
    finally:
        reader.close()
    raise RuntimeError("the ledger of the sample does not show the end of its text")


class Copies:
    """Copies of the sample for `tenants`, numbered; partition by tenant as the daemon does."""

    def __init__(self, found: Sample, tenants: Sequence[str]) -> None:
        self._sample = found
        self._tenants = tenants
        self._partitions = [partition_of(tenant.encode(), PARTITIONS) for tenant in tenants]

    def life(self, number: int, *, over: bool = True) -> Iterator[Row]:
        """All records about one text; not `over`: Twilio has it, and nothing more was heard."""
        tenant, partition = self._place(number)
        key = key_key(tenant, f"key_{number}")
        yield self.key(number)
        event = msgspec.structs.replace(self._sample.states[0].event, id=f"evt-{number}", source=f"/pms/{tenant}")
        name = notification_id(tenant, event.source, event.id, "key_is_ready", "p1", "sms")
        for state in self._sample.states if over else self._sample.states[:2]:
            copy = msgspec.structs.replace(
                state, id=name, tenant=tenant, event=event, key_id=key, connection=tenant,
                to=state.to and f"+{phone_digits(number)}", sid=state.sid and f"SM{number:032x}",
            )  # fmt: skip
            yield Row(partition, "n/" + name, encode_entity(copy))
        if over:
            yield Row(partition, "n/" + name, None)

    def key(self, number: int) -> Row:
        tenant, partition = self._place(number)
        state = self._sample.key
        key = msgspec.structs.replace(state.key, id=f"key_{number}")
        copy = msgspec.structs.replace(state, tenant=tenant, key=key)
        return Row(partition, key_key(tenant, f"key_{number}"), encode_entity(copy))

    def handed(self, number: int) -> Row:
        """The newest record of a text that is not over: what compaction leaves of it."""
        return list(self.life(number, over=False))[-1]

    def page(self, number: int) -> Row:
        """Identities of texts that are over, of all times of the day to come."""
        page = IdentityPage(expires=time.time() + 3600 + number % 82_800, identities=os.urandom(16 * PAGE_IDENTITIES))
        return Row(number % PARTITIONS, f"e/p{EPOCH}.{number}", encode_entity(page))

    def _place(self, number: int) -> tuple[str, int]:
        index = number % len(self._tenants)
        return self._tenants[index], self._partitions[index]


def write(setting: Setting, topic: str, rows: Iterator[Row], *, batch: int, progress: Callable[[int], None]) -> int:
    """Claims and positions first, then the rows in batches of `batch` records; how many records there are now."""
    producer = Producer(
        {
            "bootstrap.servers": setting.bootstrap, "acks": "all", "enable.idempotence": True, "linger.ms": 20,
            "batch.num.messages": batch, "queue.buffering.max.messages": 200_000,
            "queue.buffering.max.kbytes": 512 * 1024, "message.max.bytes": 8 * 1024 * 1024,
        }
    )  # fmt: skip
    count = 0

    def put(row: Row, *, headers: Sequence[tuple[str, bytes]]) -> None:
        while True:
            try:
                producer.produce(topic, row.value, row.key.encode(), partition=row.partition, headers=list(headers))
                return
            except BufferError:
                producer.poll(0.1)

    now = time.time()
    for number in range(PARTITIONS):
        claim = Claim(instance="one", at=now)
        put(Row(number, f"claim/{number:032x}", encode_entity(claim)), headers=())
    if producer.flush(60):
        raise RuntimeError("the CLAIMs were not acknowledged")
    epoch = [(EPOCH_HEADER, b"%d" % EPOCH)]
    for number in range(PARTITIONS):
        # Everything was published, and nothing of the inbox is left to be read.
        positions = Positions(inbox=0, signals=0, published_up_to=2**40)
        put(Row(number, positions_key(EPOCH), encode_entity(positions)), headers=epoch)
    for row in rows:
        put(row, headers=epoch)
        count += 1
        if count % 1000 == 0:
            producer.poll(0)
            progress(count)
    if producer.flush(300):
        raise RuntimeError("the ledger was not acknowledged")
    return count + 2 * PARTITIONS
