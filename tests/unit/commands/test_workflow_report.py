"""What `workflow test` says of values: those that a filter looked at, and never of health data."""

from __future__ import annotations

import json

from notifier.commands.trial_files import TrialEvent
from notifier.commands.workflow_report import report_lines, report_row
from notifier.domain.documents import Trigger
from notifier.domain.workflow_trials import try_workflow
from tests.unit.domain.clinics import ORDER, clinic, workflow

EVENT = TrialEvent("event.json", "order.shipped", None, ORDER)


def lines(**query: object) -> list[str]:
    document = workflow(trigger=Trigger(type="order.shipped", filter=query))
    return list(report_lines(try_workflow(document, clinic(document), EVENT.type, ORDER), EVENT, (), None))


def test_a_condition_tells_what_it_found_or_that_there_is_nothing() -> None:
    assert '  no   status "new"; status is "shipped"' in lines(status="new")
    assert "  no   paid true; paid is missing" in lines(paid=True)
    assert '  yes  $or [{"status": "shipped"}]' in lines(**{"$or": [{"status": "shipped"}]})


def test_health_data_that_a_filter_looked_at_is_not_repeated() -> None:
    path = "lineItems.extras.drugName"
    assert f'  no   {path} "y"; {path} has a value' in lines(**{path: "y"})
    document = workflow(trigger=Trigger(type="order.shipped", filter={"customer.dob": "2000-01-01"}))
    row = report_row(try_workflow(document, clinic(document), EVENT.type, ORDER), EVENT, (), None)
    assert "1990-01-01" not in json.dumps(row)
