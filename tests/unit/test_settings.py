"""The environment as an operator writes it: defaults, limits, refusals, and what is shown."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from notifier.settings import KafkaSettings, RecoverySettings, Settings, TwilioSettings
from notifier.settings_source import SettingsError, effective, every_setting, load_settings, printed

KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment with the one required setting and no other, in an empty folder."""
    for setting in every_setting():
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS", "broker-1:9092, broker-2:9092")
    return monkeypatch


def refusal() -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings()
    return str(refused.value)


CONTRACT = """
ENVIRONMENT INSTANCE_ID KAFKA__BOOTSTRAP_SERVERS KAFKA__SECURITY_PROTOCOL KAFKA__SASL_MECHANISM KAFKA__SASL_USERNAME
KAFKA__SASL_PASSWORD KAFKA__SSL_CAFILE KAFKA__SSL_CERTFILE KAFKA__SSL_KEYFILE KAFKA__CLIENT_ID KAFKA__GROUP_PREFIX
KAFKA__SESSION_TIMEOUT TOPICS__PREFIX TOPICS__PMS_EVENTS TOPICS__CARE_EVENTS TOPICS__INBOX TOPICS__SIGNALS
TOPICS__LEDGER TOPICS__RESULTS TOPICS__DEAD_LETTERS TOPICS__CONFIG TWILIO__API_BASE_URL TWILIO__TIMEOUT
TWILIO__TRANSPORT TWILIO__MAX_IN_FLIGHT_PER_ACCOUNT TWILIO__POLL_AFTER TWILIO__UNCONFIRMED_AFTER TWILIO__PROBE_EVERY
TWILIO__CHECK_EVERY
WEBHOOKS__PUBLIC_URL WEBHOOKS__HOST WEBHOOKS__PORT HTTP__HOST HTTP__PORT SECRETS__KEYS SAFETY__ALLOWED_RECIPIENTS
RECOVERY__INTENT_DEADLINE RECOVERY__ALLOWED_STALL RECOVERY__QUARANTINE RECOVERY__RESEND_AFTER RECOVERY__LIST_LAG
RECOVERY__LANE_WAIT INGEST__MAX_EVENT_BYTES INGEST__HALT_AFTER INGEST__START DEDUPE__WINDOW RESULTS__REPORT_IGNORED
RESULTS__HASH_KEY METRICS__TENANT_LABEL LOG__FORMAT LOG__LEVEL SHUTDOWN__GRACE
"""


def test_the_names_are_those_that_charts_and_operators_rely_on() -> None:
    assert {"NOTIFIER_" + name for name in CONTRACT.split()} == {setting.name for setting in every_setting()}


def test_defaults_hold_where_nothing_is_said() -> None:
    settings = load_settings()
    assert settings.environment == "development"
    assert settings.kafka.bootstrap_servers == "broker-1:9092,broker-2:9092"
    assert settings.kafka.group("engine") == "notifier.engine"
    assert settings.twilio.timeout == 30.0
    assert settings.twilio.unconfirmed_after == 72 * 3600
    assert settings.recovery.quarantine_seconds == 35.0
    assert settings.ingest.start == "earliest"
    assert settings.webhooks.public_url is None


def test_what_is_empty_is_as_if_not_given(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_WEBHOOKS__PUBLIC_URL", "")
    assert load_settings().webhooks.public_url is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("0.5s", 0.5), ("90s", 90), ("30m", 1800), ("24h", 86400), ("7d", 604800)]
)
def test_durations_are_text_outside_and_seconds_inside(
    environment: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    environment.setenv("NOTIFIER_TWILIO__POLL_AFTER", text)
    assert load_settings().twilio.poll_after == seconds


def test_a_transport_that_is_not_installed_is_refused_when_it_is_asked_for(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_TWILIO__TRANSPORT", "pyreqwest")
    assert load_settings().twilio.transport == "pyreqwest"
    environment.setattr("notifier.settings_values.find_spec", lambda _name: None)
    assert refusal() == "NOTIFIER_TWILIO__TRANSPORT: pyreqwest is not installed here; auto or aiohttp is allowed"


def test_a_dot_env_file_is_read_and_the_environment_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTIFIER_HTTP__PORT=1234\nNOTIFIER_ENVIRONMENT=staging\nOTHER=1\n")
    environment.setenv("NOTIFIER_HTTP__PORT", "4321")
    settings = load_settings()
    assert (settings.http.port, settings.environment) == (4321, "staging")


def test_topics_carry_the_prefix_and_sources_may_be_several(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_TOPICS__PREFIX", "eu.")
    environment.setenv("NOTIFIER_TOPICS__PMS_EVENTS", "pms.a, pms.b")
    topics = load_settings().topics
    assert topics.sources("pms") == ("eu.pms.a", "eu.pms.b")
    assert topics.sources("care") == ("eu.care.events",)
    assert topics.name("dead_letters") == "eu.notifier.dead-letters"


def test_ingest_may_start_at_a_time(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_INGEST__START", "2026-12-01T00:00:00Z")
    assert load_settings().ingest.start == datetime(2026, 12, 1, tzinfo=UTC)


def test_a_required_name_is_asked_for(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("NOTIFIER_KAFKA__BOOTSTRAP_SERVERS")
    assert refusal() == "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS is required"


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("NOTIFIER_TWILIO__TIME_OUT", "NOTIFIER_TWILIO__TIMEOUT"),
        ("NOTIFIER_KAFKA_BOOTSTRAP_SERVERS", "NOTIFIER_KAFKA__BOOTSTRAP_SERVERS"),
        ("NOTIFIER_KAFKA", "NOTIFIER_"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(environment: pytest.MonkeyPatch, name: str, nearest: str) -> None:
    environment.setenv(name, "1")
    assert refusal().startswith(f"{name} is not a setting; the nearest is {nearest}")


def test_an_unknown_name_in_the_dot_env_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("NOTIFIER_LOG__LEVELS=info\n")
    assert "the nearest is NOTIFIER_LOG__LEVEL" in refusal()


def test_names_of_the_test_suite_are_no_settings_and_no_fault(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_TEST_BOOTSTRAP", "x:1")
    environment.setenv("NOTIFIER_REQUIRE_REAL_KAFKA", "1")
    environment.setenv("NOTIFIER_REQUIRE_PRISM", "1")
    load_settings()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("TWILIO__TIMEOUT", "soon", "such as 90s"),
        ("TWILIO__TIMEOUT", "0s", "greater than 0"),
        ("INGEST__START", "yesterday", "earliest, latest or a time with offset"),
        ("INGEST__START", "2026-12-01T00:00:00", "earliest, latest or a time with offset"),
        ("INGEST__MAX_EVENT_BYTES", "1048577", "less than or equal to 1048576"),
        ("HTTP__PORT", "70000", "less than or equal to 65535"),
        ("KAFKA__BOOTSTRAP_SERVERS", "broker", "host:port"),
        ("KAFKA__SECURITY_PROTOCOL", "tls", "'SASL_SSL'"),
        ("SAFETY__ALLOWED_RECIPIENTS", "+12025550143,0202", "E.164"),
        ("SECRETS__KEYS", "c2hvcnQ=", "32 bytes in base64"),
        ("TOPICS__INBOX", "a b", "letters, digits"),
        ("WEBHOOKS__PUBLIC_URL", "notifier.example.com", "http or https address"),
        ("LOG__LEVEL", "loud", "'warning'"),
        ("TWILIO__TRANSPORT", "requests", "'aiohttp'"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_with_what_is_allowed(
    environment: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    environment.setenv(f"NOTIFIER_{name}", value)
    message = refusal()
    assert message.startswith(f"NOTIFIER_{name}: ")
    assert allowed in message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"RECOVERY__QUARANTINE": "34s"}, "NOTIFIER_RECOVERY__QUARANTINE must be auto or at least 35s"),
        ({"RECOVERY__LANE_WAIT": "35s"}, "NOTIFIER_RECOVERY__LANE_WAIT must be above 35s"),
        ({"TWILIO__TIMEOUT": "60s"}, "NOTIFIER_RECOVERY__LANE_WAIT must be above 65s"),
        ({"TOPICS__INBOX": "notifier.signals"}, "used twice: notifier.signals"),
        ({"HTTP__PORT": "8080"}, "must differ"),
        ({"KAFKA__SECURITY_PROTOCOL": "SASL_SSL"}, "needs SASL_MECHANISM"),
        ({"KAFKA__SASL_USERNAME": "me"}, "SASL_ settings need"),
        ({"KAFKA__SSL_CAFILE": "/ca.pem"}, "SSL_ settings need"),
        ({"KAFKA__SECURITY_PROTOCOL": "SSL", "KAFKA__SSL_CERTFILE": "/c.pem"}, "given together"),
    ],
)
def test_what_cannot_work_together_is_refused(
    environment: pytest.MonkeyPatch, given: dict[str, str], expected: str
) -> None:
    for name, value in given.items():
        environment.setenv(f"NOTIFIER_{name}", value)
    assert expected in refusal()


def test_several_faults_are_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_HTTP__PORT", "x")
    environment.setenv("NOTIFIER_TWILIO__TIMEOUT", "x")
    assert len(refusal().splitlines()) == 2


def test_secrets_and_numbers_are_never_shown(environment: pytest.MonkeyPatch) -> None:
    hidden = {
        "KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA__SASL_MECHANISM": "plain",
        "KAFKA__SASL_USERNAME": "me",
        "KAFKA__SASL_PASSWORD": "hunter2",
        "SECRETS__KEYS": KEY,
        "RESULTS__HASH_KEY": "pepper",
        "SAFETY__ALLOWED_RECIPIENTS": "+12025550143",
    }
    for name, value in hidden.items():
        environment.setenv(f"NOTIFIER_{name}", value)
    settings = load_settings()
    shown = printed(settings)
    assert "NOTIFIER_KAFKA__SASL_PASSWORD=**********" in shown
    for secret in ("hunter2", KEY, "pepper", "2025550143"):
        assert secret not in shown
    assert settings.secrets.keys[0].get_secret_value() == KEY


def test_a_refused_secret_is_not_repeated(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_SECRETS__KEYS", "not-a-key-but-secret")
    assert "not-a-key-but-secret" not in refusal()


def test_what_is_printed_can_be_read_back(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_RECOVERY__INTENT_DEADLINE", "1500ms")
    settings = load_settings()
    for name, value in effective(settings).items():
        environment.setenv(name, value)
    assert load_settings() == settings


def test_settings_given_by_hand_do_not_share_what_is_resolved() -> None:
    """Two settings made from one section resolve `auto` each for itself."""
    recovery, kafka = RecoverySettings(), KafkaSettings(bootstrap_servers="x:1")
    quick = Settings(kafka=kafka, recovery=recovery, twilio=TwilioSettings(timeout=1.0))
    usual = Settings(kafka=kafka, recovery=recovery)
    assert (quick.recovery.quarantine_seconds, usual.recovery.quarantine_seconds) == (6.0, 35.0)


@pytest.mark.parametrize(
    ("environment_name", "base_url", "anyone"),
    [
        ("development", "https://api.twilio.com", False),
        ("production", "https://api.twilio.com", True),
        ("development", "http://127.0.0.1:8800", True),
        ("development", "https://api.twilio.com.example.org", True),
        ("staging", "https://api.dublin.ie1.twilio.com", False),
    ],
)
def test_only_production_or_a_stand_in_sends_to_anyone(
    environment: pytest.MonkeyPatch, environment_name: str, base_url: str, anyone: bool
) -> None:
    environment.setenv("NOTIFIER_ENVIRONMENT", environment_name)
    environment.setenv("NOTIFIER_TWILIO__API_BASE_URL", base_url)
    assert load_settings().sends_to_anyone is anyone
