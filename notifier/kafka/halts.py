"""Halts of source partitions as documents in `notifier.config`: ingest writes, `notifier ingest resume` deletes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from notifier.domain.documents import Halt, document_key
from notifier.kafka.config_topic import ConfigNotWritten, append_config
from notifier.kafka.connection import Options

HALT_OWNER = "platform"
_BACKOFF = 2.0


class HaltWriter:
    """Writes halts; goes on trying until they are stored, since a halt that is forgotten is none."""

    def __init__(self, options: Options, config_topic: str, now: Callable[[], float]) -> None:
        """`now`: seconds since 1970."""
        self._options, self._topic, self._now = options, config_topic, now
        self._log = structlog.get_logger()

    async def write(self, name: str, offset: int, reason: str) -> int:
        """Store the halt of `topic:partition`; `offset` is the next one to read. The offset of the document."""
        halt = Halt(
            tenant=HALT_OWNER,
            name=name,
            offset=offset,
            reason=reason,
            version=1,
            updated_at=datetime.fromtimestamp(self._now(), UTC),
            updated_by="ingest",
        )
        while True:
            try:
                return await append_config(self._options, self._topic, [(document_key(halt), halt)])
            except ConfigNotWritten as failure:
                self._log.error("halt_not_stored", source=name, reason=str(failure))
            await asyncio.sleep(_BACKOFF)


def halt_key(name: str) -> str:
    """The record key of the halt of `topic:partition`."""
    return document_key(Halt(tenant=HALT_OWNER, name=name, offset=0, reason=""))
