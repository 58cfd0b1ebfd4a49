"""Names, labels and kinds that dashboards and alerts rely on."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from notifier.metrics import MOST_EVENT_TYPES, Metrics

CONTRACT = """
build_info{version} events_total{source,type,result} outcomes_total{status,reason,channel,tenant} handover_seconds
delivery_seconds twilio_requests_total{result} twilio_request_seconds twilio_in_flight segments_total{tenant}
backlog{state} backlog_oldest_seconds{state} sender_backlog_seconds{tenant,sender} in_doubt doubts_total{cause,ending}
parked_total dead_letters_total{reason} timers timer_lateness_seconds callbacks_total{result}
connection_state{tenant,state} partition_state{partition,state} claims_total fenced_total restore_seconds
restored_records_total ledger_append_seconds consumer_lag{topic,partition} event_loop_lag_seconds
"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), "1.2.3")


def test_names_and_labels_are_those_of_the_contract(metrics: Metrics) -> None:
    declared = {
        row.name.removeprefix("notifier_") + ("{" + ",".join(row.labels) + "}" if row.labels else "")
        for row in metrics.described()
    }
    assert declared == set(CONTRACT.split())


def test_an_attribute_is_named_like_its_metric(metrics: Metrics) -> None:
    for row in metrics.described():
        assert hasattr(metrics, row.name.removeprefix("notifier_"))


def test_the_version_is_told(metrics: Metrics) -> None:
    assert metrics.registry.get_sample_value("notifier_build_info", {"version": "1.2.3"}) == 1


def test_recording_counts_sets_and_observes_by_kind(metrics: Metrics) -> None:
    for _ in range(2):
        metrics.record("segments_total", ("harbour",), 3)
        metrics.record("in_doubt", (), 5)
        metrics.record("handover_seconds", (), 9.5)
    value = metrics.registry.get_sample_value
    assert value("notifier_segments_total", {"tenant": "harbour"}) == 6
    assert value("notifier_in_doubt") == 5
    assert value("notifier_handover_seconds_count") == 2


def test_the_share_handed_over_within_ten_seconds_is_read_off(metrics: Metrics) -> None:
    for seconds in (10.0, 10.1):
        metrics.record("handover_seconds", (), seconds)
    assert metrics.registry.get_sample_value("notifier_handover_seconds_bucket", {"le": "10.0"}) == 1


def test_the_tenant_can_be_left_out_and_nothing_else_is() -> None:
    metrics = Metrics(CollectorRegistry(), "1", tenant_label=False)
    metrics.record("outcomes_total", ("skipped", "no_phone", "sms", "harbour"))
    metrics.record("outcomes_total", ("skipped", "no_phone", "sms", "north"))
    labels = {"status": "skipped", "reason": "no_phone", "channel": "sms", "tenant": ""}
    assert metrics.registry.get_sample_value("notifier_outcomes_total", labels) == 2


def test_event_types_are_named_as_long_as_they_are_few(metrics: Metrics) -> None:
    """A producer may make up a new one for each event; a series for each would never go away."""
    for number in range(MOST_EVENT_TYPES + 50):
        for result in ("ingested", "accepted"):
            metrics.record("events_total", ("care.events", f"type.{number}", result))
    metrics.record("events_total", ("care.events", "type.0", "ingested"))
    value = metrics.registry.get_sample_value
    of = {"source": "care.events", "result": "ingested"}
    assert value("notifier_events_total", {**of, "type": "type.0"}) == 2
    assert value("notifier_events_total", {**of, "type": f"type.{MOST_EVENT_TYPES - 1}"}) == 1
    assert value("notifier_events_total", {**of, "type": f"type.{MOST_EVENT_TYPES}"}) is None
    assert value("notifier_events_total", {**of, "type": "other"}) == 50
    assert len(metrics._recorders) == 2 * (MOST_EVENT_TYPES + 1)


def test_wrong_labels_and_unknown_names_are_faults(metrics: Metrics) -> None:
    with pytest.raises(KeyError):
        metrics.record("texts_total")
    with pytest.raises(ValueError, match="zip"):
        metrics.record("doubts_total", ("takeover",))


def test_the_exposition_is_valid_openmetrics(metrics: Metrics) -> None:
    metrics.record("claims_total")
    assert list(text_string_to_metric_families(generate_latest(metrics.registry).decode()))


def lags(metrics: Metrics) -> dict[str, float]:
    (family,) = (one for one in metrics.registry.collect() if one.name == "notifier_consumer_lag")
    return {sample.labels["partition"]: sample.value for sample in family.samples}


def test_what_a_place_tells_no_more_is_gone_and_what_others_tell_is_not(metrics: Metrics) -> None:
    """A partition that was given away must not be told of for ever."""
    inbox, sources = metrics.series("consumer_lag"), metrics.series("consumer_lag")
    sources.tell({("pms.events", "7"): 1.0})
    inbox.tell({("inbox", "0"): 3.0, ("inbox", "1"): 4.0})
    inbox.tell({("inbox", "1"): 5.0})
    assert lags(metrics) == {"7": 1.0, "1": 5.0}
    inbox.tell({("inbox", "0"): 6.0})
    assert lags(metrics) == {"7": 1.0, "0": 6.0}


def test_only_a_gauge_is_told_whole(metrics: Metrics) -> None:
    with pytest.raises(KeyError):
        metrics.series("lag")
