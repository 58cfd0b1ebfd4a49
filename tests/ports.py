"""Ports for processes that tests start."""

from __future__ import annotations

import random
import socket

# Below what Linux and macOS give to outgoing connections: between the choice and the moment when a daemon listens, or
# while it is started again, no connection of another test can take the port.
RANGE = range(10_000, 32_000)
_given: set[int] = set()


def free_port(host: str = "127.0.0.1") -> int:
    """One that nobody listens on now, and that this process was not given before."""
    chance = random.SystemRandom()
    while True:
        port = chance.choice(RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        _given.add(port)
        return port
