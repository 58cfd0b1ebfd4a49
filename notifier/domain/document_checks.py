"""What makes one document unusable (contract section 5): every fault with its path and what is allowed.

Rules: the form (names and types of fields) was checked before, `domain.shapes` does that; other documents are looked at
in `domain.reference_checks`; what is usable with a reservation is in `domain.document_warnings`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo, available_timezones

from phonenumbers import SUPPORTED_REGIONS

from notifier.domain.catalog import BUILTIN_TEMPLATES
from notifier.domain.cloudevents import CONSENT_EVENT_TYPES, is_event_type
from notifier.domain.compiling import SHARED_OWNER
from notifier.domain.documents import (
    AdapterStep,
    ConditionStep,
    Connection,
    CrmActionStep,
    DelayStep,
    Document,
    Secret,
    Sender,
    Step,
    Template,
    Tenant,
    Workflow,
)
from notifier.domain.durations import parse_duration
from notifier.domain.filters import FilterError, compile_filter
from notifier.domain.shapes import Misfit, Path, nearest
from notifier.domain.templates import TemplateSyntaxError, compile_template

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # part of the record key, Workflow/tenant/name
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
CLOCK_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
DATE_FORMAT = re.compile(r"(?:[^%]|%-?[aAbBcdHIjmMpSuUVwWxXyYzZG%])+")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SEALED = re.compile(r"v1:[0-9a-f]{8}:[A-Za-z0-9+/]+={0,2}")
CONTEXT_PATH = re.compile(r"[^.\s]+(?:\.[^.\s]+)*")
SMS_PARAMETERS = {"message": True, "toPhone": True, "fromPhone": False}  # whether it is required


def faults_of(document: Document, *, development: bool) -> Iterator[Misfit]:
    """`development`: secrets may stand in the document itself (`NOTIFIER_ENVIRONMENT`)."""
    match document:
        case Tenant():
            yield from _tenant(document)
        case Connection():
            yield from _connection(document, development)
        case Template():
            yield from _template(document)
        case Workflow():
            yield from _workflow(document)


def _tenant(document: Tenant) -> Iterator[Misfit]:
    if document.tenant == SHARED_OWNER:
        yield Misfit(("tenant",), f"{SHARED_OWNER} is the owner of the shared connection; another name is allowed")
    if not document.name.strip():
        yield Misfit(("name",), "must not be empty")
    yield from _zone(document.timezone)
    if DATE_FORMAT.fullmatch(document.date_time_format) is None:
        yield Misfit(("dateTimeFormat",), "must be a text with strftime directives, such as %d/%m/%Y %H:%M")
    region = document.default_region
    if region is not None and region not in SUPPORTED_REGIONS:
        yield Misfit(
            ("defaultRegion",), f"must be a two-letter country code in capitals{instead(region, SUPPORTED_REGIONS)}"
        )
    yield from _duration(document.timing.lead, ("timing", "lead"), zero=True)
    yield from _duration(document.duplicates.window, ("duplicates", "window"))
    if document.quiet_hours is not None:
        for name, value in (("from", document.quiet_hours.from_), ("to", document.quiet_hours.to)):
            if CLOCK_TIME.fullmatch(value) is None:
                yield Misfit(("quietHours", name), 'must be a time of day in quotes, such as "21:00"')
    sender = document.builtin_sender
    if sender is not None and sender.connection != SHARED_OWNER:
        yield Misfit(("builtinSender", "connection"), f"must be {SHARED_OWNER}: no other connection may be shared")


def _zone(name: str) -> Iterator[Misfit]:
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # OSError: a folder of zones, such as Europe
        yield Misfit(
            ("timezone",), f"must be an IANA time zone, such as Europe/Oslo{instead(name, available_timezones())}"
        )


def _connection(document: Connection, development: bool) -> Iterator[Misfit]:
    yield from _sid(document.account_sid, "AC", ("accountSid",))
    yield from _secret(document.auth_token, ("authToken",), development)
    if document.api_key is not None:
        yield from _sid(document.api_key.sid, "SK", ("apiKey", "sid"))
        yield from _secret(document.api_key.secret, ("apiKey", "secret"), development)
    seen: set[str] = set()
    for index, sender in enumerate(document.senders):
        yield from _sender(sender, ("senders", index))
        name = sender.from_ or sender.messaging_service_sid or ""
        if name in seen:
            yield Misfit(("senders", index), "is listed twice; each sender is allowed once")
        seen.add(name)


def _sender(sender: Sender, path: Path) -> Iterator[Misfit]:
    if (sender.from_ is None) == (sender.messaging_service_sid is None):
        yield Misfit(path, "must have exactly one of from and messagingServiceSid")
    if sender.from_ is not None and E164.fullmatch(sender.from_) is None:
        yield Misfit((*path, "from"), 'must be a number in E.164 form in quotes, such as "+12025550143"')
    if sender.messaging_service_sid is not None:
        yield from _sid(sender.messaging_service_sid, "MG", (*path, "messagingServiceSid"))
    if not 0 < sender.segments_per_second <= 10_000:
        yield Misfit((*path, "segmentsPerSecond"), "must be above 0 and at most 10000")


def _sid(value: str, prefix: str, path: Path) -> Iterator[Misfit]:
    if re.fullmatch(prefix + "[0-9a-fA-F]{32}", value) is None:
        yield Misfit(path, f"must be {prefix} and 32 hexadecimal digits")


def _secret(secret: Secret, path: Path, development: bool) -> Iterator[Misfit]:
    if isinstance(secret, str):
        if not development:
            yield Misfit(
                path, "plain text is refused unless NOTIFIER_ENVIRONMENT is development; env, file or sealed is allowed"
            )
        elif not secret:
            yield Misfit(path, "must not be empty")
        return
    given = {"env": secret.env, "file": secret.file, "sealed": secret.sealed}
    if sum(value is not None for value in given.values()) != 1:
        yield Misfit(path, "must have exactly one of env, file and sealed")
    if secret.env is not None and ENVIRONMENT_NAME.fullmatch(secret.env) is None:
        yield Misfit((*path, "env"), "must be the name of an environment variable")
    if secret.file is not None and not secret.file.strip():
        yield Misfit((*path, "file"), "must be the path of a file")
    if secret.sealed is not None and SEALED.fullmatch(secret.sealed) is None:
        yield Misfit((*path, "sealed"), "must be a value of the form v1:<key id>:<base64>")


def _template(document: Template) -> Iterator[Misfit]:
    if document.name not in BUILTIN_TEMPLATES:
        yield Misfit(("name",), f"must be {' or '.join(BUILTIN_TEMPLATES)}{instead(document.name, BUILTIN_TEMPLATES)}")
    if not document.body.strip():
        yield Misfit(("body",), "must not be empty; delete the document to get the built-in text back")
    yield from _text(document.body, ("body",))
    yield from _duration(document.expires_after, ("expiresAfter",))


def _workflow(document: Workflow) -> Iterator[Misfit]:
    if NAME.fullmatch(document.name) is None:
        yield Misfit(("name",), "must be letters, digits, dots, hyphens and underscores, 100 at most")
    yield from _event_type(document.trigger.type, ("trigger", "type"))
    if document.trigger.type in CONSENT_EVENT_TYPES:
        yield Misfit(("trigger", "type"), "consent events start no workflow")
    yield from _query(document.trigger.filter, ("trigger", "filter"))
    yield from _duration(document.expires_after, ("expiresAfter",))
    for index, cancel in enumerate(document.cancel_on):
        yield from _event_type(cancel.type, ("cancelOn", index, "type"))
        for name, text in cancel.match.items():
            yield from _text(text, ("cancelOn", index, "match", name))
    if not document.steps:
        yield Misfit(("steps",), "must have at least one step")
    for index, step in enumerate(document.steps):
        if step.number != index + 1:
            yield Misfit(("steps", index, "number"), f"must be {index + 1}: steps are numbered from 1 without a gap")
        yield from _step(step, ("steps", index), len(document.steps))


def _step(step: Step, path: Path, count: int) -> Iterator[Misfit]:
    match step:
        case DelayStep():
            yield from _duration(step.for_, (*path, "for"))
        case ConditionStep():
            yield from _query(step.logic, (*path, "logic"))
            if step.context_path is not None and CONTEXT_PATH.fullmatch(step.context_path) is None:
                yield Misfit((*path, "contextPath"), "must be a path with dots, such as history.2.result")
            target = step.if_false_go_to
            if target is not None and (not 1 <= target <= count or target == step.number):
                yield Misfit((*path, "ifFalseGoTo"), f"must be the number of another step, 1 to {count}")
        case AdapterStep():
            yield from _sms(step.parameters, (*path, "parameters"))
        case CrmActionStep():
            if not step.function:
                yield Misfit((*path, "function"), "must not be empty")
            for name, text in step.parameters.items():
                yield from _text(text, (*path, "parameters", name))


def _sms(parameters: Mapping[str, str], path: Path) -> Iterator[Misfit]:
    for name, required in SMS_PARAMETERS.items():
        if required and not parameters.get(name, "").strip():
            yield Misfit((*path, name), "is missing; sendSMS needs a text here")
    for name, text in parameters.items():
        if name not in SMS_PARAMETERS:
            allowed = ", ".join(SMS_PARAMETERS)
            yield Misfit((*path, name), f"is unknown; allowed are {allowed}{instead(name, SMS_PARAMETERS)}")
        else:
            yield from _text(text, (*path, name))


def _event_type(name: str, path: Path) -> Iterator[Misfit]:
    if not is_event_type(name, "care"):
        yield Misfit(path, "must be the name of a care event: words of letters, digits, - and _, joined by dots")


def _text(source: str, path: Path) -> Iterator[Misfit]:
    try:
        compile_template(source)
    except TemplateSyntaxError as error:
        yield Misfit(path, str(error))


def _query(query: Mapping[str, object], path: Path) -> Iterator[Misfit]:
    try:
        compile_filter(query)
    except FilterError as error:
        yield Misfit((*path, error.path) if error.path else path, error.message)


def _duration(text: str | None, path: Path, *, zero: bool = False) -> Iterator[Misfit]:
    if text is None:
        return
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        yield Misfit(path, str(error))
        return
    if seconds == 0 and not zero:
        yield Misfit(path, "must be above 0")


def instead(name: str, known: Iterable[str]) -> str:
    """The end of a message: the known name that was probably meant."""
    close = nearest(name, known)
    return f"; did you mean {close}?" if close else ""
