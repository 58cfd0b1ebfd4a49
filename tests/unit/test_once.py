"""One broker for all processes that share the tests."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.once import Elsewhere, Once


class Maker:
    def __init__(self, failing: bool = False) -> None:
        self.failing = failing
        self.begun = self.ended = 0

    @contextmanager
    def __call__(self) -> Iterator[str]:
        self.begun += 1
        if self.failing:
            raise LookupError("none to be had")
        yield f"the {self.begun}."
        self.ended += 1


def test_it_is_made_when_first_asked_for_and_ended_at_the_close() -> None:
    maker = Maker()
    once = Once(maker)
    once.serve()
    assert (once.found, maker.begun) == (None, 0)
    assert (once.get(), once.get(), once.found) == ("the 1.",) * 3
    assert maker.ended == 0
    once.close()
    assert (maker.begun, maker.ended) == (1, 1)


def test_all_who_ask_at_once_from_elsewhere_get_the_same() -> None:
    maker = Maker()
    once = Once(maker)
    elsewhere: Elsewhere[str] = Elsewhere(once.serve())
    with ThreadPoolExecutor(8) as askers:
        answers = [asked.result() for asked in [askers.submit(elsewhere.get) for _ in range(32)]]
    assert set(answers) == {"the 1."}
    assert once.get() == once.found == "the 1."
    once.close()
    assert (maker.begun, maker.ended) == (1, 1)


def test_what_cannot_be_had_is_tried_once_and_everybody_is_told_why() -> None:
    maker = Maker(failing=True)
    once = Once(maker)
    elsewhere: Elsewhere[str] = Elsewhere(once.serve())
    for source in (elsewhere, once, elsewhere):
        with pytest.raises(LookupError, match="none to be had"):
            source.get()
    once.close()
    assert (maker.begun, once.found) == (1, None)


def test_nobody_asked_nothing_is_made() -> None:
    maker = Maker()
    once = Once(maker)
    once.serve()
    once.close()
    assert maker.begun == 0
