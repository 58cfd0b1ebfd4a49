"""What the environment says: every `NOTIFIER_*` name, its default, its limits (contract section 2).

Durations are text such as `90s`, `30m` outside and float seconds inside. Secrets are `SecretStr`: nothing prints them.
Read once by the roof through `notifier.settings_source.load_settings`, then handed down; frozen, so that it stays true.
"""

from __future__ import annotations

import socket
import sys
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from notifier.settings_values import (
    BaseUrl,
    Duration,
    DurationOrAuto,
    LogFormat,
    LogLevel,
    Numbers,
    Port,
    PositiveDuration,
    SaslMechanism,
    SealingKeys,
    SecurityProtocol,
    Servers,
    Start,
    Topic,
    Topics,
    TransportSetting,
)

Platform = Literal["pms", "care"]
TopicRole = Literal["inbox", "signals", "ledger", "results", "dead_letters", "config"]

TWILIO_BASE_URL = "https://api.twilio.com"
LARGEST_EVENT_BYTES = 1024 * 1024  # above it, a batch of the inbox would outgrow the topic's 8 MiB


def _default_log_format() -> Literal["json", "console"]:
    return "console" if sys.stderr.isatty() else "json"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(_Section):
    bootstrap_servers: Servers = Field(description="The brokers to begin with, `host:port`, comma separated.")
    security_protocol: SecurityProtocol = Field(
        "PLAINTEXT", description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`."
    )
    sasl_mechanism: SaslMechanism | None = Field(
        None, description="`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`; required by the `SASL_` protocols."
    )
    sasl_username: str | None = Field(None, description="Required by the `SASL_` protocols.")
    sasl_password: SecretStr | None = Field(None, description="Required by the `SASL_` protocols.")
    ssl_cafile: str | None = Field(None, description="Certificates to trust; unset = the machine's.")
    ssl_certfile: str | None = Field(None, description="Our certificate, for mutual TLS; needs the key file.")
    ssl_keyfile: str | None = Field(None, description="The key of our certificate.")
    client_id: str = Field("notifier", min_length=1, description="How the brokers' logs and quotas name this client.")
    group_prefix: str = Field("notifier", min_length=1, description="Groups are `<prefix>.ingest`, `<prefix>.engine`.")
    session_timeout: PositiveDuration = Field(
        15.0, description="Group membership: a stopped member leaves at once, a killed one is replaced after this."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        sasl = self.security_protocol.startswith("SASL_")
        given = (self.sasl_mechanism, self.sasl_username, self.sasl_password)
        if sasl and None in given:
            raise ValueError("a SASL_ security protocol needs SASL_MECHANISM, SASL_USERNAME and SASL_PASSWORD")
        if not sasl and given != (None, None, None):
            raise ValueError("SASL_ settings need NOTIFIER_KAFKA__SECURITY_PROTOCOL SASL_PLAINTEXT or SASL_SSL")
        files = (self.ssl_cafile, self.ssl_certfile, self.ssl_keyfile)
        if not self.security_protocol.endswith("SSL") and files != (None, None, None):
            raise ValueError("SSL_ settings need NOTIFIER_KAFKA__SECURITY_PROTOCOL SSL or SASL_SSL")
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("SSL_CERTFILE and SSL_KEYFILE are given together or not at all")
        return self

    def group(self, role: Literal["ingest", "engine"]) -> str:
        """The consumer group of a role."""
        return f"{self.group_prefix}.{role}"


class TopicSettings(_Section):
    prefix: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,200}$", description="Put before the name of every topic.")
    pms_events: Topics = Field(("pms.events",), description="Where the PMS publishes; several, comma separated.")
    care_events: Topics = Field(("care.events",), description="Where the care platform publishes; likewise.")
    inbox: Topic = Field("notifier.inbox", description="Accepted events, keyed by tenant.")
    signals: Topic = Field("notifier.signals", description="Callbacks and commands, keyed by tenant.")
    ledger: Topic = Field("notifier.ledger", description="The state of the engine, compacted.")
    results: Topic = Field("notifier.results", description="Every outcome.")
    dead_letters: Topic = Field("notifier.dead-letters", description="What could not be understood.")
    config: Topic = Field("notifier.config", description="Configuration documents, compacted.")

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [*self.pms_events, *self.care_events, self.inbox, self.signals, self.ledger, self.results]
        names += [self.dead_letters, self.config]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"every topic needs a name of its own; used twice: {', '.join(twice)}")
        return self

    def name(self, role: TopicRole) -> str:
        """The full name of one of our topics, with the prefix."""
        named: dict[TopicRole, str] = {
            "inbox": self.inbox, "signals": self.signals, "ledger": self.ledger,
            "results": self.results, "dead_letters": self.dead_letters, "config": self.config,
        }  # fmt: skip
        return self.prefix + named[role]

    def sources(self, platform: Platform) -> tuple[str, ...]:
        """The full names of the topics that a platform publishes to."""
        return tuple(self.prefix + name for name in (self.pms_events if platform == "pms" else self.care_events))


class TwilioSettings(_Section):
    api_base_url: BaseUrl = Field(TWILIO_BASE_URL, description="Another base stands for all of Twilio's hosts (tests).")
    timeout: PositiveDuration = Field(
        30.0, description="Total for one POST; shorter makes doubts, longer makes takeover slower."
    )
    transport: TransportSetting = Field(
        "auto", description="`pyreqwest`, `aiohttp`, or `auto`: the first, which is faster, where it is installed."
    )
    max_in_flight_per_account: int = Field(80, ge=1, le=1000, description="Start of the adaptive limit.")
    poll_after: PositiveDuration = Field(
        120.0, description="First poll of a message without news, then doubling up to 1 h."
    )
    unconfirmed_after: PositiveDuration = Field(259200.0, description="`sent` for so long becomes `unconfirmed`.")
    probe_every: PositiveDuration = Field(300.0, description="One message tries a held sender again this often.")
    check_every: Duration = Field(
        3600.0,
        description="Every Connection is checked this often, give or take a tenth, and one that is not well as often as"
        " `PROBE_EVERY`; `0s`: never.",
    )

    @property
    def base_url(self) -> str | None:
        """Where requests go instead of to Twilio's own hosts; None: to those."""
        return None if self.api_base_url == TWILIO_BASE_URL else self.api_base_url

    @property
    def is_real(self) -> bool:
        """Whether texts reach people: a base address that is not Twilio's is a stand-in."""
        host = urlsplit(self.api_base_url).hostname or ""
        return host == "twilio.com" or host.endswith(".twilio.com")


class WebhookSettings(_Section):
    public_url: BaseUrl | None = Field(None, description="Base of the callback URLs; unset = polling only.")
    host: str = Field("0.0.0.0", description="Address that the webhooks listen on.")
    port: Port = Field(8080, description="Port that the webhooks listen on.")


class HttpSettings(_Section):
    host: str = Field("0.0.0.0", description="Address of metrics and health.")
    port: Port = Field(9090, description="Port of metrics and health.")


class SecretSettings(_Section):
    keys: SealingKeys = Field((), description="Base64 keys of 32 bytes, comma separated; the first seals, all open.")


class SafetySettings(_Section):
    allowed_recipients: Numbers = Field(
        (), description="Outside `production` only these numbers are sent to; not applied to a stand-in for Twilio."
    )


class RecoverySettings(_Section):
    intent_deadline: PositiveDuration = Field(2.0, description="An intent not acknowledged by then is not sent.")
    allowed_stall: Duration = Field(3.0, description="How long a process may stand still unnoticed.")
    quarantine: DurationOrAuto = Field(
        "auto",
        description="How long a new owner waits before it settles an inherited doubt; `auto` = intent deadline"
        " + `TWILIO__TIMEOUT` + allowed stall; less is refused.",
    )
    resend_after: PositiveDuration = Field(
        20.0, description="How long class policy `resend` waits for evidence, counted from the create."
    )
    list_lag: Duration = Field(900.0, description="After which Twilio's message list is believed.")
    lane_wait: PositiveDuration = Field(
        45.0, description="How long a message in doubt or in retry holds later ones to the same person."
    )
    _shortest_quarantine: float = PrivateAttr(0.0)

    @property
    def quarantine_seconds(self) -> float:
        """The quarantine with `auto` resolved."""
        return self._shortest_quarantine if self.quarantine == "auto" else self.quarantine

    def beside(self, twilio_timeout: float) -> Self:
        """The same, knowing the time-out that `auto` is made of. Raises `ValueError` where they cannot be together."""
        known = self.model_copy()
        shortest = known._shortest_quarantine = self.intent_deadline + twilio_timeout + self.allowed_stall
        if known.quarantine_seconds < shortest:
            raise ValueError(
                f"NOTIFIER_RECOVERY__QUARANTINE must be auto or at least {shortest:g}s"
                " (RECOVERY__INTENT_DEADLINE + TWILIO__TIMEOUT + RECOVERY__ALLOWED_STALL)"
            )
        if self.lane_wait <= max(known.quarantine_seconds, twilio_timeout):
            raise ValueError(
                f"NOTIFIER_RECOVERY__LANE_WAIT must be above {max(known.quarantine_seconds, twilio_timeout):g}s"
                " (the longer of the quarantine and TWILIO__TIMEOUT)"
            )
        return known


class IngestSettings(_Section):
    max_event_bytes: int = Field(
        262144, ge=1, le=LARGEST_EVENT_BYTES, description="Of the value; above: dead letter `too_large`."
    )
    halt_after: int = Field(
        100, ge=0, description="So many unreadable records in a row, within 10 minutes, halt their partition. 0: never."
    )
    start: Start = Field(
        "earliest", description="Where a group without offsets begins: `earliest`, `latest` or a time."
    )


class DedupeSettings(_Section):
    window: Duration = Field(
        86400.0, description="How long after its last terminal outcome an event's identity is remembered."
    )


class ResultSettings(_Section):
    report_ignored: bool = Field(True, description="Publish `event.ignored`.")
    hash_key: SecretStr | None = Field(None, description="Key of `recipient.hash`; unset: the field is null.")


class MetricSettings(_Section):
    tenant_label: bool = Field(True, description="Whether series carry the tenant; `false` for very many tenants.")


class LogSettings(_Section):
    format: LogFormat = Field(
        default_factory=_default_log_format, description="`json`, or `console` (the default on a terminal)."
    )
    level: LogLevel = Field("info", description="`debug`, `info`, `warning` or `error`.")


class ShutdownSettings(_Section):
    grace: PositiveDuration = Field(20.0, description="How long what is under way may take to end after SIGTERM.")


class Settings(BaseSettings):
    """All settings of a process. Build it with `load_settings`, or by hand in tests."""

    model_config = SettingsConfigDict(
        env_prefix="NOTIFIER_", env_nested_delimiter="__", env_ignore_empty=True, extra="ignore", frozen=True,
        hide_input_in_errors=True,
    )  # fmt: skip

    environment: str = Field("development", description="Free text; only `production` sends to any number.")
    instance_id: str = Field(
        default_factory=socket.gethostname,
        min_length=1,
        description="Stable id of this process (the pod name); by default the host name.",
    )
    kafka: KafkaSettings
    topics: TopicSettings = Field(default_factory=TopicSettings)
    twilio: TwilioSettings = Field(default_factory=TwilioSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    http: HttpSettings = Field(default_factory=HttpSettings)
    secrets: SecretSettings = Field(default_factory=SecretSettings)
    safety: SafetySettings = Field(default_factory=SafetySettings)
    recovery: RecoverySettings = Field(default_factory=RecoverySettings, validate_default=True)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    dedupe: DedupeSettings = Field(default_factory=DedupeSettings)
    results: ResultSettings = Field(default_factory=ResultSettings)
    metrics: MetricSettings = Field(default_factory=MetricSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    shutdown: ShutdownSettings = Field(default_factory=ShutdownSettings)

    @field_validator("recovery")
    @classmethod
    def _beside_twilio(cls, recovery: RecoverySettings, info: ValidationInfo) -> RecoverySettings:
        twilio = info.data.get("twilio")  # absent when it is at fault itself
        return recovery.beside(twilio.timeout) if isinstance(twilio, TwilioSettings) else recovery

    @model_validator(mode="after")
    def _two_listeners(self) -> Self:
        if self.http.port and (self.http.host, self.http.port) == (self.webhooks.host, self.webhooks.port):
            raise ValueError("NOTIFIER_HTTP__PORT and NOTIFIER_WEBHOOKS__PORT must differ: callbacks come from outside")
        return self

    @property
    def sends_to_anyone(self) -> bool:
        """Whether `safety.allowed_recipients` does not apply."""
        return self.environment == "production" or not self.twilio.is_real
