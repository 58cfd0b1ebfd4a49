"""Publishing prepared records as a producer of events would: in order, acknowledged, at a given rate."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from notifier.kafka.batches import Message
from notifier.kafka.connection import Options, discard_producer, new_producer, stop_producer
from notifier.kafka.failures import KAFKA_TROUBLE, WriteFailed

_ACKNOWLEDGE_SECONDS = 30.0
_MOST_ON_THE_WAY = 1000
_LINGER_MS = 5


async def publish_messages(
    options: Options,
    messages: Sequence[Message],
    *,
    per_second: float | None = None,
    published: Callable[[], None] = lambda: None,
) -> None:
    """Write `messages` in their order; `published` is called for each that is acknowledged.

    `per_second` None: as fast as the brokers take them. Raises `WriteFailed`, saying how many are acknowledged.
    """
    producer = new_producer(options, linger_ms=_LINGER_MS if per_second is None else 0)
    waiting: deque[asyncio.Future[object]] = deque()
    loop, done = asyncio.get_running_loop(), 0
    try:
        async with asyncio.timeout(_ACKNOWLEDGE_SECONDS) as deadline:
            await producer.start()
            began = loop.time()
            for number, message in enumerate(messages):
                if per_second is not None:
                    due = began + number / per_second
                    deadline.reschedule(max(due, loop.time()) + _ACKNOWLEDGE_SECONDS)
                    await asyncio.sleep(due - loop.time())
                headers = list(message.headers)
                sending = await producer.send(message.topic, message.value, key=message.key, headers=headers)
                sending.add_done_callback(_look_at)
                waiting.append(sending)
                is_last = number + 1 == len(messages)
                while waiting and (waiting[0].done() or len(waiting) >= _MOST_ON_THE_WAY or is_last):
                    await waiting.popleft()
                    done += 1
                    published()
                    deadline.reschedule(loop.time() + _ACKNOWLEDGE_SECONDS)
    except KAFKA_TROUBLE as trouble:
        await discard_producer(producer)
        raise WriteFailed(
            f"{done} of {len(messages)} events are acknowledged, then {type(trouble).__name__}: are the brokers of"
            " NOTIFIER_KAFKA__BOOTSTRAP_SERVERS there, and do the source topics exist?"
        ) from trouble
    except BaseException:
        await discard_producer(producer)
        raise
    await stop_producer(producer)


def _look_at(sending: asyncio.Future[object]) -> None:
    """After the first failure nobody awaits the others, and asyncio would complain of each."""
    if not sending.cancelled():
        sending.exception()
