"""Settings become options of every client."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from notifier.kafka.connection import client_options
from notifier.kafka.failures import ConnectionSettingsUnusable
from notifier.settings import KafkaSettings


def test_plain_text_needs_nothing_but_the_address() -> None:
    options = client_options(KafkaSettings(bootstrap_servers="a:9092,b:9092"))
    assert options["bootstrap_servers"] == "a:9092,b:9092"
    assert options["security_protocol"] == "PLAINTEXT"
    assert "ssl_context" not in options
    assert "sasl_mechanism" not in options


def test_sasl_over_tls_carries_user_password_and_certificates() -> None:
    options = client_options(
        KafkaSettings(
            bootstrap_servers="a:9092",
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username="notifier",
            sasl_password=SecretStr("secret"),
        )
    )
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("notifier", "secret")
    assert options["ssl_context"] is not None


def test_a_certificate_file_that_is_not_there_is_named_by_its_setting(tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers="a:9092", security_protocol="SSL", ssl_cafile=str(tmp_path / "none.pem"))
    with pytest.raises(ConnectionSettingsUnusable, match="NOTIFIER_KAFKA__SSL_CAFILE"):
        client_options(kafka)


def test_a_key_that_is_none_is_named_by_its_setting(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    kafka = KafkaSettings(
        bootstrap_servers="a:9092", security_protocol="SSL", ssl_certfile=str(broken), ssl_keyfile=str(broken)
    )
    with pytest.raises(ConnectionSettingsUnusable, match="NOTIFIER_KAFKA__SSL_CERTFILE"):
        client_options(kafka)
