"""What may be read in a log, and what never stands there."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from notifier.logs import configure_logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging is process-wide: what a test configured is taken back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_facts(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    structlog.get_logger("engine").bind(partition=3).info("partition_claimed", epoch=7)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("partition_claimed", "info", "engine")
    assert (line["partition"], line["epoch"]) == (3, 7)
    assert str(line["timestamp"]).endswith("Z")


def test_lines_below_the_level_are_left_out(stream: io.StringIO) -> None:
    configure_logs("json", "warning", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("any").info("quiet")
    assert lines(stream) == []


def test_lines_of_the_standard_library_have_the_same_form(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    logging.getLogger("somewhere").warning("slow: %s s", 3)
    (line,) = lines(stream)
    assert (line["event"], line["level"], line["logger"]) == ("slow: 3 s", "warning", "somewhere")


@pytest.mark.parametrize("level", ["debug", "info"])
def test_libraries_that_show_requests_speak_from_warning_on(stream: io.StringIO, level: str) -> None:
    configure_logs(level=level, style="json", stream=stream)  # type: ignore[arg-type] # parametrised
    logging.getLogger("twilio.http_client").info("POST To=+12025550143")
    logging.getLogger("aiokafka.conn").info("connected")
    logging.getLogger("aiokafka.conn").warning("lost")
    assert [line["event"] for line in lines(stream)] == ["lost"]


@pytest.mark.parametrize("style", ["json", "console"])
def test_personal_data_is_hidden_wherever_it_slipped_in(stream: io.StringIO, style: str) -> None:
    configure_logs(level="info", style=style, stream=stream)  # type: ignore[arg-type] # parametrised
    log = structlog.get_logger()
    log.warning(
        "odd", phone="+12025550143", nested={"body": "Hi Mara", "list": ["call +1 202 555 0143"]}, doorCode="482915"
    )
    log.warning("to +12025550143")
    logging.getLogger("lib").warning("sending to %s", "%2B12025550143")
    try:
        raise ValueError("bad number +12025550143")
    except ValueError:
        log.exception("failed")
        logging.getLogger("lib").exception("failed")
    written = stream.getvalue()
    for personal in ("2025550143", "555 0143", "Mara", "482915"):
        assert personal not in written
    assert "ValueError: bad number [hidden]" in written.replace("\\n", "\n")


def test_times_and_masked_numbers_stay_readable(stream: io.StringIO) -> None:
    configure_logs("json", "info", stream)
    structlog.get_logger().info("due", at="2026-12-04T15:00:00+01:00", masked="+1202•••0143")
    (line,) = lines(stream)
    assert (line["at"], line["masked"]) == ("2026-12-04T15:00:00+01:00", "+1202•••0143")
