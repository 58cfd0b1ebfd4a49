"""A server for one behaviour at a time, good or bad, that counts what it read."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CREATED = b'{"sid": "SM1", "status": "queued"}'


@dataclass
class Misbehaving:
    """A server of one behaviour. `requests` holds every head and body that it read."""

    requests: list[bytes] = field(default_factory=list)
    has_read: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)  # by the client, while it was waiting
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
    server.left.set()


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


async def answer_and_close(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes what it said to keep alive, so that the next request may meet the closing on its way."""
    if await read_request(server, reader):
        writer.write(answer("201 Created", CREATED))
        await writer.drain()


async def lose_count(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Promises parts of a length that is no number."""
    await read_request(server, reader)
    writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nsome\r\nbytes")
    await writer.drain()


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
            with suppress(OSError):  # the client went first
                await writer.wait_closed()
            writers.discard(writer)
            handlers.discard(task)

    listener = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    server.url = "{}://127.0.0.1:{}".format("https" if tls else "http", listener.sockets[0].getsockname()[1])
    try:
        yield server
    finally:
        listener.close()
        for writer in tuple(writers):
            writer.transport.abort()
        await asyncio.gather(*handlers)


def self_signed(file: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")])
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
