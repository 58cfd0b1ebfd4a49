"""What is made of Twilio's description: the part that we use, with errors to order, without what contradicts itself.

Some of its examples break its own schemas, and Prism holds whatever it answers against them, too. So whoever judges our
requests answers with the examples as they are, and whoever judges answers has one word of the schemas changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from tests.prism.server import Description

ACCOUNT = "/2010-04-01/Accounts/{Sid}.json"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
SERVICE = "/v1/Services/{ServiceSid}"
USED = (
    ACCOUNT, MESSAGES, "/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json",
    "/2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json", "/v1/Services/{Sid}", f"{SERVICE}/PhoneNumbers",
    f"{SERVICE}/ShortCodes", f"{SERVICE}/AlphaSenders",
)  # fmt: skip
RETRY_AFTER = "7"

# Twilio describes no error at all. These are in the form and the words of its error dictionary.
ERRORS = {
    20003: (401, "Authenticate"),
    20005: (403, "Account is not active"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service unavailable"),
    21211: (400, "Invalid 'To' Phone Number"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    21606: (400, "The 'From' phone number provided is not a valid message-capable Twilio phone number"),
    21610: (400, "Attempt to send to unsubscribed recipient"),
}


def used(description: Description) -> Description:
    """Of the whole, which has some 300 paths and takes Prism long to read; what stands not here is 404."""
    return description | {"paths": {path: description["paths"][path] for path in USED}}


def with_errors(description: Description) -> Description:
    """Error answers that a request can order by `Prefer: code=400, example=e21610`."""
    changed = deepcopy(description)
    for operation in (changed["paths"][MESSAGES]["post"], changed["paths"][ACCOUNT]["get"]):
        for code, (status, message) in ERRORS.items():
            answer = operation["responses"].setdefault(str(status), _answer(status))
            content: dict[str, Any] = answer["content"]["application/json"]
            more = f"https://www.twilio.com/docs/errors/{code}"
            value = {"code": code, "message": message, "more_info": more, "status": status}
            content["examples"][f"e{code}"] = {"value": value}
    return changed


def _answer(status: int) -> dict[str, Any]:
    headers = {"Retry-After": {"schema": {"type": "string"}, "example": RETRY_AFTER}} if status == 429 else {}
    content = {"application/json": {"schema": {"type": "object"}, "examples": {}}}
    return {"description": "", "headers": headers, "content": content}


def judging_requests(description: Description) -> Description:
    """Answers need no form any more."""
    changed = deepcopy(description)
    for answer in _answers(changed):
        for content in answer.get("content", {}).values():
            content["schema"] = {}
    return changed


def judging_answers(description: Description) -> Description:
    """Addresses of pages may be paths: they are at Twilio and in every example, whatever the schema calls them."""
    changed = deepcopy(description)
    for answer in _answers(changed):
        for content in answer.get("content", {}).values():
            for name, one in content["schema"].get("properties", {}).items():
                if name.endswith("uri"):
                    one.pop("format", None)
    return changed


def _answers(description: Description) -> Iterator[dict[str, Any]]:
    for path in description["paths"].values():
        for method in ("get", "post", "delete"):
            yield from path.get(method, {}).get("responses", {}).values()


def create_parameters(description: Description) -> set[str]:
    """The parameters of a create that Twilio describes."""
    body = description["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    return set(body["schema"]["properties"])


def created_examples(description: Description) -> dict[str, dict[str, str]]:
    """Created messages as Twilio shows them, by the names of the examples."""
    answer = description["paths"][MESSAGES]["post"]["responses"]["201"]["content"]["application/json"]
    return {name: example["value"] for name, example in answer["examples"].items()}
