"""Putting dead letters back where they came from, and marking them as replayed.

Rules: the original bytes, key and headers go to the original partition where the topic still has it, in the order in
which they stood there, so that what a producer wrote one after the other stays so; else where the key belongs. A chunk
is marked when all of it is acknowledged: a crash between the two replays it once more, and the engine knows an event
that comes twice by its source and id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence

from aiokafka import AIOKafkaProducer

from notifier.kafka.batches import Message
from notifier.kafka.connection import Options, acknowledged, discard_producer, new_producer, stop_producer
from notifier.kafka.dead_letters import DeadLetter, mark_of, read_values
from notifier.kafka.failures import KAFKA_TROUBLE, WriteFailed
from notifier.kafka.partitions import partition_of

_ACKNOWLEDGE_SECONDS = 30.0
_CHUNK_RECORDS, _CHUNK_BYTES = 100, 512 * 1024  # one batch must stay below the usual 1 MiB of a source topic
_ROUND_BYTES = 64 * 1024 * 1024  # values in memory at a time

Placed = tuple[int, Message]  # partition, record


async def replay(
    options: Options,
    topic: str,
    letters: Sequence[DeadLetter],
    counts: Mapping[str, int],
    replayed: Callable[[DeadLetter, int], None],
) -> list[DeadLetter]:
    """Replay `letters` of the dead-letter topic `topic` in their order; returns those that retention deleted meanwhile.

    `counts`: partitions of every source topic. `replayed` is called with each that is acknowledged and marked, and the
    partition that it went to. Raises `WriteFailed`, saying how many are done.
    """
    producer, done, gone = new_producer(options), 0, []
    chunk: Sequence[DeadLetter] = ()
    try:
        async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
            await producer.start()
        for round_ in _portions(letters, len(letters), _ROUND_BYTES):
            values = await read_values(options, topic, {letter.position for letter in round_})
            gone += [letter for letter in round_ if letter.position not in values]
            there = [letter for letter in round_ if letter.position in values]
            for chunk in _portions(there, _CHUNK_RECORDS, _CHUNK_BYTES):
                placed = [_back(letter, values[letter.position], counts) for letter in chunk]
                async with asyncio.timeout(_ACKNOWLEDGE_SECONDS):
                    await _write(producer, placed)
                    await _write(producer, [(letter.position.partition, mark_of(letter, topic)) for letter in chunk])
                for letter, (partition, _) in zip(chunk, placed, strict=True):
                    replayed(letter, partition)
                done += len(chunk)
    except KAFKA_TROUBLE as trouble:
        await discard_producer(producer)
        raise WriteFailed(
            f"{done} of {len(letters)} dead letters are replayed and marked, then {type(trouble).__name__}; of the next"
            f" {len(chunk)} it is not known: run it again, what is not marked is replayed, and an event that comes"
            " twice is one"
        ) from trouble
    except BaseException:
        await discard_producer(producer)
        raise
    await stop_producer(producer)
    return gone


def _back(letter: DeadLetter, value: bytes | None, counts: Mapping[str, int]) -> Placed:
    """To the partition that it came from; a topic that was made anew with fewer has it where its key belongs."""
    origin, count = letter.origin, counts[letter.origin.topic]
    partition = origin.partition
    if partition >= count:
        partition = origin.partition % count if letter.key is None else partition_of(letter.key, count)
    return partition, Message(origin.topic, letter.key, value, letter.headers)


def _portions(letters: Sequence[DeadLetter], most: int, most_bytes: int) -> Iterator[list[DeadLetter]]:
    portion: list[DeadLetter] = []
    size = 0
    for letter in letters:
        if portion and (len(portion) >= most or size + (letter.size or 0) > most_bytes):
            yield portion
            portion, size = [], 0
        portion.append(letter)
        size += letter.size or 0
    if portion:
        yield portion


async def _write(producer: AIOKafkaProducer, placed: Sequence[Placed]) -> None:
    """A batch for each partition: only a batch can hold a record that has neither key nor value."""
    batches: dict[tuple[str, int], list[Message]] = {}
    for partition, message in placed:
        batches.setdefault((message.topic, partition), []).append(message)
    sent: list[asyncio.Future[object]] = []
    for (topic, partition), messages in batches.items():
        batch = producer.create_batch()
        for message in messages:
            headers = list(message.headers)
            if batch.append(key=message.key, value=message.value, timestamp=None, headers=headers) is None:
                raise ValueError(f"{len(messages)} records for {topic}:{partition} do not fit into one batch")
        batch.close()
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    await acknowledged(sent)
