"""How every client of ours reaches Kafka, and how it is let go of: one door for aiokafka's constructors and endings.

Rules: bytes in, bytes out, no serializers (kafka.md A1). Nothing here ever hangs or raises while it closes: aiokafka's
`stop()` may wait for ever for a flush, freeze on a heartbeat, or raise a CancelledError nobody asked for (B6, B7, B8).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from notifier.kafka.failures import ConnectionSettingsUnusable
from notifier.settings import KafkaSettings

LARGEST_BATCH_BYTES = 8 * 1024 * 1024  # `max.message.bytes` of inbox, ledger and dead letters (contract section 3)
STOP_SECONDS = 2.0
_ANSWER_MS = 15_000  # a request that is not answered by then is sent again, to whoever leads now
_BACKOFF_MS = 100

Options = dict[str, object]


def client_options(kafka: KafkaSettings) -> Options:
    """Keyword arguments for every aiokafka client. Raises `ConnectionSettingsUnusable`."""
    options: Options = {
        "bootstrap_servers": kafka.bootstrap_servers,
        "client_id": kafka.client_id,
        "security_protocol": kafka.security_protocol,
        "request_timeout_ms": _ANSWER_MS,
        "retry_backoff_ms": _BACKOFF_MS,
    }
    if kafka.sasl_mechanism is not None:
        password = kafka.sasl_password
        options["sasl_mechanism"] = kafka.sasl_mechanism
        options["sasl_plain_username"] = kafka.sasl_username
        options["sasl_plain_password"] = password.get_secret_value() if password is not None else None
    if kafka.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(kafka)
    return options


def _ssl_context(kafka: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=kafka.ssl_cafile)
    except (OSError, ssl.SSLError) as error:
        raise ConnectionSettingsUnusable(
            f"NOTIFIER_KAFKA__SSL_CAFILE: no certificates could be read ({error})"
        ) from None
    if kafka.ssl_certfile is not None:
        try:
            context.load_cert_chain(kafka.ssl_certfile, kafka.ssl_keyfile)
        except (OSError, ssl.SSLError) as error:
            raise ConnectionSettingsUnusable(
                f"NOTIFIER_KAFKA__SSL_CERTFILE, __SSL_KEYFILE: not a certificate and its key ({error})"
            ) from None
    return context


def new_producer(options: Options, *, linger_ms: int = 0) -> AIOKafkaProducer:
    """An idempotent producer that waits for all replicas in sync: order is kept over retries, nothing is doubled."""
    return AIOKafkaProducer(
        **options,
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        max_batch_size=LARGEST_BATCH_BYTES,
        max_request_size=LARGEST_BATCH_BYTES,
    )


def new_reader(options: Options) -> AIOKafkaConsumer:
    """A consumer without a group. It reads where it is told to, and a position that is not there is an error (A4).

    `fetch_max_wait_ms` does not delay anything: a fetch is answered as soon as there is a record.
    """
    return AIOKafkaConsumer(
        **options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=500,
        consumer_timeout_ms=1000,
        max_partition_fetch_bytes=LARGEST_BATCH_BYTES,
    )


async def acknowledged(sent: Sequence[asyncio.Future[object]]) -> None:
    """Wait for all that was sent, then raise the first failure. What fails after nobody waits any more stays silent."""
    for future in sent:
        future.add_done_callback(_take_note)
    if sent:
        await asyncio.wait(sent)
    for future in sent:
        future.result()


def _take_note(future: asyncio.Future[object]) -> None:
    if not future.cancelled():
        future.exception()


async def bounded(work: Coroutine[object, object, object], seconds: float = STOP_SECONDS) -> bool:
    """Let `work` end within `seconds`; else it is cancelled. True when it ended well. Raises nothing of `work`'s."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        task.cancel()
    return task.done() and not task.cancelled() and task.exception() is None


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    if not await bounded(consumer.stop()):
        await bounded(consumer._client.close())


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Flush what is on its way, then close."""
    if not await bounded(producer.stop()):
        await discard_producer(producer)


async def discard_producer(producer: AIOKafkaProducer) -> None:
    """Close without a flush: nothing leaves any more, whoever still waits for an acknowledgement gets an error.

    `stop()` cannot do that, since an idempotent send is retried for ever (B6). What is in the socket may still arrive.
    """
    producer._closed = True
    sending = producer._sender.sender_task
    if sending is not None:
        sending.cancel()
    await bounded(producer.client.close())
    if sending is not None:
        await asyncio.wait({sending}, timeout=2 * _BACKOFF_MS / 1000)
        sending.cancel()  # it waits for requests under way, and one of them for metadata that will never come
        await asyncio.wait({sending}, timeout=STOP_SECONDS)
        if sending.done() and not sending.cancelled():
            sending.exception()
    producer._message_accumulator.fail_all(ProducerClosed())
