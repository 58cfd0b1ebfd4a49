"""`fastserver.c` as Twilio: compiled when it is needed, and its log of POSTs."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.processes import end

SOURCE = Path(__file__).with_name("fastserver.c")
_HEAD = struct.Struct("=QQQQ")
_POST = struct.Struct("=dQ")


class Post(NamedTuple):
    """When its first bytes were read, in seconds since 1970, and the recipient's digits."""

    at: float
    number: int


class FastServer:
    """A running one. Post number i was answered with the SID `sid(i)`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: mmap.mmap) -> None:
        self.process, self.port = process, port
        self._log = log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def count(self) -> int:
        return int(_HEAD.unpack_from(self._log)[0])

    @property
    def most_in_flight(self) -> int:
        return int(_HEAD.unpack_from(self._log)[2])

    def posts(self, start: int = 0) -> list[Post]:
        """From number `start` on."""
        span = memoryview(self._log)[_HEAD.size + start * _POST.size : _HEAD.size + self.count * _POST.size]
        with span:
            return [Post(at, number) for at, number in _POST.iter_unpack(span)]


def compiled(folder: Path) -> Path:
    """The program. Raises `RuntimeError` without a C compiler."""
    program = folder / "fastserver"
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("the bench needs a C compiler (cc) for its Twilio")
    subprocess.run([compiler, "-O2", "-o", str(program), str(SOURCE)], check=True)
    return program


@contextmanager
def fast_server(folder: Path, latency_ms: float) -> Iterator[FastServer]:
    """Answers every POST after `latency_ms`."""
    program, log = compiled(folder), folder / "posts.log"
    process = subprocess.Popen([str(program), str(latency_ms), str(log)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("fastserver did not start")
        with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield FastServer(process, int(line), mapped)
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()
        log.unlink(missing_ok=True)
