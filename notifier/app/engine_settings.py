"""The settings of the process in the engine's words."""

from __future__ import annotations

from notifier.engine.state import EngineConfig
from notifier.settings import Settings

UNPACKED = 24_000  # notifications, and keys, of all partitions: about 50 MB each where one process owns them all


def engine_config(settings: Settings, number: int, partitions: int) -> EngineConfig:
    """The engine's settings for one partition."""
    recovery, twilio = settings.recovery, settings.twilio
    return EngineConfig(
        partition=number,
        partitions=partitions,
        instance=settings.instance_id,
        intent_deadline=recovery.intent_deadline,
        quarantine=recovery.quarantine_seconds,
        resend_after=recovery.resend_after,
        list_lag=recovery.list_lag,
        lane_wait=recovery.lane_wait,
        poll_after=twilio.poll_after,
        unconfirmed_after=twilio.unconfirmed_after,
        probe_every=twilio.probe_every,
        dedupe_window=settings.dedupe.window,
        most_unpacked=UNPACKED // partitions,
        session_timeout=settings.kafka.session_timeout,
        max_in_flight=twilio.max_in_flight_per_account,
        report_ignored=settings.results.report_ignored,
        hash_key=settings.results.hash_key.get_secret_value().encode() if settings.results.hash_key else b"",
        allowed_recipients=None if settings.sends_to_anyone else frozenset(settings.safety.allowed_recipients),
    )
