"""How Twilio refuses: HTTP status, code and words of every refusal that the stand-in gives."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_STATUS_AND_WORDS: Mapping[int, tuple[int, str]] = {
    20001: (400, "Unknown or repeated parameter"),
    20003: (401, "Authenticate"),
    20005: (403, "Account not active"),
    20404: (404, "The requested resource was not found"),
    20415: (415, "Unsupported media type"),
    20429: (429, "Too Many Requests"),
    20500: (500, "Internal Server Error"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21212: (400, "Invalid From Number"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' or 'MessagingServiceSid' parameter is required"),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number provided is not a message-capable Twilio phone number for this account",
    ),
    21609: (400, "The 'StatusCallback' URL is not a valid URL"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "Message cannot be sent with the current combination of 'To' and 'From' parameters"),
    21614: (400, "'To' number is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21618: (400, "The message content is filtered"),
    21624: (400, "The 'ValidityPeriod' is out of range"),
    21658: (400, "A parameter exceeds its maximum length"),
    21701: (404, "The Messaging Service does not exist"),
    21703: (400, "The Messaging Service has no phone number that reaches the 'To' number"),
    21704: (400, "The Messaging Service contains no phone numbers"),
    21705: (400, "The Messaging Service Sid is invalid"),
    63038: (429, "Account exceeded the daily messages limit"),
    70051: (403, "Authorization Failed"),
}


class Refusal(msgspec.Struct, frozen=True):
    """An error answer. `retry_after` in seconds, as a header."""

    code: int
    retry_after: float | None = None

    @property
    def status(self) -> int:
        return _STATUS_AND_WORDS[self.code][0]

    def body(self) -> bytes:
        status, words = _STATUS_AND_WORDS[self.code]
        more_info = f"https://www.twilio.com/docs/errors/{self.code}"
        return msgspec.json.encode({"code": self.code, "message": words, "more_info": more_info, "status": status})


REFUSABLE = frozenset(_STATUS_AND_WORDS)
