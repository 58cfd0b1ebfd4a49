"""Every metric of the notifier, declared once (contract section 9).

An attribute is named like its metric without `notifier_`; units are seconds; labels come from closed sets or from
configuration, never from a person. Event types are their producers' to choose: the first 300 are named, and the
rest is `other`. Series that name a tenant are written through `record`, which leaves the tenant
empty when `METRICS__TENANT_LABEL` is off: to Prometheus, an empty label is an absent one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

# 10 s is a bound of its own, so that "95 % within 10 s" is read off and not interpolated.
HANDOVER_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200)
DELIVERY_BUCKETS = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 43200, 108000)
REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
APPEND_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
LATENESS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 300)
RESTORE_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 360)
LOOP_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)

MOST_EVENT_TYPES, OTHER = 300, "other"


class _Declared(NamedTuple):
    series: Counter | Gauge | Histogram
    labels: tuple[str, ...]
    meaning: str


class Described(NamedTuple):
    """A row of the reference page."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


def _shown(labels: Sequence[str], hidden: Sequence[bool]) -> tuple[str, ...]:
    return tuple("" if hide else label for hide, label in zip(hidden, labels, strict=True))


class Series:
    """What one place tells of a gauge, whole: a series that it tells of no more is gone, and nobody else's is."""

    def __init__(self, gauge: Gauge, hidden: Sequence[bool]) -> None:
        self._gauge, self._hidden = gauge, hidden
        self._told: dict[tuple[str, ...], Gauge] = {}

    def tell(self, values: Mapping[tuple[str, ...], float]) -> None:
        """By labels, in the order of their declaration; those that differ in a hidden label only are added up."""
        sums: dict[tuple[str, ...], float] = {}
        for labels, value in values.items():
            shown = _shown(labels, self._hidden)
            sums[shown] = sums.get(shown, 0.0) + value
        for gone in self._told.keys() - sums.keys():
            del self._told[gone]
            self._gauge.remove(*gone)
        for shown, value in sums.items():
            child = self._told.get(shown)
            if child is None:
                child = self._told[shown] = self._gauge.labels(*shown)
            child.set(value)


class Metrics:
    """All series of one process, on a registry that is handed in."""

    def __init__(self, registry: CollectorRegistry, version: str, *, tenant_label: bool = True) -> None:
        self.registry = registry
        self._tenant_label = tenant_label
        self._declared: dict[str, _Declared] = {}
        self._recorders: dict[tuple[str, tuple[str, ...]], Callable[[float], None]] = {}
        self._event_types: set[str] = set()
        self.build_info = Info("notifier_build", "The version that runs.", registry=registry)
        self.build_info.info({"version": version})
        self._declare_work()
        self._declare_twilio()
        self._declare_state()
        self._declare_kafka()

    def _declare_work(self) -> None:
        self.events_total = self._counter(
            "events_total",
            "Records of the source topics and what became of them; types beyond the first 300 are `other`.",
            "source",
            "type",
            "result",
        )
        self.outcomes_total = self._counter(
            "outcomes_total", "Outcomes published.", "status", "reason", "channel", "tenant"
        )
        self.handover_seconds = self._histogram(
            "handover_seconds", "From due, or the event's time, to accepted by Twilio.", HANDOVER_BUCKETS
        )
        self.delivery_seconds = self._histogram(
            "delivery_seconds", "From accepted by Twilio to delivered.", DELIVERY_BUCKETS
        )
        self.segments_total = self._counter("segments_total", "Segments accepted by Twilio.", "tenant")
        self.dead_letters_total = self._counter("dead_letters_total", "Records that were not understood.", "reason")

    def _declare_twilio(self) -> None:
        self.twilio_requests_total = self._counter("twilio_requests_total", "Requests to Twilio by ending.", "result")
        self.twilio_request_seconds = self._histogram(
            "twilio_request_seconds", "How long a request to Twilio took.", REQUEST_BUCKETS
        )
        self.twilio_in_flight = self._gauge("twilio_in_flight", "Requests to Twilio under way.")
        self.callbacks_total = self._counter("callbacks_total", "Callbacks by what became of them.", "result")
        self.connection_state = self._gauge(
            "connection_state",
            "1 for the state that a tenant's connection is in; without tenants, how many are in it.",
            "tenant",
            "state",
        )

    def _declare_state(self) -> None:
        self.backlog = self._gauge("backlog", "Notifications that wait, by what they wait for.", "state")
        self.backlog_oldest_seconds = self._gauge(
            "backlog_oldest_seconds", "Age of the oldest that waits since it was due.", "state"
        )
        self.sender_backlog_seconds = self._gauge(
            "sender_backlog_seconds", "Time to drain what waits for a sender, at its rate.", "tenant", "sender"
        )
        self.in_doubt = self._gauge("in_doubt", "Sends of which nobody knows whether Twilio has them.")
        self.doubts_total = self._counter("doubts_total", "Doubts by cause and by how they ended.", "cause", "ending")
        self.parked_total = self._counter("parked_total", "Notifications left to a person.")
        self.timers = self._gauge("timers", "Timers held.")
        self.timer_lateness_seconds = self._histogram(
            "timer_lateness_seconds", "How late a timer was acted upon.", LATENESS_BUCKETS
        )

    def _declare_kafka(self) -> None:
        self.partition_state = self._gauge(
            "partition_state", "1 for the state that a partition is in.", "partition", "state"
        )
        self.claims_total = self._counter("claims_total", "Partitions claimed.")
        self.fenced_total = self._counter("fenced_total", "Partitions lost to a newer claim.")
        self.restore_seconds = self._histogram("restore_seconds", "How long a restore took.", RESTORE_BUCKETS)
        self.restored_records_total = self._counter("restored_records_total", "Ledger records read in restores.")
        self.ledger_append_seconds = self._histogram(
            "ledger_append_seconds", "From an append to its acknowledgement.", APPEND_BUCKETS
        )
        self.consumer_lag = self._gauge("consumer_lag", "Records behind the end.", "topic", "partition")
        self.event_loop_lag_seconds = self._histogram(
            "event_loop_lag_seconds", "How late the event loop ran what was due.", LOOP_BUCKETS
        )

    def record(self, metric: str, labels: tuple[str, ...] = (), value: float = 1.0) -> None:
        """Count, set or observe `metric` (its name without `notifier_`), `labels` in the order of its declaration.

        Counters go up by `value`, gauges become it, histograms observe it. Raises `KeyError` for an unknown metric
        and `ValueError` for a wrong number of labels: both are faults of ours.
        """
        record = self._recorders.get((metric, labels)) or self._recorder(metric, labels)
        record(value)

    def _recorder(self, metric: str, labels: tuple[str, ...]) -> Callable[[float], None]:
        """Kept for the next time, but for gauges, whose series may be taken away, and for types that are not named."""
        series, names, _ = self._declared[metric]
        labels = tuple(
            OTHER if name == "type" and not self._is_named(label) else label
            for name, label in zip(names, labels, strict=True)
        )
        if names:
            series = series.labels(*_shown(labels, self._hidden(names)))
        if isinstance(series, Gauge):
            return series.set
        recorder = self._recorders[metric, labels] = series.inc if isinstance(series, Counter) else series.observe
        return recorder

    def _is_named(self, event_type: str) -> bool:
        if len(self._event_types) < MOST_EVENT_TYPES:
            self._event_types.add(event_type)
        return event_type in self._event_types

    def series(self, gauge: str) -> Series:
        """Those of a gauge that one place tells of. Raises `KeyError` for an unknown one."""
        declared = self._declared[gauge]
        assert isinstance(declared.series, Gauge)
        return Series(declared.series, self._hidden(declared.labels))

    def _hidden(self, names: Sequence[str]) -> list[bool]:
        return [not self._tenant_label and name == "tenant" for name in names]

    def described(self) -> Iterator[Described]:
        """Every metric, for the reference page."""
        yield Described("notifier_build_info", "gauge", ("version",), "The version that runs; always 1.")
        for name, (series, labels, meaning) in self._declared.items():
            yield Described(f"notifier_{name}", type(series).__name__.lower(), labels, meaning)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        counter = Counter(f"notifier_{name}", meaning, labels, registry=self.registry)
        self._declared[name] = _Declared(counter, labels, meaning)
        return counter

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        gauge = Gauge(f"notifier_{name}", meaning, labels, registry=self.registry)
        self._declared[name] = _Declared(gauge, labels, meaning)
        return gauge

    def _histogram(self, name: str, meaning: str, buckets: Sequence[float]) -> Histogram:
        histogram = Histogram(f"notifier_{name}", meaning, buckets=buckets, registry=self.registry)
        self._declared[name] = _Declared(histogram, (), meaning)
        return histogram
