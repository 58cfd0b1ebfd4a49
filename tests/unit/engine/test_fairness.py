"""Tenants that share a sender of the `platform` take turns there by deficit round robin; segments are the coin."""

from __future__ import annotations

from collections import Counter

from tests.unit.engine.harness import CLINIC, CONFIG, Shell, connection, tenant, workflow

A, B, C = f"{CLINIC}-a", f"{CLINIC}-b", f"{CLINIC}-c"
ONE_SEGMENT, FIVE_SEGMENTS, TWELVE_SEGMENTS = "x" * 160, "x" * 750, "x" * 1800
QUANTUM = 8


def shared(rate: float, **messages: str) -> Shell:
    """Clinics with one workflow each, all on `platform`, which gives this partition `rate` segments a second."""
    documents = [connection("platform", rate=rate * CONFIG.partitions)]
    for letter, message in messages.items():
        name = f"{CLINIC}-{letter}"
        documents.append(tenant(name, platform="care", builtinSender={"connection": "platform"}))
        documents.append(workflow(owner=name, message=message))
    return Shell(documents).own()


def queue(shell: Shell, name: str, texts: int) -> None:
    """Every text to a person of its own."""
    for number in range(texts):
        shell.order(number, f"+12025550{number:03d}", name=name)


def work(shell: Shell, seconds: int) -> None:
    for _ in range(seconds * 10):
        shell.pass_time(0.1)
        shell.answer_all()


def segments(shell: Shell) -> Counter[str]:
    found: Counter[str] = Counter()
    for request in shell.sends:
        found[request.tenant] += (len(request.body) + 152) // 153 if len(request.body) > 160 else 1
    return found


def test_tenants_get_the_same_in_segments_when_ones_texts_are_longer() -> None:
    shell = shared(10.0, a=FIVE_SEGMENTS, b=ONE_SEGMENT)
    queue(shell, A, 200)
    queue(shell, B, 400)
    work(shell, 30)
    told = segments(shell)
    assert told.total() > 250
    assert abs(told[A] - told[B]) <= 2 * QUANTUM


def test_three_tenants_get_a_third_each() -> None:
    shell = shared(10.0, a=ONE_SEGMENT, b=ONE_SEGMENT, c=FIVE_SEGMENTS)
    for name in (A, B, C):
        queue(shell, name, 150)
    work(shell, 30)
    told = [segments(shell)[name] for name in (A, B, C)]
    assert max(told) - min(told) <= 2 * QUANTUM


def test_a_tenant_takes_no_more_than_the_quantum_in_a_row_while_another_waits() -> None:
    shell = shared(10.0, a=ONE_SEGMENT, b=ONE_SEGMENT)
    queue(shell, A, 60)
    queue(shell, B, 60)
    work(shell, 8)
    order = "".join(request.tenant[-1] for request in shell.sends)
    assert "a" * (QUANTUM + 1) not in order[QUANTUM:]  # before, B had nothing in line
    assert "b" * (QUANTUM + 1) not in order


def test_a_text_longer_than_the_quantum_has_its_turn_after_saving_up_for_it() -> None:
    shell = shared(10.0, a=TWELVE_SEGMENTS, b=ONE_SEGMENT)
    queue(shell, B, 300)
    queue(shell, A, 20)
    work(shell, 20)
    told = segments(shell)
    assert told[A] > 60
    assert abs(told[A] - told[B]) <= 12 + 2 * QUANTUM


def test_who_has_nothing_to_send_saves_nothing_up() -> None:
    """B was idle for a minute; when its texts come, it takes turns from then on, and no more than that."""
    shell = shared(10.0, a=ONE_SEGMENT, b=ONE_SEGMENT)
    queue(shell, B, 3)
    queue(shell, A, 900)
    work(shell, 60)
    before = segments(shell)
    queue(shell, B, 200)
    work(shell, 10)
    since = segments(shell) - before
    assert abs(since[A] - since[B]) <= 2 * QUANTUM


def test_many_texts_to_one_person_take_no_turn_from_another_tenant() -> None:
    """They wait for each other in their lane, not in the line at the sender."""
    shell = shared(10.0, a=ONE_SEGMENT, b=ONE_SEGMENT)
    for number in range(50):
        shell.order(number, name=A)
    queue(shell, B, 15)
    shell.pass_time(2.0)
    assert Counter(request.tenant for request in shell.sends) == {A: 1, B: 15}
