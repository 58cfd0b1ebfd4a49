"""Our transport against sockets that misbehave on purpose: twilio.md 3.1 and 10.1, row by row.

The line that matters runs between *not sent* (may be repeated) and *in doubt* (may not). Every server counts what it
read, so that a POST that was repeated behind our back is seen.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendRequest, SendResult
from notifier.domain.documents import ApiKey, Connection, SecretRef
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import TwilioProvider, open_provider

CONNECTION = Connection(tenant="harbour-house", provider="twilio", account_sid="AC" + "1" * 32, auth_token="token")
REQUEST = SendRequest(
    connection="harbour-house", tenant="harbour-house", notification_id="ntf_1", attempt=1, to="+12025550143",
    body="Hi", from_="+15551234567",
)  # fmt: skip

CREATED = b'{"sid": "SM1", "status": "queued"}'


@dataclass
class Misbehaving:
    """A server of one behaviour. `requests` holds every head and body that it read."""

    requests: list[bytes] = field(default_factory=list)
    has_read: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    url: str = ""


Behaviour = Callable[[Misbehaving, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def read_request(server: Misbehaving, reader: asyncio.StreamReader) -> bool:
    """One request, whole; False when the client closed instead."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return False
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    server.requests.append(head + await reader.readexactly(length))
    server.has_read.set()
    return True


def answer(status: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def answering(status: str, body: bytes, *headers: str) -> Behaviour:
    async def behave(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(server, reader):
            writer.write(answer(status, body, *headers))
            await writer.drain()

    return behave


async def cut_after_reading(server: Misbehaving, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)


async def reset_after_reading(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)
    writer.transport.abort()


async def cut_before_reading(
    _server: Misbehaving, _reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
) -> None:
    """Closes an accepted connection at once."""


async def silent_after_reading(
    server: Misbehaving, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter
) -> None:
    await read_request(server, reader)
    await reader.read()  # until the client gives up


async def cut_in_the_head(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)
    writer.write(b"HTTP/1.1 201 Crea")
    await writer.drain()


async def cut_in_the_body(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)
    writer.write(answer("201 Created", CREATED[:10], length=len(CREATED)))
    await writer.drain()


async def stall_in_the_body(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)
    writer.write(answer("201 Created", CREATED[:10], length=len(CREATED)))
    await writer.drain()
    await reader.read()


async def not_http(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(server, reader)
    writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
    await writer.drain()


async def close_kept_alive(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers the first request and closes at the second, unread: what a stale kept-alive connection looks like."""
    if await read_request(server, reader):
        writer.write(answer("201 Created", CREATED))
        await writer.drain()
        await reader.read(1)
        writer.transport.abort()


@asynccontextmanager
async def misbehaving(behave: Behaviour, tls: ssl.SSLContext | None = None) -> AsyncIterator[Misbehaving]:
    server = Misbehaving()
    writers: set[asyncio.StreamWriter] = set()
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        writers.add(writer)
        server.connections += 1
        try:
            await behave(server, reader, writer)
        except ConnectionError:
            return  # the client went first
        finally:
            writer.close()
            handlers.discard(task)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    server.url = "{}://127.0.0.1:{}".format("https" if tls else "http", listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*handlers)


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


@asynccontextmanager
async def provider(
    base_url: str, timeout: float = 5.0, connection: Connection = CONNECTION
) -> AsyncIterator[TwilioProvider]:
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with open_provider(
        lambda _owner: connection, secrets, base_url=base_url, timeout=timeout, public_url=None
    ) as opened:
        yield opened


async def send_to(behave: Behaviour, timeout: float = 5.0) -> tuple[SendResult, Misbehaving]:
    async with misbehaving(behave) as server, provider(server.url, timeout) as twilio:
        return await twilio.send(REQUEST), server


@pytest.mark.parametrize(
    ("behave", "expected", "read"),
    [
        (cut_after_reading, InDoubt(cause="connection_lost"), 1),
        (reset_after_reading, InDoubt(cause="connection_lost"), 1),
        (cut_before_reading, InDoubt(cause="connection_lost"), 0),
        (cut_in_the_head, InDoubt(cause="connection_lost"), 1),
        (cut_in_the_body, InDoubt(cause="connection_lost"), 1),
        (not_http, InDoubt(cause="server_error"), 1),
        (answering("201 Created", CREATED), Accepted(sid="SM1", status="queued"), 1),
        (answering("201 Created", b""), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"<html>"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"[]"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"null"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"status": "queued"}'), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"sid": 7}'), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"sid": "SM1", "date_created": 7}'), InDoubt(cause="server_error"), 1),
        (answering("200 OK", b"\xff\xfe"), InDoubt(cause="server_error"), 1),
        (answering("500 Oops", b'{"code": 20500, "message": "Internal"}'), InDoubt(cause="server_error"), 1),
        (answering("502 Bad Gateway", b"<html>"), InDoubt(cause="server_error"), 1),
        (answering("503 Busy", b'{"code": 20503}', "Retry-After: 1"), InDoubt(cause="server_error"), 1),
        (answering("408 Late", b""), InDoubt(cause="time_out"), 1),
        (answering("408 Late", b'{"code": 408}'), InDoubt(cause="time_out"), 1),
    ],
)  # fmt: skip
async def test_what_does_not_prove_a_non_send_is_in_doubt_and_posted_once(
    behave: Behaviour, expected: SendResult, read: int
) -> None:
    result, server = await send_to(behave)
    assert result == expected
    assert len(server.requests) == read
    assert server.connections == 1


@pytest.mark.parametrize("behave", [silent_after_reading, stall_in_the_body])
async def test_the_total_time_out_ends_a_wait_in_doubt(behave: Behaviour) -> None:
    result, server = await send_to(behave, timeout=0.2)
    assert result == InDoubt(cause="time_out")
    assert len(server.requests) == 1


async def test_a_kept_alive_connection_that_was_closed_meanwhile_leaves_a_doubt() -> None:
    """The server read nothing of it, but from here that cannot be told; above all, nothing is repeated silently."""
    async with misbehaving(close_kept_alive) as server, provider(server.url) as twilio:
        assert await twilio.send(REQUEST) == Accepted(sid="SM1", status="queued")
        assert await twilio.send(REQUEST) == InDoubt(cause="connection_lost")
        assert (len(server.requests), server.connections) == (1, 1)


async def test_a_refused_connection_was_not_sent() -> None:
    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    async with provider(f"http://127.0.0.1:{port}") as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_name_that_does_not_resolve_was_not_sent() -> None:
    async with provider("http://nowhere.invalid") as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_failed_tls_handshake_was_not_sent() -> None:
    """The server speaks plain text where TLS is expected."""

    async def greet(_server: Misbehaving, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()

    async with misbehaving(greet) as server, provider(server.url.replace("http:", "https:")) as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_handshake_that_hangs_was_not_sent() -> None:
    """Only the connection's time-out ends it, and it is no doubt."""

    async def hang(_server: Misbehaving, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with misbehaving(hang) as server, provider(server.url.replace("http:", "https:"), timeout=0.3) as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_certificate_that_nobody_signed_was_not_sent(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path / "server.pem"))
    async with misbehaving(answering("201 Created", CREATED), tls) as server, provider(server.url) as twilio:
        assert await twilio.send(REQUEST) == NotSent()
        assert server.requests == []


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        (
            answering("429 Too Many", b'{"code": 20429, "message": "Too many"}', "Retry-After: 3"),
            NotSent(error_code=20429, retry_after=3.0, congested=True),
        ),
        (answering("429 Too Many", b"<html>"), NotSent(congested=True)),
        (answering("429 Too Many", b"", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"), NotSent(congested=True)),
        (answering("429 Too Many", b"", "Retry-After: nan"), NotSent(congested=True)),
        (answering("429 Too Many", b"", "Retry-After: -1"), NotSent(congested=True)),
        (
            answering("400 Bad", b'{"code": 21211, "message": "Invalid +12025550143", "status": 400}'),
            Rejected(error_class="bad_recipient", error_code=21211, detail="the recipient's number is not valid"),
        ),
        (
            answering("400 Bad", b'{"type": "t", "title": "x", "status": 400, "code": 21610, "detail": "+1202"}'),
            Rejected(error_class="suppressed", error_code=21610, detail="the recipient opted out of this sender"),
        ),
        (answering("400 Bad", b"<html>"), Rejected(error_class="bad_request", detail="Twilio answered HTTP 400")),
        (
            answering("400 Bad", b'{"code": 400, "message": "no"}'),
            Rejected(error_class="bad_request", detail="Twilio answered HTTP 400"),
        ),
        (
            answering("401 No", b'{"code": 20003, "message": "Authenticate"}'),
            Rejected(error_class="hold_account", error_code=20003, detail="Twilio refused the credentials"),
        ),
        (answering("401 No", b""), Rejected(error_class="hold_account", detail="Twilio answered HTTP 401")),
        (
            answering("302 Found", b"", "Location: https://elsewhere.example.com/"),
            Rejected(error_class="hold_account", detail="Twilio answered HTTP 302"),
        ),
    ],
)  # fmt: skip
async def test_an_answer_that_proves_a_non_send_is_read_with_its_headers(
    behave: Behaviour, expected: SendResult
) -> None:
    result, server = await send_to(behave)
    assert result == expected
    assert len(server.requests) == 1


async def test_the_request_is_a_form_with_the_account_s_authorization() -> None:
    result, server = await send_to(answering("201 Created", CREATED))
    assert isinstance(result, Accepted)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2010-04-01/Accounts/AC" + b"1" * 32 + b"/Messages.json HTTP/1.1")
    assert b"Authorization: Basic QUMxMTEx" in head
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert body == b"To=%2B12025550143&ValidityPeriod=36000&From=%2B15551234567&Body=Hi"


async def test_a_text_that_cannot_be_written_is_refused_before_the_request() -> None:
    async with misbehaving(answering("201 Created", CREATED)) as server, provider(server.url) as twilio:
        result = await twilio.send(msgspec.structs.replace(REQUEST, body="half a \ud83d"))
        assert result == Rejected(error_class="bad_request", detail="the text cannot be written as UTF-8")
        assert server.requests == []


async def test_an_api_key_signs_in_and_the_account_stays_in_the_path() -> None:
    key = ApiKey(sid="SK" + "2" * 32, secret="secret")
    connection = Connection(
        tenant="harbour-house", provider="twilio", account_sid="AC" + "1" * 32, auth_token=SecretRef(env="UNSET"),
        api_key=key,
    )  # fmt: skip
    async with (
        misbehaving(answering("201 Created", CREATED)) as server,
        provider(server.url, connection=connection) as twilio,
    ):
        assert isinstance(await twilio.send(REQUEST), Accepted)
        assert b"/Accounts/AC1111" in server.requests[0]
        assert b"Authorization: Basic U0syMjIy" in server.requests[0]


async def test_three_hundred_requests_are_in_flight_at_once() -> None:
    """The stock client of the library starves after a hundred."""
    all_there = asyncio.Event()

    async def wait_for_all(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(server, reader)
        if len(server.requests) == 300:
            all_there.set()
        await all_there.wait()
        writer.write(answer("201 Created", CREATED))
        await writer.drain()

    async with misbehaving(wait_for_all) as server, provider(server.url, timeout=30.0) as twilio:
        results = await asyncio.gather(*(twilio.send(REQUEST) for _ in range(300)))
        assert set(results) == {Accepted(sid="SM1", status="queued")}


async def test_a_cancelled_send_is_cancelled_and_says_nothing() -> None:
    async with misbehaving(silent_after_reading) as server, provider(server.url) as twilio:
        sending = asyncio.create_task(twilio.send(REQUEST))
        await server.has_read.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
