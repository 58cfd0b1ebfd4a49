"""The stand-in as a process: `python -m notifier.demo.standin --port 8081 --accounts FILE`.

It says its address in one line on standard output as soon as it listens, and ends at SIGTERM or SIGINT. With `--record`
every created message is a line of JSON in that file before its create is answered, so that a judge can read it after
everything was killed.

It runs on asyncio's own event loop, which takes all connections that wait, each time round. uvloop takes one: on a
starved machine a request of a new connection then waits for many times longer than the time-out of its sender, while
those of kept connections pass it, and its text is created when another has long been sent in its place.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import msgspec

from notifier.demo.standin.accounts import read_accounts
from notifier.demo.standin.faults import Faults
from notifier.demo.standin.lifecycle import Timing
from notifier.demo.standin.server import TwilioStandIn


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="notifier.demo.standin", description="A Twilio of our own, on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes any free one")
    parser.add_argument("--accounts", type=Path, required=True, help="JSON or YAML list of accounts")
    parser.add_argument("--faults", default="{}", help="faults from the start, as JSON")
    parser.add_argument("--seed", type=int, default=0, help="of the chance by which faults happen")
    parser.add_argument("--first-status-after", type=float, default=Timing().first, metavar="SECONDS")
    parser.add_argument("--next-status-after", type=float, default=Timing().next, metavar="SECONDS")
    parser.add_argument("--record", type=Path, help="file that every created message is appended to, as JSON lines")
    return parser.parse_args(given)


async def _serve(arguments: argparse.Namespace) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with ExitStack() as files:
        record = files.enter_context(arguments.record.open("ab")) if arguments.record is not None else None
        async with TwilioStandIn(
            read_accounts(arguments.accounts.read_bytes()),
            time.time,  # noqa: TID251  # it plays another company's machine, with a clock of its own
            port=arguments.port,
            faults=msgspec.json.decode(arguments.faults, type=Faults),
            seed=arguments.seed,
            timing=Timing(arguments.first_status_after, arguments.next_status_after),
            record=record,
        ) as standin:
            sys.stdout.write(f"listening on {standin.url}\n")
            sys.stdout.flush()
            await stopping.wait()


def main() -> int:
    arguments = _arguments(sys.argv[1:])
    try:
        with asyncio.Runner() as runner:
            runner.run(_serve(arguments))
    except (OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
