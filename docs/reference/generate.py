"""Writes the reference pages that are made from the code: `make docs`; with `--check` it only says what has drifted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry

from notifier.metrics import Metrics
from notifier.settings_source import every_setting, spelled

HERE = Path(__file__).parent
NOTICE = "<!-- Made by `make docs` from the code; change it there. -->\n"


ABOUT_SETTINGS = """\
# Settings

Environment variables, or lines of a `.env` file in the working folder; the environment wins. An unknown name that
begins with `NOTIFIER_` is refused with the nearest known one; a name that is set to nothing counts as not set.
Durations are a number with `ms`, `s`, `m`, `h` or `d`. `notifier run --print-settings` shows what is in force,
secrets masked.
"""

REFUSED_TOGETHER = """
Refused together: a quarantine below intent deadline + Twilio time-out + allowed stall; a lane wait that is not above
the quarantine and the Twilio time-out; two topics of one name; `SASL_` or `SSL_` settings without their protocol, or
the protocol without them; metrics and webhooks on one port."""

ABOUT_METRICS = """\
# Metrics

On `GET /metrics` of port 9090, as Prometheus text or OpenMetrics. No label names a person. With
`NOTIFIER_METRICS__TENANT_LABEL=false` the `tenant` label is empty.
"""


def settings_page() -> Iterator[str]:
    yield NOTICE
    yield ABOUT_SETTINGS
    yield "| name | default | meaning |"
    yield "| --- | --- | --- |"
    for setting in every_setting():
        info = setting.info
        if info.is_required():
            default = "required"
        elif info.default_factory is not None:
            default = "depends on the machine"
        else:
            default = f"`{text}`" if (text := spelled(info.default)) else "empty"
        yield f"| `{setting.name}` | {default} | {info.description} |"
    yield REFUSED_TOGETHER


def metrics_page() -> Iterator[str]:
    yield NOTICE
    yield ABOUT_METRICS
    yield "| name | kind | labels | meaning |"
    yield "| --- | --- | --- | --- |"
    for row in Metrics(CollectorRegistry(), "0").described():
        labels = ", ".join(f"`{label}`" for label in row.labels)
        yield f"| `{row.name}` | {row.kind} | {labels} | {row.meaning} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {"settings.md": settings_page, "metrics.md": metrics_page}


def main(check: bool) -> int:
    drifted = 0
    for name, lines in PAGES.items():
        page, content = HERE / name, "\n".join(lines()) + "\n"
        if page.exists() and page.read_text(encoding="utf-8") == content:
            continue
        drifted += 1
        if check:
            sys.stderr.write(f"docs/reference/{name} has drifted from the code: run `make docs`\n")
        else:
            page.write_text(content, encoding="utf-8")
    return 1 if check and drifted else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
