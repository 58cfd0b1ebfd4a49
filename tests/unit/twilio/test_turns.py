"""Lookups take turns: so many of one account, so many of all, and nobody behind everybody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from notifier.twilio.turns import Kind, Turns


class Room:
    """Lookups that stay inside until they are let out, in order of their coming in."""

    def __init__(self, per_account: int, in_all: int) -> None:
        self._turns = Turns(per_account, in_all)
        self._doors: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.came_in: list[str] = []
        self.inside: list[str] = []

    async def ask(self, *names: str, account: str = "a", kind: Kind = "fetch") -> None:
        for name in names:
            self._doors[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._lookup(name, account, kind))
        await self.settle()

    async def let_out(self, *names: str) -> None:
        for name in names:
            self._doors[name].set()
        await self.settle()

    async def cancel(self, *names: str) -> None:
        for name in names:
            self._tasks[name].cancel()
        await self.settle()

    async def settle(self) -> None:
        """Nothing here waits for anything but its turn and its door, so a few rounds of the loop settle all."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def _lookup(self, name: str, account: str, kind: Kind) -> None:
        async with self._turns.turn(account, kind):
            self.came_in.append(name)
            self.inside.append(name)
            try:
                await self._doors[name].wait()
            finally:
                self.inside.remove(name)

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def room(per_account: int = 2, in_all: int = 3) -> AsyncIterator[Room]:
    opened = Room(per_account, in_all)
    try:
        yield opened
    finally:
        await opened.close()


async def test_an_account_has_so_many_turns_and_the_next_comes_in_when_one_goes() -> None:
    async with room() as of:
        await of.ask("1", "2", "3", "4")
        assert of.inside == ["1", "2"]
        await of.let_out("1")
        assert of.inside == ["2", "3"]


async def test_both_kinds_of_an_account_count_together() -> None:
    async with room() as of:
        await of.ask("poll 1")
        await of.ask("look 1", "look 2", kind="look")
        assert of.inside == ["poll 1", "look 1"]


async def test_all_accounts_together_have_so_many_turns() -> None:
    async with room() as of:
        await of.ask("a1", "a2", account="a")
        await of.ask("b1", "b2", account="b")
        assert of.inside == ["a1", "a2", "b1"]
        await of.let_out("a1")
        assert of.inside == ["a2", "b1", "b2"]


async def test_who_comes_later_with_little_does_not_stand_behind_who_has_much() -> None:
    async with room(per_account=1, in_all=1) as of:
        await of.ask(*(f"a{number}" for number in range(5)), account="a")
        await of.ask("a's look", account="a", kind="look")
        await of.ask("b1", "b2", account="b")
        for name in ("a0", "a1", "a's look", "b1", "a2", "b2", "a3"):
            assert of.inside == [name]
            await of.let_out(name)
        assert of.inside == ["a4"]


async def test_an_account_that_has_all_its_turns_holds_up_nobody() -> None:
    async with room(per_account=1, in_all=2) as of:
        await of.ask("a1", "a2", account="a")
        await of.ask("b1", account="b")
        assert of.inside == ["a1", "b1"]
        await of.let_out("b1")
        await of.ask("b2", account="b")
        assert of.inside == ["a1", "b2"]


@pytest.mark.parametrize("cancelled", ["inside", "waiting"])
async def test_who_is_cancelled_gives_its_turn_on_and_keeps_no_place(cancelled: str) -> None:
    async with room(per_account=1, in_all=1) as of:
        await of.ask("1", "2", "3")
        if cancelled == "inside":
            await of.cancel("1")
            assert of.inside == ["2"]
            await of.let_out("2")
        else:
            await of.cancel("2")
            await of.let_out("1")
        assert of.inside == ["3"]


async def test_who_is_cancelled_just_when_its_turn_is_given_loses_it_for_nobody() -> None:
    turns, came_in = Turns(1, 1), list[str]()

    async def lookup(name: str) -> None:
        async with turns.turn("a", "look"):
            came_in.append(name)

    async with turns.turn("a", "look"):
        first, second = asyncio.create_task(lookup("1")), asyncio.create_task(lookup("2"))
        await asyncio.sleep(0)
    first.cancel()  # the turn was given to it a moment ago, and it has not run since
    await second
    assert (first.cancelled(), came_in) == (True, ["2"])


async def test_a_lookup_that_fails_gives_its_turn_on() -> None:
    turns = Turns(1, 1)
    for _ in range(3):
        with pytest.raises(OSError, match="broken"):
            async with turns.turn("a", "look"):
                raise OSError("broken")
