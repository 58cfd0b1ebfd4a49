"""Checks of the Connections at intervals, beside the sending and never in its way.

A few at a time, on connections of their own; many at once (a start, a large `config apply`, partitions that arrive) are
spread. A new version is checked at once, one that is not well as often as the engine probes. A check only reports: what
holds texts and lets them go is the engine's business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

import structlog

from notifier.domain.catalog import ConnectionConfig
from notifier.domain.connection_checks import NOTHING_KNOWN, ConnectionCheck
from notifier.domain.documents import Connection

LOOK_EVERY = 0.5  # seconds between two looks at what is due
MOST_AT_ONCE = 4
SPREAD_SECONDS = 0.2  # for each Connection that is new at the same moment
JITTER = 0.1


class Checking(Protocol):
    async def check(self, connection: Connection, former: ConnectionCheck) -> ConnectionCheck:
        """Raises nothing for what the other side or the line does."""


@dataclass(slots=True)
class _Watched:
    config: ConnectionConfig
    due: float
    known: ConnectionCheck = NOTHING_KNOWN
    checked_at: float | None = None
    under_way: bool = False


class ConnectionWatch:
    """`connections` gives, by owner, those to be watched now. `every` and `again` in seconds: between two checks of one
    that is well, and of any other. `now` in seconds since 1970.
    """

    def __init__(
        self,
        checks: Checking,
        connections: Callable[[], Mapping[str, ConnectionConfig]],
        now: Callable[[], float],
        *,
        every: float,
        again: float,
        chance: Random,
    ) -> None:
        self._checks, self._connections, self._now = checks, connections, now
        self._every, self._again, self._chance = every, min(every, again), chance
        self._watched: dict[str, _Watched] = {}
        self._seen: Mapping[str, ConnectionConfig] | None = None
        self._log = structlog.get_logger()

    def known(self, owner: str) -> tuple[ConnectionCheck, float | None]:
        """What is known of a Connection, and since when; `NOTHING_KNOWN` and None before its first check."""
        watched = self._watched.get(owner)
        return (NOTHING_KNOWN, None) if watched is None else (watched.known, watched.checked_at)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                for owner in self.due():
                    group.create_task(self.check(owner), name=f"check-{owner}")
                await asyncio.sleep(LOOK_EVERY)

    def due(self) -> list[str]:
        """The owners whose checks begin now; whoever asks has to carry them out."""
        self._follow()
        free = MOST_AT_ONCE - sum(one.under_way for one in self._watched.values())
        now = self._now()
        ready = [(one.due, owner) for owner, one in self._watched.items() if one.due <= now and not one.under_way]
        chosen = [owner for _, owner in sorted(ready)[:free]]
        for owner in chosen:
            self._watched[owner].under_way = True
        return chosen

    async def check(self, owner: str) -> None:
        """One that is due."""
        watched = self._watched.get(owner)
        if watched is None:
            return
        try:
            check = await self._checks.check(watched.config.document, watched.known)
        except Exception:  # noqa: BLE001 - a fault of ours in a report is told, but must not end the sending
            self._log.exception("connection_check_failed", tenant=owner)
            check = replace(watched.known, trouble="the check itself failed")
        finally:
            watched.under_way = False
        if watched is not self._watched.get(owner):
            return  # of a version that is not in force any more
        self._tell(owner, watched.known, check)
        watched.known, watched.checked_at = check, self._now()
        well = check.state == "connected" and check.trouble is None
        wait = self._every if well else self._again
        watched.due = self._now() + wait * self._chance.uniform(1.0 - JITTER, 1.0 + JITTER)

    def _follow(self) -> None:
        wanted = self._connections()
        if wanted is self._seen:
            return
        self._seen = wanted
        before, self._watched = self._watched, {}
        kept = {owner: one for owner, one in before.items() if one.config is wanted.get(owner)}
        spread = SPREAD_SECONDS * (len(wanted) - len(kept))
        for owner, config in wanted.items():
            self._watched[owner] = kept.get(owner) or self._new(config, before.get(owner), spread)

    def _new(self, config: ConnectionConfig, before: _Watched | None, spread: float) -> _Watched:
        watched = _Watched(config, self._now() + self._chance.uniform(0.0, spread))
        if before is not None and before.config.document.account_sid == config.document.account_sid:
            watched.known, watched.checked_at = before.known, before.checked_at
        return watched

    def _tell(self, owner: str, before: ConnectionCheck, now: ConnectionCheck) -> None:
        """Only what changed: a check every hour of hundreds of tenants is no news."""
        if (before.state, before.reason) != (now.state, now.reason) and now.state is not None:
            tell = self._log.info if now.state == "connected" else self._log.warning
            tell("connection_checked", tenant=owner, state=now.state, reason=now.reason)
        if now.trouble is not None and before.trouble is None:
            self._log.warning("connection_not_checked", tenant=owner, reason=now.trouble)
