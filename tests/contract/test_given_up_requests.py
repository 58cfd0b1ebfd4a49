"""What is given up is not delivered afterwards: the kernel does not go on for a request that nobody waits for any more.

The server's window is too small for the request, so that most of it waits in our kernel, as it would behind a network
that is down. Judged by what the server reads once it reads on, after our kernel has let go.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from notifier.settings_values import TransportName
from notifier.twilio.transport import Interrupted
from notifier.twilio.transport_choice import open_transport

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into Linux's table of sockets")

TEXT = b"Body=" + b"a" * 200_000  # fits into our kernel's buffer, not into the server's


async def test_what_the_other_side_had_not_taken_by_the_time_out_never_arrives(transport: TransportName) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.setblocking(False)
        port = listener.getsockname()[1]
        async with open_transport(transport, timeout=1.0) as opened:
            exchange = asyncio.create_task(opened.exchange("POST", f"http://127.0.0.1:{port}/", {}, TEXT))
            served, _ = await loop.sock_accept(listener)
            with served:
                with pytest.raises(Interrupted):
                    await exchange
                async with asyncio.timeout(20):
                    while _is_held_by_our_kernel(port):  # noqa: ASYNC110 — its table tells nobody when it changes
                        await asyncio.sleep(0.05)
                assert len(await _read_to_the_end(served)) < len(TEXT)


def _is_held_by_our_kernel(port: int) -> bool:
    """A connection to `port` is still there, with or without a process."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    time_wait = "06"
    return any(row[2].endswith(f":{port:04X}") and row[3] != time_wait for row in rows)


async def _read_to_the_end(served: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    read = b""
    try:
        while chunk := await loop.sock_recv(served, 65536):
            read += chunk
    except ConnectionError:
        return read
    return read
