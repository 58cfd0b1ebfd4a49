"""When Connections are checked, how many at once, and what is kept of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random

import pytest

from notifier.app.connection_watch import JITTER, MOST_AT_ONCE, SPREAD_SECONDS, ConnectionWatch
from notifier.domain.catalog import ConnectionConfig
from notifier.domain.compiling import compile_document
from notifier.domain.connection_checks import NOTHING_KNOWN, ConnectionCheck
from notifier.domain.documents import Connection

WELL = ConnectionCheck(state="connected")
BROKEN = ConnectionCheck(state="broken", reason="refused")
TROUBLE = ConnectionCheck(state="connected", trouble="no answer")
EVERY, AGAIN = 3600.0, 300.0


def config(owner: str, version: int = 1, account: str = "1") -> ConnectionConfig:
    document = Connection(
        tenant=owner, version=version, provider="twilio", account_sid="AC" + account * 32, auth_token="t"
    )
    compiled = compile_document(document)
    assert isinstance(compiled, ConnectionConfig)
    return compiled


class Twilio:
    """Answers every check with `answer`, once `open` is set; `asked` are the versions and what was known before."""

    def __init__(self) -> None:
        self.answer: ConnectionCheck | Exception = WELL
        self.asked: list[tuple[str, int | None, ConnectionCheck]] = []
        self.open = asyncio.Event()
        self.open.set()
        self._moved = asyncio.Condition()

    async def check(self, connection: Connection, former: ConnectionCheck) -> ConnectionCheck:
        async with self._moved:
            self.asked.append((connection.tenant, connection.version, former))
            self._moved.notify_all()
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def until_asked(self, times: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.asked) >= times)


class Watched:
    """A watch whose clock is turned by hand and that looks when it is told to."""

    def __init__(self, *owners: str) -> None:
        self.twilio = Twilio()
        self.time = 1_000.0
        self.connections: Mapping[str, ConnectionConfig] = {owner: config(owner) for owner in owners}
        self.watch = ConnectionWatch(
            self.twilio, lambda: self.connections, lambda: self.time, every=EVERY, again=AGAIN, chance=Random(1)
        )

    async def after(self, seconds: float) -> list[str]:
        """Look now, and again so much later; who was checked then."""
        looked = self.watch.due()
        self.time += seconds
        looked += self.watch.due()
        for owner in looked:
            await self.watch.check(owner)
        return looked


async def test_a_new_connection_is_checked_at_once() -> None:
    it = Watched("a")
    assert it.watch.known("a") == (NOTHING_KNOWN, None)
    assert await it.after(SPREAD_SECONDS) == ["a"]
    assert it.watch.known("a") == (WELL, it.time)
    assert it.watch.known("nobody") == (NOTHING_KNOWN, None)
    assert await it.after(60) == []


async def test_hundreds_at_a_start_are_spread() -> None:
    it = Watched(*(f"t{number}" for number in range(300)))
    checked = [len(await it.after(1.0)) for _ in range(80)]
    assert sum(checked) == 300
    assert max(checked) <= 2 * MOST_AT_ONCE
    assert sum(checked[:30]) < 200


async def test_only_a_few_checks_are_under_way() -> None:
    it = Watched(*(f"t{number}" for number in range(300)))
    it.watch.due()
    it.time += 300 * SPREAD_SECONDS
    assert len(it.watch.due()) == MOST_AT_ONCE
    assert it.watch.due() == []


async def test_the_loop_checks_all_and_never_more_than_a_few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifier.app.connection_watch.LOOK_EVERY", 0.0)
    it = Watched(*(f"t{number}" for number in range(20)))
    it.watch.due()
    it.time += 20 * SPREAD_SECONDS
    it.twilio.open.clear()
    running = asyncio.create_task(it.watch.run())
    await it.twilio.until_asked(MOST_AT_ONCE)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(it.twilio.asked) == MOST_AT_ONCE
    it.twilio.open.set()
    await it.twilio.until_asked(20)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert len({owner for owner, _, _ in it.twilio.asked}) == 20


@pytest.mark.parametrize(("answer", "wait"), [(WELL, EVERY), (BROKEN, AGAIN), (TROUBLE, AGAIN)])
async def test_who_is_well_is_left_in_peace_and_who_is_not_is_looked_at_again_soon(
    answer: ConnectionCheck, wait: float
) -> None:
    it = Watched("a")
    it.twilio.answer = answer
    await it.after(SPREAD_SECONDS)
    assert await it.after(wait * (1 - JITTER) - 0.1) == []
    assert await it.after(2 * wait * JITTER + 0.2) == ["a"]


async def test_the_next_check_is_told_what_the_last_one_knew() -> None:
    it = Watched("a")
    it.twilio.answer = BROKEN
    await it.after(SPREAD_SECONDS)
    it.twilio.answer = WELL
    await it.after(2 * AGAIN)
    assert [former for _, _, former in it.twilio.asked] == [NOTHING_KNOWN, BROKEN]
    assert it.watch.known("a") == (WELL, it.time)


@pytest.mark.parametrize(("account", "former"), [("1", BROKEN), ("2", NOTHING_KNOWN)])
async def test_a_new_version_is_checked_at_once_and_of_another_account_nothing_is_known(
    account: str, former: ConnectionCheck
) -> None:
    it = Watched("a")
    it.twilio.answer = BROKEN
    await it.after(SPREAD_SECONDS)
    it.connections = {"a": config("a", 2, account)}
    assert await it.after(SPREAD_SECONDS) == ["a"]
    assert it.twilio.asked[1:] == [("a", 2, former)]


async def test_what_an_old_version_was_told_does_not_count_for_the_new_one() -> None:
    it = Watched("a")
    it.twilio.answer = BROKEN
    it.twilio.open.clear()
    it.watch.due()
    it.time += SPREAD_SECONDS
    (owner,) = it.watch.due()
    old = asyncio.create_task(it.watch.check(owner))
    await it.twilio.until_asked(1)
    it.connections = {"a": config("a", 2)}
    it.watch.due()
    it.twilio.open.set()
    await old
    assert it.watch.known("a") == (NOTHING_KNOWN, None)


async def test_who_is_not_watched_any_more_is_forgotten() -> None:
    it = Watched("a")
    await it.after(SPREAD_SECONDS)
    it.connections = {}
    assert await it.after(2 * EVERY) == []
    assert it.watch.known("a") == (NOTHING_KNOWN, None)


async def test_a_fault_of_ours_ends_nothing_and_the_check_is_tried_again() -> None:
    it = Watched("a")
    it.twilio.answer = RuntimeError("a fault of ours")
    await it.after(SPREAD_SECONDS)
    assert it.watch.known("a")[0] == ConnectionCheck(state=None, trouble="the check itself failed")
    it.twilio.answer = WELL
    await it.after(2 * AGAIN)
    assert it.watch.known("a")[0] == WELL
