"""Processes of the bench: started, read from /proc, and ended by their own id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 40.0
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of this process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds() -> float:
    """What all processes of this machine have computed so far, whosever they are."""
    user, nice, system, _, _, *interrupts = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    return sum(int(field) for field in (user, nice, system, *interrupts)) / _TICKS


def own_seconds() -> float:
    """What this process, its children that live and all that ended have computed so far."""
    return sum(_with_ended(pid) for pid in (os.getpid(), *_children(os.getpid())))


def _children(pid: int) -> list[int]:
    """Children's children are left out: nothing here has any."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in listed for child in task.read_text().split()]


def _with_ended(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def resident_bytes(pid: int, field: str = "VmRSS") -> int:
    """Resident memory now; with `VmHWM` the most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no {field}")


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and SIGKILL for what does not listen."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGCONT)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def standing_still(processes: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    """While inside, these processes do nothing: what is put before them waits untouched."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
