"""What Twilio's error codes mean: the vocabulary as data, and the two questions asked of it.

Sources: contract.md section 6 (it wins), then twilio.md 3.1 (transport and HTTP status), 3.2 (codes of a create) and
3.3 (codes of a callback or of a fetched message). The code set is open: new ones appear, so the HTTP status decides
first, the code second, and what is in no table falls to a safe default.

A create that is in doubt is never repeated blindly: whatever does not prove that nothing was created is `InDoubt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from notifier.domain.answers import ErrorClass, InDoubt, NotSent, Rejected, SendResult

SMALLEST_TWILIO_CODE = 1_000  # the library reports the HTTP status as the code of an answer that is not Twilio's


@dataclass(frozen=True, slots=True)
class CreateRule:
    """What one code in the answer to a create means. `retry_after` in seconds, for class `retry` only."""

    error_class: ErrorClass
    meaning: str  # for people: becomes the outcome's `detail`; never carries a value of the message
    retry_after: float | None = None
    congested: bool = False  # too many requests in flight, so that the limit has to come down


CREATE_RULES: Mapping[int, CreateRule] = {
    # Certainly not created, and worth trying again.
    20429: CreateRule("retry", "too many concurrent requests", congested=True),
    63017: CreateRule("retry", "over the account's messages a second", congested=True),
    21611: CreateRule("retry", "the sender's queue at Twilio is full", retry_after=120.0),
    14107: CreateRule("retry", "loop guard: too many replies between two numbers", retry_after=30.0),
    # This number will not work.
    21211: CreateRule("bad_recipient", "the recipient's number is not valid"),
    21217: CreateRule("bad_recipient", "the recipient's number is not valid"),
    21214: CreateRule("bad_recipient", "the recipient cannot be reached"),
    21614: CreateRule("bad_recipient", "the recipient's number is not a mobile number"),
    21610: CreateRule("suppressed", "the recipient opted out of this sender"),
    # This content or these parameters will not work.
    21618: CreateRule("filtered", "the content is filtered by all carriers"),
    20001: CreateRule("bad_request", "unknown parameter"),
    20422: CreateRule("bad_request", "invalid parameter"),
    21201: CreateRule("bad_request", "the recipient is missing"),
    21604: CreateRule("bad_request", "the recipient is missing or is the sender itself"),
    21603: CreateRule("bad_request", "neither a sender nor a messaging service"),
    21602: CreateRule("bad_request", "the body is missing"),
    21619: CreateRule("bad_request", "body or media are missing"),
    21617: CreateRule("bad_request", "the body is longer than 1,600 characters"),
    21658: CreateRule("bad_request", "a parameter is too long"),
    21609: CreateRule("bad_request", "the status callback's address is not valid"),
    21620: CreateRule("bad_request", "the media address is not valid"),
    21623: CreateRule("bad_request", "the media cannot be sent"),
    21654: CreateRule("bad_request", "the content template is not valid"),
    21656: CreateRule("bad_request", "the content variables are not valid"),
    21624: CreateRule("bad_request", "the validity period is out of range"),
    90007: CreateRule("bad_request", "the validity period is out of range"),
    30012: CreateRule("bad_request", "the validity period is too small"),
    30013: CreateRule("bad_request", "the validity period is too large"),
    30045: CreateRule("bad_request", "the validity period is out of range"),
    21669: CreateRule("bad_request", "media are not supported in this region"),
    21670: CreateRule("bad_request", "content templates are not supported in this region"),
    21671: CreateRule("bad_request", "the parameter is not supported in this region"),
    # The country or the route is not open: the next recipient of the same sender may well be reached.
    21408: CreateRule("destination", "sending to the recipient's country is not enabled"),
    21612: CreateRule("destination", "no route from this sender to the recipient"),
    21657: CreateRule("destination", "the sender is not allowed at the destination"),
    21668: CreateRule("destination", "numbers in +1 are not supported in this region"),
    21703: CreateRule("destination", "no sender of the messaging service reaches the recipient"),
    21708: CreateRule("destination", "the sender is not allowed at the destination"),
    21709: CreateRule("destination", "the sender is not allowed for the messaging service"),
    # This sender is not usable.
    20404: CreateRule("hold_sender", "Twilio does not know the messaging service"),
    21212: CreateRule("hold_sender", "the sender is malformed or may not originate messages"),
    21601: CreateRule("hold_sender", "the sender cannot send SMS"),
    21606: CreateRule("hold_sender", "the sender does not belong to the account or cannot send SMS"),
    21616: CreateRule("hold_sender", "the sender is ambiguous"),
    21659: CreateRule("hold_sender", "the sender is not a number of the account"),
    21660: CreateRule("hold_sender", "the sender belongs to another account"),
    21701: CreateRule("hold_sender", "the messaging service does not exist"),
    21702: CreateRule("hold_sender", "the messaging service is not available"),
    21704: CreateRule("hold_sender", "the messaging service has no senders"),
    21705: CreateRule("hold_sender", "the messaging service's SID is malformed"),
    # The credentials or the account are not usable.
    20003: CreateRule("hold_account", "Twilio refused the credentials"),
    20005: CreateRule("hold_account", "the account is not active"),
    20006: CreateRule("hold_account", "access denied"),
    20008: CreateRule("hold_account", "test credentials cannot do this"),
    20010: CreateRule("hold_account", "the action is disabled for the account"),
    20011: CreateRule("hold_account", "Twilio refused the TLS version"),
    20012: CreateRule("hold_account", "Twilio refused the TLS cipher"),
    20403: CreateRule("hold_account", "the account is suspended or closed"),
    21608: CreateRule("hold_account", "a trial account cannot send to an unverified recipient"),
    572002: CreateRule("hold_account", "a trial account cannot send to an unverified recipient"),
    572005: CreateRule("hold_account", "a trial account cannot use this sender"),
    63038: CreateRule("hold_account", "the account's daily message limit is reached"),
    70005: CreateRule("hold_account", "too many failing requests from the account"),
    70051: CreateRule("hold_account", "Twilio refused the credentials or this use of the API key"),
    # Twilio's own trouble: 20500 names the risk of a duplicate, for 20503 nothing promises that none was created.
    20500: CreateRule("unknown", "internal error at Twilio"),
    20503: CreateRule("unknown", "Twilio is not available"),
}

DELIVERY_RULES: Mapping[int, ErrorClass] = {
    # Twilio kept it too long; the sender is slower than what is asked of it.
    30001: "expired_in_queue",
    30036: "expired_in_queue",
    # The number.
    30003: "bad_recipient",  # off, unreachable, a landline or blocked: hours later it may work, but not for long
    30004: "bad_recipient",
    30005: "bad_recipient",
    30006: "bad_recipient",
    30640: "bad_recipient",
    # The content.
    30007: "filtered",
    30019: "bad_request",
    63016: "bad_request",
    # The country or the route.
    30018: "destination",
    30024: "destination",
    30042: "destination",
    30450: "destination",
    30610: "destination",
    # Carriers and Twilio on the way.
    30008: "carrier",
    30017: "carrier",
    30020: "carrier",
    30021: "carrier",
    30022: "carrier",
    30023: "carrier",
    30410: "carrier",
    30500: "carrier",
    63010: "carrier",
    63012: "carrier",
    63018: "carrier",
    # What sends (sender not registered, account suspended): it left nobody's hands, and Twilio took it all the same.
    30032: "carrier",
    30033: "carrier",
    30034: "carrier",
    30035: "carrier",
    30002: "carrier",
    30037: "carrier",
    30044: "carrier",
}

_HOLDS = frozenset[ErrorClass]({"hold_sender", "hold_account"})
_FINAL = frozenset[ErrorClass]({"bad_recipient", "suppressed", "bad_request", "filtered", "destination"})


def classify_create(status: int, code: int | None, has_twilio_body: bool, retry_after: float | None) -> SendResult:
    """Say what an HTTP answer to a create means; never `Accepted`, which takes a 201 with a SID.

    `status` is the HTTP status, `code` the body's error code, `has_twilio_body` whether the body was Twilio's JSON
    (only then the code counts), `retry_after` the seconds of the `Retry-After` header.
    """
    known = code if has_twilio_body and code is not None and code >= SMALLEST_TWILIO_CODE else None
    rule = CREATE_RULES.get(known) if known is not None else None
    if status < 300 or status >= 500 or (rule is not None and rule.error_class == "unknown"):
        return InDoubt(cause="server_error")
    if status == 429 and (rule is None or rule.error_class not in _HOLDS):
        return _not_sent(rule, known, retry_after, congested=rule is None)
    if status == 408 and not has_twilio_body:
        return InDoubt(cause="time_out")  # a gateway gave up waiting; Twilio may have gone on
    if status == 401:
        return Rejected(error_class="hold_account", error_code=known, detail=_detail(status, rule))
    if rule is None:
        return Rejected(error_class=_default_class(status), error_code=known, detail=_detail(status, rule))
    if rule.error_class == "retry":
        return _not_sent(rule, known, retry_after, congested=False)
    return Rejected(error_class=rule.error_class, error_code=known, detail=_detail(status, rule))


def classify_delivery(status: str, code: int | None) -> ErrorClass:
    """Say why a message that Twilio had accepted ended as `status` (`undelivered`, `failed`, `canceled`) with `code`.

    Only reasons that an outcome `undelivered` or `failed` may give (contract section 6). A code of the create table may
    come later, too (21610 with a messaging service). What nobody knows is the carrier's, whatever the status.
    """
    if code is None:
        return "carrier"
    if code in DELIVERY_RULES:
        return DELIVERY_RULES[code]
    rule = CREATE_RULES.get(code)
    return rule.error_class if rule is not None and rule.error_class in _FINAL else "carrier"


def _not_sent(rule: CreateRule | None, code: int | None, retry_after: float | None, *, congested: bool) -> NotSent:
    if rule is None:
        return NotSent(error_code=code, retry_after=retry_after, congested=congested)
    wait = rule.retry_after if retry_after is None else retry_after
    return NotSent(error_code=code, retry_after=wait, congested=rule.congested)


def _default_class(status: int) -> ErrorClass:
    """The class of a refusal whose code nobody knows: 3xx is the wrong host, 403 and 404 the wrong account."""
    return "hold_account" if status < 400 or status in (403, 404) else "bad_request"


def _detail(status: int, rule: CreateRule | None) -> str:
    return rule.meaning if rule is not None else f"Twilio answered HTTP {status}"
