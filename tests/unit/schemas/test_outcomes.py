"""The schemas of outcomes hold what the contract says of every status, and the headers of dead letters are as told.

That everything which is really published fits is shown where it is: tests/e2e/test_demo.py.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass

import pytest

from notifier.domain.cloudevents import Refusal
from notifier.domain.outcomes import TERMINAL_STATUSES
from notifier.domain.reasons import NOTIFICATION_REASONS
from notifier.kafka.intake import dead_letter
from tests.unit.schemas.checking import Json, faults, fits

EVENT = {"id": "evt-0001", "source": "/pms/harbour", "type": "key.ready"}
NTF, RUN, EVT = "ntf_" + "7" * 32, "run_" + "8" * 32, "evt_" + "9" * 32
WORKFLOW = {"name": "shipped-sms", "version": 3, "runId": RUN, "step": 1}
NOTIFICATION = {
    "notificationId": NTF, "event": EVENT, "status": "delivered", "terminal": True, "reason": None, "detail": None,
    "channel": "sms", "class": "transactional",
    "recipient": {"personId": "p1", "masked": "+1202•••0143", "hash": "hmac-sha256:" + "0" * 64},
    "template": {"name": "key_is_ready", "version": 3}, "workflow": None, "segments": 2, "encoding": "GSM-7",
    "cause": {"event": EVENT},
    "provider": {"name": "twilio", "messageSid": "SM1", "status": "delivered", "errorCode": None, "errorClass": None},
    "attempt": 1,
    "times": {"event": "2026-12-03T14:00:02.114Z", "accepted": "2026-12-03T14:00:02.114Z", "due": None,
              "handedOver": None, "final": "2026-12-03T14:00:02.114Z"},
}  # fmt: skip
RUN_DATA = {"runId": RUN, "workflow": WORKFLOW, "event": EVENT, "step": 1, "reason": None, "until": None}


def record(type_: str, id_: str, data: Json) -> Json:
    return {
        "specversion": "1.0", "id": id_, "source": "/notifier", "type": type_, "time": "2026-12-03T14:00:02.114Z",
        "tenant": "harbour-house", "subject": id_, "datacontenttype": "application/json", "data": copy.deepcopy(data),
    }  # fmt: skip


def notification(status: str, reason: str | None) -> Json:
    data = {**NOTIFICATION, "status": status, "terminal": status in TERMINAL_STATUSES, "reason": reason}
    return record(f"notification.{status}", f"{NTF}:4", data)


@dataclass(frozen=True)
class Raw:
    value: bytes
    offset: int = 7
    timestamp: int = 0
    key: bytes = b"k"
    headers: tuple[tuple[str, bytes], ...] = (("ce_id", b"1"),)


OTHERS = [
    record("run.waiting", f"{RUN}:1", {**RUN_DATA, "until": "2026-12-03T14:00:02.114Z"}),
    record("run.completed", f"{RUN}:2", RUN_DATA), record("run.exited", f"{RUN}:2", RUN_DATA),
    record("run.failed", f"{RUN}:2", {**RUN_DATA, "reason": "invalid_recipient"}),
    record("run.cancelled", f"{RUN}:2", {**RUN_DATA, "reason": "superseded"}),
    record("event.applied", f"{EVT}:applied", {"event": EVENT, "affected": [NTF, RUN]}),
    record("event.ignored", f"{EVT}:ignored", {"event": EVENT, "reason": "no_effect"}),
    record("parked.resolved", f"{NTF}:resolved",
           {"notificationId": NTF, "evidence": "list", "messageSid": "SM1", "providerStatus": "sent"}),
]  # fmt: skip


def test_the_reasons_are_those_of_the_contract_to_the_letter() -> None:
    """Dashboards and readers outside this repository go by them (contract section 6)."""
    failed = "bad_recipient suppressed bad_request filtered destination carrier expired_in_queue exhausted"
    contract = {
        "scheduled": "lead_time quiet_hours retry",
        "held": "awaiting_check_in awaiting_credential connection_broken sender_held not_live paused",
        "undelivered": failed, "failed": failed,
        "skipped": "no_contact no_phone invalid_recipient sms_disabled notifications_disabled not_live no_template"
        " empty_message no_sender sender_not_approved sms_provider_not_connected opted_out no_consent duplicate_window"
        " expired rate_limited recipient_not_allowed key_not_active",
        "delegated": "email_first both shared_by_email",
        "cancelled": "superseded key_revoked reservation_cancelled cancelled_by_event workflow_removed tenant_removed",
        "unknown": "time_out connection_lost server_error takeover",
        "parked": "unresolved too_late_to_repeat",
    }  # fmt: skip
    without = dict.fromkeys(("accepted", "sent", "delivered", "unconfirmed"), (None,))
    listed = {status: tuple(reasons.split()) for status, reasons in contract.items()}
    assert dict(NOTIFICATION_REASONS) == {**listed, **without}


@pytest.mark.parametrize(
    ("status", "reason"), [(status, reason) for status, all_ in NOTIFICATION_REASONS.items() for reason in all_]
)
def test_every_status_has_its_reasons(status: str, reason: str | None) -> None:
    outcome = notification(status, reason)
    assert faults(f"outcomes/notification.{status}", outcome) == []
    assert faults("outcomes", outcome) == []


@pytest.mark.parametrize("outcome", OTHERS, ids=lambda outcome: outcome["type"])
def test_every_other_record_fits(outcome: Json) -> None:
    assert faults(f"outcomes/{outcome['type']}", outcome) == []
    assert faults("outcomes", outcome) == []


@pytest.mark.parametrize(
    ("outcome", "change"),
    [
        (notification("delivered", None), {"terminal": False}), (notification("held", "paused"), {"terminal": True}),
        (notification("held", "paused"), {"reason": "retry"}), (notification("failed", "carrier"), {"reason": None}),
        (notification("delivered", None), {"status": "sent"}), (notification("delivered", None), {"attempt": "1"}),
        (notification("delivered", None), {"encoding": "UTF-8"}), (notification("delivered", None), {"class": "loud"}),
        (notification("delivered", None), {"notificationId": "x"}), (OTHERS[0], {"until": None}),
        (OTHERS[4], {"reason": "bored"}), (OTHERS[6], {"reason": "bored"}), (OTHERS[7], {"evidence": "hearsay"}),
    ],
)  # fmt: skip
def test_what_the_contract_rules_out_does_not_fit(outcome: Json, change: Json) -> None:
    wrong = {**outcome, "data": {**outcome["data"], **change}}
    assert not fits(f"outcomes/{outcome['type']}", wrong)
    assert not fits("outcomes", wrong)


def test_a_missing_field_and_an_id_of_another_kind_do_not_fit() -> None:
    good = notification("delivered", None)
    for name in NOTIFICATION:
        data = {key: value for key, value in good["data"].items() if key != name}
        assert not fits("outcomes", {**good, "data": data}), name
    assert not fits("outcomes", {**good, "id": f"{RUN}:1"})


@pytest.mark.parametrize("size", [10, 5 * 1024 * 1024])
def test_the_headers_of_a_dead_letter_are_as_told(size: int) -> None:
    """Also those of a value that was cut."""
    raw = Raw(value=b"x" * size)
    letter = dead_letter(
        "notifier.dead-letters", raw, Refusal("not_json", "value: must be JSON"), ("pms.events", 3), 0.0
    )
    headers = {name: (content or b"").decode() for name, content in letter.headers}
    assert faults("dead-letters/headers", headers) == []
    assert ("notifier-truncated" in headers) == (size > 4 * 1024 * 1024)
    assert not fits("dead-letters/headers", {**headers, "notifier-reason": "ugly"})
    assert not fits("dead-letters/headers", {**headers, "notifier-offset": "x"})
    assert fits("dead-letters/replayed", {"notifier-replayed": "0:17"})
    assert not fits("dead-letters/replayed", json.loads('{"notifier-replayed": "17"}'))
