"""Writes the reference pages that are made from the code: `make docs`; with `--check` it only says what has drifted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from notifier.domain import explanations
from notifier.domain.outcomes import TERMINAL_STATUSES
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


ABOUT_OUTCOMES = """\
# Statuses and reasons

Every record of `notifier.results` and every dead letter names why it is so. `notifier explain` says the same sentences
about one event. A terminal status is the last that is said of a notification.
"""


def outcomes_page() -> Iterator[str]:
    yield NOTICE
    yield ABOUT_OUTCOMES
    yield "| status | terminal | meaning | what would change it |"
    yield "| --- | --- | --- | --- |"
    for status, meaning in explanations.STATUSES.items():
        yield f"| `{status}` | {'yes' if status in TERMINAL_STATUSES else 'no'} | {meaning.what} | {meaning.change} |"
    for status, reasons in explanations.REASONS.items():
        if status != "undelivered":
            title = "`failed` and `undelivered`" if status == "failed" else f"`{status}`"
            yield from _reasons(f"Reasons of {title}", reasons)
    yield "\n## Details\n\n| detail | meaning |\n| --- | --- |"
    for detail, meant in explanations.DETAILS.items():
        yield f"| `{detail}` | {meant} |"
    yield from _reasons("Events that are ignored", explanations.IGNORED)
    yield "\nWhat `no_effect` means for each type:\n\n| type | meaning |\n| --- | --- |"
    for type_, meant in explanations.NO_EFFECT.items():
        yield f"| `{type_}` | {meant} |"
    yield "\n## Workflow runs\n\n| record | meaning |\n| --- | --- |"
    for kind, meaning in explanations.RUNS.items():
        yield f"| `{kind}` | {meaning.what} |"
    yield "\nThe reason of `run.failed` and `run.cancelled` is that of the notification that decided it."
    yield from _reasons("Dead letters", explanations.DEAD_LETTERS)


def _reasons(title: str, reasons: Mapping[str, explanations.Meaning]) -> Iterator[str]:
    yield f"\n## {title}\n\n| reason | meaning | what would change it |\n| --- | --- | --- |"
    for reason, meaning in reasons.items():
        yield f"| `{reason}` | {meaning.what} | {meaning.change} |"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "outcomes.md": outcomes_page,
}


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
