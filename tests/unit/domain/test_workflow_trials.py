"""Dry runs of workflows: what the trigger says, which steps are reached, what each text comes to."""

from __future__ import annotations

from typing import Any

import pytest

from notifier.domain.documents import ConditionStep, CrmActionStep, DelayStep, Step, Trigger, Workflow
from notifier.domain.workflow_rules import Refused
from notifier.domain.workflow_trials import Trial, try_workflow
from tests.unit.domain.clinics import ORDER, clinic, sms, workflow


def trial(*steps: Step, payload: dict[str, object] = ORDER, event_type: str = "order.shipped", **changes: Any) -> Trial:
    document = workflow(**changes, **({"steps": steps} if steps else {}))
    return try_workflow(document, clinic(document), event_type, payload)


def reached(found: Trial) -> list[int]:
    return [step.step.number for step in found.steps if step.reached]


def test_a_one_step_workflow_is_resolved_as_a_real_event_would_be() -> None:
    found = trial()
    (text,) = found.texts
    assert (found.fits, found.ending) == (True, "behind the last step")
    assert (text.preview.text, text.to, text.refusal) == ("Hi Ada, order 10421", "+12025550118", None)
    assert not isinstance(text.sending, Refused)
    assert text.sending[1].name == "+15551230000"


@pytest.mark.parametrize(
    ("trigger", "event_type", "fits"),
    [
        (Trigger(type="order.shipped", filter={"status": "shipped"}), "order.shipped", True),
        (Trigger(type="order.shipped", filter={"status": "processing"}), "order.shipped", False),
        (Trigger(type="order.shipped"), "order.created", False),
    ],
)
def test_an_event_fits_by_type_and_filter(trigger: Trigger, event_type: str, fits: bool) -> None:
    assert trial(event_type=event_type, trigger=trigger).fits is fits


def test_filters_see_the_alias_of_customer_events() -> None:
    trigger = Trigger(type="customer.signup", filter={"customer.firstName": "Ada"})
    customer: dict[str, object] = {"firstName": "Ada", "phone": "+12025550118"}
    assert trial(payload=customer, event_type="customer.signup", trigger=trigger).fits


def test_everything_of_a_text_is_resolved_even_when_one_part_is_refused() -> None:
    (text,) = trial(sms(message="Hi {{nobody}}", toPhone="{{status}}", fromPhone="+15550000000")).texts
    assert text.refusal == Refused("sender_not_approved", "fromPhone is none of the senders of the Connection")
    assert (text.preview.text, text.to, text.to_text) == ("Hi ", None, "shipped")
    assert text.preview.warnings == ("nobody is missing: nothing is put in its place",)


def test_health_data_and_hidden_fields_of_the_message_are_named() -> None:
    message = "{{#lineItems}}{{extras.drugName}}{{/lineItems}} {{customer.hash}} {{customer.dob}} {{id}}"
    (text,) = trial(sms(message=message, toPhone="{{customer.phone}}")).texts
    assert text.sensitive == ("customer.dob", "extras.drugName")
    assert text.hidden == ("customer.hash",)


def condition(number: int, logic: dict[str, Any], **more: Any) -> ConditionStep:
    return ConditionStep(number=number, logic=logic, **more)


def text_step(number: int) -> Step:
    step = sms(message="order {{id}}", toPhone="{{customer.phone}}")
    return type(step)(number=number, adapter="twilio", function="sendSMS", parameters=step.parameters)


def test_a_condition_that_holds_goes_on_and_one_that_does_not_ends_the_run() -> None:
    found = trial(DelayStep(number=1, for_="1h"), condition(2, {"status": "shipped"}), text_step(3))
    assert (reached(found), found.ending) == ([1, 2, 3], "behind the last step")
    ended = trial(condition(1, {"status": "cancelled"}), text_step(2))
    assert (reached(ended), ended.ending) == ([1], "at step 1, whose condition does not hold")
    assert [step.holds for step in ended.steps] == [False, None]
    assert not ended.reaches_a_text
    assert ended.texts[0].preview.text == "order 10421"  # shown all the same


def test_a_false_condition_may_jump() -> None:
    found = trial(condition(1, {"status": "cancelled"}, if_false_go_to=3), text_step(2), text_step(3))
    assert reached(found) == [1, 3]
    assert [text.step.number for text in found.texts] == [3]


def test_a_context_path_looks_at_the_result_of_an_earlier_step_and_at_nothing_when_there_is_none() -> None:
    read = CrmActionStep(number=1, function="getOrder", parameters={"id": "{{_id}}"})
    logic, path = {"status": "shipped"}, "history.1.result"
    found = trial(read, condition(2, logic, context_path=path), text_step(3))
    assert (reached(found), found.steps[0].parameters) == ([1, 2, 3], {"id": "o1"})
    assert reached(trial(condition(1, logic, context_path="history.9.result"), text_step(2))) == [1]
    nothing = condition(1, {"status": {"$exists": False}}, context_path="history.9.result")
    assert reached(trial(nothing, text_step(2))) == [1, 2]


def test_jumps_that_go_round_in_a_circle_end() -> None:
    found = trial(DelayStep(number=1, for_="1h"), condition(2, {"status": "cancelled"}, if_false_go_to=1))
    assert found.ending == "after 100 steps: the jumps go round in a circle"


def test_a_workflow_need_not_be_enabled_to_be_tried() -> None:
    document: Workflow = workflow(enabled=False)
    assert try_workflow(document, clinic(document), "order.shipped", ORDER).texts[0].refusal is None
