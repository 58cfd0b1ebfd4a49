"""The settings of the process in the engine's words."""

from __future__ import annotations

import pytest

from notifier.app.engine_settings import engine_config
from notifier.settings import Settings

NUMBER = "+12025550143"
KAFKA = {"bootstrap_servers": "127.0.0.1:1", "session_timeout": 7}


def settings(**more: object) -> Settings:
    return Settings.model_validate({"kafka": KAFKA, "instance_id": "pod-1"} | more)


def test_each_partition_gets_its_number_and_what_was_set() -> None:
    config = engine_config(
        settings(recovery={"resend_after": 11}, twilio={"poll_after": 12}, results={"hash_key": "k"}), 3, 12
    )
    assert (config.partition, config.partitions, config.instance) == (3, 12, "pod-1")
    assert (config.session_timeout, config.resend_after, config.poll_after, config.hash_key) == (7, 11, 12, b"k")
    assert config.quarantine == 35.0


@pytest.mark.parametrize(("environment", "allowed"), [("production", None), ("staging", frozenset({NUMBER}))])
def test_outside_production_only_allowed_numbers_are_texted(environment: str, allowed: frozenset[str] | None) -> None:
    chosen = settings(environment=environment, safety={"allowed_recipients": [NUMBER]})
    assert engine_config(chosen, 0, 1).allowed_recipients == allowed


def test_a_stand_in_may_be_asked_to_text_anybody() -> None:
    chosen = settings(environment="staging", twilio={"api_base_url": "http://127.0.0.1:1"})
    assert engine_config(chosen, 0, 1).allowed_recipients is None
