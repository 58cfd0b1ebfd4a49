"""A process that used a transport ends by itself: none of the transport's threads is still in the interpreter."""

from __future__ import annotations

import _thread
import asyncio
import sys
import threading
from pathlib import Path

from notifier.twilio.pyreqwest_transport import PyreqwestTransport
from tests.contract.misbehaving import CREATED, answering, misbehaving

ROOT = Path(__file__).parents[2]


async def test_closing_waits_for_a_thread_that_is_still_in_the_interpreter() -> None:
    inside, leave, outside = threading.Event(), threading.Event(), threading.Event()

    def stay() -> None:
        inside.set()
        leave.wait()
        outside.set()

    async with PyreqwestTransport(5.0) as transport:
        _thread.start_new_thread(stay, ())  # one that `threading` does not know, as those of libraries are
        inside.wait()
        closing = asyncio.create_task(transport.__aexit__(None, None, None))
        done, _ = await asyncio.wait({closing}, timeout=0.05)
        assert not done
        leave.set()
        await closing
        assert outside.is_set()


async def test_a_process_ends_well_right_after_its_last_answers() -> None:
    async with misbehaving(answering("201 Created", CREATED)) as server:
        program = f"""
import asyncio
from notifier.twilio.pyreqwest_transport import PyreqwestTransport

async def main():
    async with PyreqwestTransport(30.0) as transport:
        await asyncio.gather(*(transport.exchange("POST", "{server.url}", {{}}, b"To=1") for _ in range(100)))

asyncio.run(main())
"""
        for _ in range(5):
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
            assert await process.wait() == 0
