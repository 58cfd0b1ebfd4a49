"""Order per person, pace per sender, fairness between tenants, and the limit of requests in flight."""

from __future__ import annotations

from notifier.domain.answers import InDoubt, NotSent
from notifier.engine.inputs import Published
from tests.unit.engine.harness import (
    CLINIC,
    DAY,
    HOTEL,
    OTHER_PHONE,
    START,
    Shell,
    connection,
    key,
    person,
    tenant,
    workflow,
)


def bodies(shell: Shell) -> list[str]:
    return [request.body for request in shell.sends]


def clinic(*, rate: float = 50.0, **fields: object) -> Shell:
    return Shell([tenant(CLINIC, platform="care", **fields), connection(CLINIC, rate=rate), workflow()]).own()


def test_texts_to_one_person_leave_in_order_each_behind_the_answer_to_the_last() -> None:
    shell = clinic()
    for number in (1, 2, 3):
        shell.order(number)
    assert bodies(shell) == ["Order 1"]
    for _ in range(2):
        shell.answer()
        shell.pass_time(1.0)
    assert bodies(shell) == ["Order 1", "Order 2", "Order 3"]


def test_another_person_never_waits() -> None:
    shell = clinic()
    shell.order(1)
    shell.answer(InDoubt(cause="time_out"))
    shell.order(2, OTHER_PHONE)
    shell.pass_time(1.0)
    assert bodies(shell) == ["Order 1", "Order 2"]


def test_a_doubt_holds_later_texts_for_lane_wait_at_most() -> None:
    shell = clinic()
    shell.order(1)
    shell.answer(InDoubt(cause="time_out"))
    shell.order(2)
    shell.pass_time(44.0)
    assert bodies(shell) == ["Order 1"]
    shell.pass_time(2.0)
    assert bodies(shell) == ["Order 1", "Order 2"]


def test_a_second_doubt_of_the_same_person_holds_the_next_text_just_as_long() -> None:
    shell = clinic()
    for number in (1, 2, 3):
        shell.order(number)
    shell.answer(InDoubt(cause="time_out"))
    shell.pass_time(46.0)
    shell.answer(InDoubt(cause="time_out"))
    shell.pass_time(43.0)  # of 45, begun a second ago
    assert bodies(shell) == ["Order 1", "Order 2"]
    shell.pass_time(2.0)
    assert bodies(shell) == ["Order 1", "Order 2", "Order 3"]


def test_a_retry_holds_later_texts_for_lane_wait_at_most_also_when_its_post_is_under_way_just_then() -> None:
    shell = clinic()
    shell.order(1)
    shell.order(2)
    shell.pass_time(46.0)  # no answer yet
    assert bodies(shell) == ["Order 1"]
    shell.answer(NotSent(retry_after=60.0))
    assert bodies(shell) == ["Order 1", "Order 2"]


def test_a_text_in_retry_goes_before_later_ones_while_the_lane_waits_for_it() -> None:
    shell = clinic()
    shell.order(1)
    shell.order(2)
    shell.answer(NotSent())
    shell.pass_time(5.0)
    assert bodies(shell) == ["Order 1", "Order 1"]
    shell.answer()
    assert bodies(shell) == ["Order 1", "Order 1", "Order 2"]


def test_a_sender_keeps_to_its_rate_in_segments() -> None:
    """A text of two segments costs two: at one a second, the third person waits for both."""
    shell = Shell([tenant(CLINIC, platform="care"), connection(CLINIC, rate=1.0), workflow(message="x" * 161)]).own()
    for number in range(4):
        shell.order(number, f"+1202555010{number}")
    sent = [len(shell.sends)]
    for _ in range(4):
        shell.pass_time(1.0)
        sent.append(len(shell.sends))
    assert sent == [1, 1, 2, 2, 3]


def test_two_tenants_share_a_sender_in_turns() -> None:
    """A hundred texts of one tenant stand in line when another's first comes: it is among the next few."""
    shell = Shell(
        [
            tenant("a", builtinSender={"connection": "platform"}),
            tenant("b", builtinSender={"connection": "platform"}),
            connection("platform", rate=4.0),
        ]
    ).own()
    for number in range(100):
        guest = person(phone=f"+120255501{number:02d}")
        shell.key_event("key.ready", key(name=f"k{number}", persons=[guest]), name="a")
    shell.key_event("key.ready", key(persons=[person(phone=OTHER_PHONE)]), name="b")
    for _ in range(20):
        shell.pass_time(1.0)
        shell.answer_all()
    assert [request.tenant for request in shell.sends].index("b") <= 17


def test_a_shared_connection_divides_its_rate_by_the_partitions() -> None:
    """Four segments a second over four partitions: one a second here."""
    shell = Shell([tenant(builtinSender={"connection": "platform"}), connection("platform", rate=4.0)]).own()
    for number in range(5):
        shell.key_event("key.ready", key(name=f"k{number}", persons=[person(phone=f"+1202555010{number}")]))
    first = shell.partition.state.notifications.get(shell.sends[0].notification_id)
    cost = (first.segments if first else 0) or 0
    assert len(shell.sends) == 1
    shell.pass_time(3.0 * cost + 0.1)
    assert len(shell.sends) == 4


def test_the_limit_in_flight_rises_by_one_and_is_halved_by_a_429() -> None:
    shell = Shell([tenant(CLINIC, platform="care"), connection(CLINIC), workflow()], max_in_flight=2).own()
    for number in range(6):
        shell.order(number, f"+1202555010{number}")
        shell.pass_time(1.0)
    account = shell.partition.state.accounts[CLINIC]
    assert len(shell.sends) == 2
    shell.answer(send=0)
    assert account.limit > 2.0
    risen = account.limit
    shell.answer(NotSent(congested=True), send=1)
    assert account.limit == risen / 2


def test_an_answer_behind_the_end_of_its_notification_still_frees_its_slot() -> None:
    """Twilio's callbacks may overtake the answer to the create, up to the last of them."""
    shell = Shell([tenant(CLINIC, platform="care"), connection(CLINIC), workflow()], max_in_flight=1).own()
    shell.order(1)
    shell.callback("delivered")
    shell.results_acknowledged()
    shell.pass_time(61.0)
    assert len(shell.partition.state.notifications) == 0
    shell.answer()
    shell.order(2)
    assert bodies(shell) == ["Order 1", "Order 2"]
    assert shell.partition.state.accounts[CLINIC].in_flight == 1


def test_a_closed_attempt_gives_its_slot_to_whoever_waits_at_that_account() -> None:
    shell = Shell([tenant(CLINIC, platform="care"), connection(CLINIC), workflow()], max_in_flight=1).own()
    shell.hold_appends = True
    shell.order(1)
    shell.now += 10.0
    shell.hold_appends = False
    shell.acknowledge()
    shell.answer()
    assert shell.partition.state.accounts[CLINIC].in_flight == 0


def test_a_person_whose_number_changes_while_standing_in_line_is_texted_at_the_new_one() -> None:
    shell = Shell([tenant(timing={"lead": "1h"}), connection(rate=1.0)]).own()
    starts = START + 2 * 3600.0
    for number in range(20):
        guest = person(f"p{number}", phone=f"+120255501{number:02d}")
        shell.key_event("key.ready", key(name=f"k{number}", persons=[guest], starts=starts))
    shell.pass_time(3601.0)
    assert len(shell.sends) < 19
    shell.key_event("key.updated", key(2, name="k19", persons=[person("p19", phone=OTHER_PHONE)], starts=starts))
    for _ in range(80):
        shell.answer_all()
        shell.pass_time(1.0)
    assert len(shell.sends) == 20
    assert shell.sends[-1].to == OTHER_PHONE


def test_a_key_that_is_moved_while_its_text_stands_in_line_waits_for_its_new_time() -> None:
    shell = Shell([tenant(timing={"lead": "1h"}), connection(rate=1.0)]).own()
    starts = START + 2 * 3600.0
    for number in range(10):
        guest = person(f"p{number}", phone=f"+120255501{number:02d}")
        shell.key_event("key.ready", key(name=f"k{number}", persons=[guest], starts=starts))
    shell.pass_time(3601.0)
    moved = key(2, name="k9", persons=[person("p9", phone="+12025550109")], starts=starts + DAY)
    shell.key_event("key.updated", moved)
    for _ in range(60):
        shell.pass_time(1.0)
    assert len(shell.sends) == 9
    shell.pass_time(DAY)
    assert [request.to for request in shell.sends][-1] == "+12025550109"


def test_a_text_whose_connection_changes_while_it_stands_in_line_goes_by_the_new_one() -> None:
    documents = [tenant(builtinSender={"connection": "platform"}), connection("platform", rate=50.0)]
    shell = Shell([*documents, connection(rate=0.1)]).own()
    for number in range(3):
        guest = person(phone=f"+1202555010{number}")
        shell.key_event("key.ready", key(name=f"k{number}", persons=[guest]))
    assert len(shell.sends) == 1
    shell.configure(documents)
    shell.pass_time(2.0)
    assert [request.connection for request in shell.sends] == [HOTEL, "platform", "platform"]


def test_nothing_is_left_of_lanes_and_slots_when_all_is_told() -> None:
    """Whatever each text went through: retries, doubts, another number, cancellation."""
    shell = Shell().own()
    shell.key_event("key.ready", key())
    shell.answer(NotSent())
    shell.key_event("key.updated", key(2, persons=[person(phone=OTHER_PHONE)]))
    shell.pass_time(3.0)
    assert shell.sends[-1].to == OTHER_PHONE
    shell.answer()
    shell.callback("delivered")
    shell.order(1)
    shell.answer(NotSent())
    shell.order(2)
    shell.pass_time(5.0)
    for send in (len(shell.sends) - 1, len(shell.sends)):
        shell.answer(send=send)
        shell.callback("delivered", send=send)
        shell.pass_time(1.0)
    shell.give(Published(tuple(outcome.id for outcome in shell.published)))
    shell.pass_time(70.0)
    state = shell.partition.state
    assert (state.lanes, state.posted, state.intending, state.polls, state.settling) == ({}, {}, {}, {}, {})
    assert len(state.notifications) == 0
    assert {account.in_flight for account in state.accounts.values()} == {0}
