"""What `/status` and the metric say of Connections: checks and the engine's holds together, tenants that borrow."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from notifier.app.connection_report import ConnectionReport, Known
from notifier.app.owned import Ownership
from notifier.domain.catalog import build
from notifier.domain.connection_checks import NOTHING_KNOWN, ConnectionCheck
from notifier.domain.documents import BuiltinSender, Connection, Document, Sender, Tenant
from notifier.engine.state import Hold
from notifier.metrics import Metrics

NUMBER = "+15551234567"


def connection(owner: str) -> Connection:
    return Connection(
        tenant=owner, provider="twilio", account_sid="AC" + "0" * 32, auth_token="t", senders=(Sender(from_=NUMBER),)
    )


def tenant(name: str, *, borrows: bool = False) -> Tenant:
    sender = BuiltinSender(connection="platform") if borrows else None
    return Tenant(tenant=name, platform="pms", name=name, builtin_sender=sender)


SHARED, OWN, BARE, BORROWER = connection("platform"), tenant("own"), tenant("bare"), tenant("borrower", borrows=True)
ALL: list[Document] = [SHARED, OWN, connection("own"), BARE, BORROWER]


class Told:
    def __init__(self, *documents: Document) -> None:
        self.known: dict[str, Known] = {}
        self.holds: dict[tuple[str, str], Hold] = {}
        self.documents = list(documents or ALL)
        ownership = Ownership(lambda: build(self.documents, 1), lambda: {0}, 1)
        self.report = ConnectionReport(
            ownership, lambda owner: self.known.get(owner, (NOTHING_KNOWN, None)), lambda: self.holds
        )

    def states(self) -> dict[object, tuple[object, object]]:
        return {row["tenant"]: (row["state"], row["reason"]) for row in self.report.rows()}

    def builtin(self) -> object:
        return next(row["builtinSender"] for row in self.report.rows() if row["tenant"] == "borrower")


def test_before_a_check_who_has_a_connection_is_taken_for_connected() -> None:
    told = Told()
    assert told.states() == {
        "bare": ("not_connected", None), "borrower": ("not_connected", None), "own": ("connected", None),
        "platform": ("connected", None),
    }  # fmt: skip
    assert all(row["checkedAt"] is None for row in told.report.rows())


def test_a_row_says_what_the_last_check_saw_and_when() -> None:
    told = Told()
    check = ConnectionCheck(state="degraded", reason="why", unverified=("the type",), trouble="no answer")
    told.known["own"] = (check, 1_796_000_000.0)
    assert next(row for row in told.report.rows() if row["tenant"] == "own") == {
        "tenant": "own", "state": "degraded", "reason": "why", "checkedAt": "2026-11-30T00:53:20.000Z",
        "unverified": ["the type"], "trouble": "no answer", "builtinSender": None,
    }  # fmt: skip


def test_what_sending_met_counts_beside_the_check() -> None:
    told = Told()
    told.known["own"] = (ConnectionCheck(state="connected"), 1.0)
    told.holds["own", NUMBER] = Hold("sender_held", 1, "held")
    assert told.states()["own"] == ("degraded", f"{NUMBER}: held")
    told.holds["own", ""] = Hold("connection_broken", 1, "refused")
    assert told.states()["own"] == ("broken", "refused")
    assert told.states()["platform"] == ("connected", None)


def test_who_borrows_is_not_connected_and_the_state_of_the_lender_stands_beside_it() -> None:
    told = Told()
    assert told.builtin() == {"connection": "platform", "state": "connected", "reason": None}
    told.holds["platform", ""] = Hold("connection_broken", 1, "refused")
    assert told.builtin() == {"connection": "platform", "state": "broken", "reason": "refused"}
    assert told.states()["borrower"] == ("not_connected", None)
    told.documents.remove(SHARED)
    assert told.builtin() == {"connection": "platform", "state": "not_connected", "reason": None}
    assert "platform" not in told.states()


def test_who_has_a_connection_of_its_own_borrows_none() -> None:
    told = Told(SHARED, BORROWER, connection("borrower"))
    assert told.builtin() is None
    assert told.states()["borrower"] == ("connected", None)


def test_the_metric_has_one_state_a_tenant_and_forgets_who_is_gone() -> None:
    metrics, told = Metrics(CollectorRegistry(), "1"), Told()
    series = metrics.series("connection_state")

    def shown() -> dict[str, str]:
        (family,) = (one for one in metrics.registry.collect() if one.name == "notifier_connection_state")
        return {sample.labels["tenant"]: sample.labels["state"] for sample in family.samples if sample.value}

    series.tell(told.report.series())
    assert shown() == {
        "bare": "not_connected", "borrower": "not_connected", "own": "connected", "platform": "connected",
    }  # fmt: skip
    told.documents.remove(BARE)
    told.known["own"] = (ConnectionCheck(state="broken", reason="why"), 1.0)
    series.tell(told.report.series())
    assert shown() == {"borrower": "not_connected", "own": "broken", "platform": "connected"}


def test_without_the_tenant_label_the_metric_counts_tenants() -> None:
    metrics = Metrics(CollectorRegistry(), "1", tenant_label=False)
    metrics.series("connection_state").tell(Told().report.series())
    value = metrics.registry.get_sample_value
    counts = {
        state: value("notifier_connection_state", {"tenant": "", "state": state})
        for state in ("not_connected", "connected", "degraded", "broken")
    }
    assert counts == {"not_connected": 2, "connected": 2, "degraded": 0, "broken": 0}
