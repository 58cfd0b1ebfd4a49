"""Each transport against sockets that misbehave on purpose: twilio.md 3.1 and 10.1, row by row.

The line that matters runs between *not sent* (may be repeated) and *in doubt* (may not). Every server counts what it
read, so that a POST that was repeated behind our back is seen.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from notifier.domain.answers import Accepted, InDoubt, NotSent, Rejected, SendRequest, SendResult
from notifier.domain.documents import ApiKey, Connection, SecretRef
from notifier.settings_values import TransportName
from notifier.twilio.credentials import Secrets
from notifier.twilio.provider import TwilioProvider, open_provider
from tests.contract.misbehaving import (
    CREATED,
    Behaviour,
    Misbehaving,
    answer,
    answer_and_close,
    answering,
    close_kept_alive,
    cut_after_reading,
    cut_before_reading,
    cut_in_the_body,
    cut_in_the_head,
    lose_count,
    misbehaving,
    not_http,
    read_request,
    reset_after_reading,
    self_signed,
    silent_after_reading,
    stall_in_the_body,
)

ROOT = Path(__file__).parents[2]
CONNECTION = Connection(tenant="harbour-house", provider="twilio", account_sid="AC" + "1" * 32, auth_token="token")
REQUEST = SendRequest(
    connection="harbour-house", tenant="harbour-house", notification_id="ntf_1", attempt=1, to="+12025550143",
    body="Hi", from_="+15551234567",
)  # fmt: skip


@asynccontextmanager
async def provider(
    transport: TransportName, base_url: str, timeout: float = 5.0, connection: Connection = CONNECTION
) -> AsyncIterator[TwilioProvider]:
    secrets = Secrets({}, (), plain_text_allowed=True)
    async with open_provider(
        lambda _owner: connection, secrets, base_url=base_url, timeout=timeout, public_url=None, transport=transport
    ) as opened:
        yield opened


async def send_to(transport: TransportName, behave: Behaviour, timeout: float = 5.0) -> tuple[SendResult, Misbehaving]:
    async with misbehaving(behave) as server, provider(transport, server.url, timeout) as twilio:
        return await twilio.send(REQUEST), server


@pytest.mark.parametrize(
    ("behave", "expected", "read"),
    [
        (cut_after_reading, InDoubt(cause="connection_lost"), 1),
        (reset_after_reading, InDoubt(cause="connection_lost"), 1),
        (cut_before_reading, InDoubt(cause="connection_lost"), 0),
        (cut_in_the_head, InDoubt(cause="connection_lost"), 1),
        (cut_in_the_body, InDoubt(cause="connection_lost"), 1),
        (answering("201 Created", CREATED, "Content-Encoding: gzip"), InDoubt(cause="connection_lost"), 1),
        (not_http, InDoubt(cause="server_error"), 1),
        (answering("201 Created", CREATED), Accepted(sid="SM1", status="queued"), 1),
        (answering("201 Created", b""), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"<html>"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"[]"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b"null"), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"status": "queued"}'), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"sid": 7}'), InDoubt(cause="server_error"), 1),
        (answering("201 Created", b'{"sid": "SM1", "date_created": 7}'), Accepted(sid="SM1", status="queued"), 1),
        (answering("201 Created", b'{"sid": "SM1", "status": 7}'), Accepted(sid="SM1", status="queued"), 1),
        (answering("201 Created", b'{"sid": ""}'), InDoubt(cause="server_error"), 1),
        (answering("200 OK", b"\xff\xfe"), InDoubt(cause="server_error"), 1),
        (answering("500 Oops", b'{"code": 20500, "message": "Internal"}'), InDoubt(cause="server_error"), 1),
        (answering("502 Bad Gateway", b"<html>"), InDoubt(cause="server_error"), 1),
        (answering("503 Busy", b'{"code": 20503}', "Retry-After: 1"), InDoubt(cause="server_error"), 1),
        (answering("408 Late", b""), InDoubt(cause="time_out"), 1),
        (answering("408 Late", b'{"code": 408}'), InDoubt(cause="time_out"), 1),
    ],
)  # fmt: skip
async def test_what_does_not_prove_a_non_send_is_in_doubt_and_posted_once(
    transport: TransportName, behave: Behaviour, expected: SendResult, read: int
) -> None:
    result, server = await send_to(transport, behave)
    assert result == expected
    assert len(server.requests) == read
    assert server.connections == 1


async def test_a_body_whose_length_is_lost_is_in_doubt(transport: TransportName) -> None:
    """Whether that is a lost connection or no HTTP depends on how the bytes came."""
    result, server = await send_to(transport, lose_count)
    assert isinstance(result, InDoubt)
    assert (len(server.requests), server.connections) == (1, 1)


@pytest.mark.parametrize("behave", [silent_after_reading, stall_in_the_body])
async def test_the_total_time_out_ends_a_wait_in_doubt(transport: TransportName, behave: Behaviour) -> None:
    result, server = await send_to(transport, behave, timeout=0.2)
    assert result == InDoubt(cause="time_out")
    assert len(server.requests) == 1


async def test_a_kept_alive_connection_that_was_closed_meanwhile_leaves_a_doubt(transport: TransportName) -> None:
    """The server read nothing of it, but from here that cannot be told; above all, nothing is repeated silently."""
    async with misbehaving(close_kept_alive) as server, provider(transport, server.url) as twilio:
        assert await twilio.send(REQUEST) == Accepted(sid="SM1", status="queued")
        assert await twilio.send(REQUEST) == InDoubt(cause="connection_lost")
        assert (len(server.requests), server.connections) == (1, 1)


async def test_a_refused_connection_was_not_sent(transport: TransportName) -> None:
    listener = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    listener.close()
    await listener.wait_closed()
    async with provider(transport, f"http://127.0.0.1:{port}") as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_name_that_does_not_resolve_was_not_sent(transport: TransportName) -> None:
    async with provider(transport, "http://nowhere.invalid") as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_failed_tls_handshake_was_not_sent(transport: TransportName) -> None:
    """The server speaks plain text where TLS is expected."""

    async def greet(_server: Misbehaving, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await writer.drain()

    async with misbehaving(greet) as server, provider(transport, server.url.replace("http:", "https:")) as twilio:
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_handshake_that_hangs_was_not_sent(transport: TransportName) -> None:
    """Only the connection's time-out ends it, and it is no doubt."""

    async def hang(_server: Misbehaving, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    async with (
        misbehaving(hang) as server,
        provider(transport, server.url.replace("http:", "https:"), timeout=0.3) as twilio,
    ):
        assert await twilio.send(REQUEST) == NotSent()


async def test_a_certificate_that_nobody_signed_was_not_sent(transport: TransportName, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path / "server.pem"))
    async with misbehaving(answering("201 Created", CREATED), tls) as server, provider(transport, server.url) as twilio:
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
        (
            answering("307 Elsewhere", b"", "Location: /elsewhere"),
            Rejected(error_class="hold_account", detail="Twilio answered HTTP 307"),
        ),
    ],
)  # fmt: skip
async def test_an_answer_that_proves_a_non_send_is_read_with_its_headers(
    transport: TransportName, behave: Behaviour, expected: SendResult
) -> None:
    result, server = await send_to(transport, behave)
    assert result == expected
    assert len(server.requests) == 1


async def test_the_request_is_a_form_with_the_account_s_authorization(transport: TransportName) -> None:
    result, server = await send_to(transport, answering("201 Created", CREATED))
    assert isinstance(result, Accepted)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /2010-04-01/Accounts/AC" + b"1" * 32 + b"/Messages.json HTTP/1.1")
    assert b"Authorization: Basic QUMxMTEx" in head
    assert b"Content-Type: application/x-www-form-urlencoded" in head
    assert body == b"To=%2B12025550143&ValidityPeriod=36000&From=%2B15551234567&Body=Hi"


async def test_a_text_that_cannot_be_written_is_refused_before_the_request(transport: TransportName) -> None:
    async with misbehaving(answering("201 Created", CREATED)) as server, provider(transport, server.url) as twilio:
        result = await twilio.send(msgspec.structs.replace(REQUEST, body="half a \ud83d"))
        assert result == Rejected(error_class="bad_request", detail="the text cannot be written as UTF-8")
        assert server.requests == []


async def test_an_api_key_signs_in_and_the_account_stays_in_the_path(transport: TransportName) -> None:
    key = ApiKey(sid="SK" + "2" * 32, secret="secret")
    connection = Connection(
        tenant="harbour-house", provider="twilio", account_sid="AC" + "1" * 32, auth_token=SecretRef(env="UNSET"),
        api_key=key,
    )  # fmt: skip
    async with (
        misbehaving(answering("201 Created", CREATED)) as server,
        provider(transport, server.url, connection=connection) as twilio,
    ):
        assert isinstance(await twilio.send(REQUEST), Accepted)
        assert b"/Accounts/AC1111" in server.requests[0]
        assert b"Authorization: Basic U0syMjIy" in server.requests[0]


async def test_three_hundred_requests_are_in_flight_at_once(transport: TransportName) -> None:
    """The stock client of the library starves after a hundred."""
    all_there = asyncio.Event()

    async def wait_for_all(server: Misbehaving, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(server, reader)
        if len(server.requests) == 300:
            all_there.set()
        await all_there.wait()
        writer.write(answer("201 Created", CREATED))
        await writer.drain()

    async with misbehaving(wait_for_all) as server, provider(transport, server.url, timeout=30.0) as twilio:
        results = await asyncio.gather(*(twilio.send(REQUEST) for _ in range(300)))
        assert set(results) == {Accepted(sid="SM1", status="queued")}


async def test_a_cancelled_send_is_cancelled_and_says_nothing(transport: TransportName) -> None:
    async with misbehaving(silent_after_reading) as server, provider(transport, server.url) as twilio:
        sending = asyncio.create_task(twilio.send(REQUEST))
        await server.has_read.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


async def test_a_cancelled_send_ends_at_once_and_its_request_by_the_time_out(transport: TransportName) -> None:
    """The connection may stay until then, so that the create is in doubt for as long."""
    async with misbehaving(silent_after_reading) as server, provider(transport, server.url, timeout=1.0) as twilio:
        sending = asyncio.create_task(twilio.send(REQUEST))
        await server.has_read.wait()
        sending.cancel()
        await asyncio.wait({sending})
        await server.left.wait()
        assert len(server.requests) == 1


async def test_a_transport_that_is_closed_leaves_what_it_was_sending_in_doubt(transport: TransportName) -> None:
    async with misbehaving(silent_after_reading) as server:
        async with provider(transport, server.url, timeout=1.0) as twilio:
            sending = asyncio.create_task(twilio.send(REQUEST))
            await server.has_read.wait()
        assert await sending == InDoubt(cause="connection_lost")
        await server.left.wait()


async def test_a_connection_is_kept_for_the_next_request(transport: TransportName) -> None:
    async with (
        misbehaving(answering("201 Created", CREATED, "Set-Cookie: a=b")) as server,
        provider(transport, server.url) as twilio,
    ):
        for _ in range(3):
            assert isinstance(await twilio.send(REQUEST), Accepted)
        assert (len(server.requests), server.connections) == (3, 1)
        assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_no_connection_that_is_closed_meanwhile_makes_a_post_twice(transport: TransportName) -> None:
    """Each text is another one, so that a repeat would show; the closing meets requests at every stage."""
    async with misbehaving(answer_and_close) as server, provider(transport, server.url, timeout=30.0) as twilio:

        async def send(number: int) -> SendResult:
            return await twilio.send(msgspec.structs.replace(REQUEST, body=f"text-{number}."))

        results: dict[int, SendResult] = {}
        for first in range(0, 600, 30):
            batch = range(first, first + 30)
            results |= dict(zip(batch, await asyncio.gather(*map(send, batch)), strict=True))
        read = Counter(request.rpartition(b"Body=")[2] for request in server.requests)
    assert set(read.values()) == {1}
    assert set(results.values()) <= {Accepted(sid="SM1", status="queued"), InDoubt(cause="connection_lost")}
    for number, result in results.items():
        assert isinstance(result, InDoubt) or read[f"text-{number}.".encode()] == 1


async def test_the_environment_s_proxies_are_not_asked(
    transport: TransportName, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://nowhere.invalid:3128")
    result, _server = await send_to(transport, answering("201 Created", CREATED))
    assert isinstance(result, Accepted)


async def test_plain_bodies_are_asked_for_and_packed_ones_are_read(transport: TransportName) -> None:
    packed = answering("201 Created", gzip.compress(CREATED), "Content-Encoding: gzip")
    result, server = await send_to(transport, packed)
    assert result == Accepted(sid="SM1", status="queued")
    assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()


async def test_headers_are_found_whatever_their_case(transport: TransportName) -> None:
    for name in ("Retry-After", "retry-after", "RETRY-AFTER"):
        result, _server = await send_to(transport, answering("429 Too Many", b"", f"{name}: 3"))
        assert result == NotSent(retry_after=3.0, congested=True)


@pytest.mark.parametrize(("host", "outcome"), [("127.0.0.1", "Accepted"), ("localhost", "NotSent")])
async def test_the_machine_s_certificates_are_trusted_for_the_names_that_they_have(
    transport: TransportName, tmp_path: Path, host: str, outcome: str
) -> None:
    """In a process of its own, whose machine trusts one certificate, of an address and no name."""
    file = self_signed(tmp_path / "server.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    async with misbehaving(answering("201 Created", CREATED), tls) as server:
        program = f"""
import asyncio
from tests.contract.test_twilio_transport import REQUEST, provider

async def main():
    async with provider({transport!r}, {server.url.replace("127.0.0.1", host)!r}) as twilio:
        print(type(await twilio.send(REQUEST)).__name__)

asyncio.run(main())
"""
        environment = {**os.environ, "SSL_CERT_FILE": str(file), "SSL_CERT_DIR": str(tmp_path)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE, env=environment, cwd=ROOT
        )
        output, _ = await process.communicate()
    assert output.decode().strip() == outcome
