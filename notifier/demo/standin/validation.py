"""The strictness of the stand-in: what a create may ask for, checked in one order, with Twilio's codes.

It is stricter than Twilio in one thing: a parameter that the notifier has no reason to send is refused (20001), so that
a misspelt one is seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.messages import DEFAULT_VALIDITY_SECONDS
from notifier.demo.standin.numbers import ALWAYS_APPROVED, REFUSED_RECIPIENTS, REFUSED_SENDERS
from notifier.demo.standin.refusals import Refusal

KNOWN_PARAMETERS = frozenset({"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"})
LONGEST_BODY = 1_600
LONGEST_CALLBACK = 4_000
E164 = re.compile(r"\+[1-9]\d{6,14}")
SERVICE_SID = re.compile(r"MG[0-9a-f]{32}")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")  # no underscore, says Twilio


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create that passed every check. `from_` is None where a messaging service chooses."""

    to: str
    from_: str | None
    messaging_service_sid: str | None
    body: str
    status_callback: str | None
    validity_period: int


def check_create(parameters: Sequence[tuple[str, str]], account: Account) -> CreateRequest | Refusal:
    form = dict(parameters)
    if len(form) != len(parameters) or not form.keys() <= KNOWN_PARAMETERS:
        return Refusal(20001)
    refusal = (
        _check_recipient(form.get("To"))
        or _check_sender(form, account)
        or _check_body(form.get("Body"))
        or _check_callback(form.get("StatusCallback"))
        or _check_validity(form.get("ValidityPeriod"))
    )
    if refusal is not None:
        return refusal
    return CreateRequest(
        to=form["To"],
        from_=form.get("From"),
        messaging_service_sid=form.get("MessagingServiceSid"),
        body=form["Body"],
        status_callback=form.get("StatusCallback"),
        validity_period=int(form.get("ValidityPeriod", DEFAULT_VALIDITY_SECONDS)),
    )


def _check_recipient(to: str | None) -> Refusal | None:
    if not to:
        return Refusal(21604)
    if E164.fullmatch(to) is None:
        return Refusal(21211)
    return REFUSED_RECIPIENTS.get(to)


def _check_sender(form: Mapping[str, str], account: Account) -> Refusal | None:
    sender, service = form.get("From"), form.get("MessagingServiceSid")
    if not sender and not service:
        return Refusal(21603)
    if service and (refusal := _check_service(service, sender, account)) is not None:
        return refusal
    if not sender:
        return None
    if sender in REFUSED_SENDERS:
        return REFUSED_SENDERS[sender]
    if E164.fullmatch(sender) is None:
        return Refusal(21212)
    return None if sender == ALWAYS_APPROVED or sender in account.numbers or service else Refusal(21606)


def _check_service(service: str, sender: str | None, account: Account) -> Refusal | None:
    if SERVICE_SID.fullmatch(service) is None:
        return Refusal(21705)
    if service not in account.services:
        return Refusal(21701)
    pool = account.services[service]
    if not pool:
        return Refusal(21704)
    return Refusal(21606) if sender and sender not in pool else None


def _check_body(body: str | None) -> Refusal | None:
    if not body:
        return Refusal(21602)
    return Refusal(21617) if len(body) > LONGEST_BODY else None


def _check_callback(url: str | None) -> Refusal | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and HOST.fullmatch(parts.hostname or "") is not None
        valid = valid and (parts.port is None or parts.port > 0) and len(url) <= LONGEST_CALLBACK
    except ValueError:
        valid = False
    return None if valid else Refusal(21609)


def _check_validity(seconds: str | None) -> Refusal | None:
    if seconds is None:
        return None
    valid = seconds.isascii() and seconds.isdigit() and 1 <= int(seconds) <= DEFAULT_VALIDITY_SECONDS
    return None if valid else Refusal(21624)
