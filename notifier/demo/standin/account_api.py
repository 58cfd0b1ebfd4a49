"""What the stand-in tells of an account: its status and type, its numbers, its messaging services and their senders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from aiohttp import web

from notifier.demo.standin.accounts import Account
from notifier.demo.standin.messages import API_VERSION, Page, paging, twilio_date
from notifier.demo.standin.reception import Action, Reception, answer, refuse
from notifier.demo.standin.refusals import Refusal
from notifier.demo.standin.validation import E164

MESSAGING = "https://messaging.twilio.com"

SenderKind = Literal["phone_numbers", "short_codes", "alpha_senders"]
_SEGMENTS: Mapping[str, SenderKind] = {
    "PhoneNumbers": "phone_numbers", "ShortCodes": "short_codes", "AlphaSenders": "alpha_senders",
}  # fmt: skip
_SID_PREFIXES: Mapping[SenderKind, str] = {"phone_numbers": "PN", "short_codes": "SC", "alpha_senders": "AI"}
_SHORT_CODE = re.compile(r"\d{4,8}")


class AccountApi:
    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def add_routes(self, router: web.UrlDispatcher) -> None:
        base = f"/{API_VERSION}/Accounts/{{account}}"
        services = "/v1/Services/{service}"
        read: Action = "services/read"
        handling = self._reception.handling
        router.add_get(base + ".json", handling("account", "account/read", _fetch_account))
        router.add_get(base + "/IncomingPhoneNumbers.json", handling("numbers", "numbers/read", _list_numbers))
        router.add_get(services, handling("service", read, _fetch_service))
        router.add_get(services + "/{kind:PhoneNumbers|ShortCodes|AlphaSenders}", handling("senders", read, _list_pool))


async def _fetch_account(_request: web.Request, account: Account) -> web.Response:
    return answer(
        {
            "sid": account.sid,
            "friendly_name": account.friendly_name,
            "status": account.status,
            "type": account.type,
            "owner_account_sid": account.sid,
            "date_created": twilio_date(0.0),
            "date_updated": twilio_date(0.0),
            "uri": f"/{API_VERSION}/Accounts/{account.sid}.json",
        }
    )


async def _list_numbers(request: web.Request, account: Account) -> web.Response:
    """The filter accepts parts of a number and `*` for a digit, as Twilio's does."""
    asked = paging(request.query, ("PhoneNumber",))
    if asked is None:
        return refuse(Refusal(20001))
    size, number = asked
    part = re.compile(re.escape(request.query.get("PhoneNumber", "")).replace(r"\*", r"\d"))
    found = [owned for owned in (*account.numbers, *account.voice_only) if part.search(owned)]
    shown: list[dict[str, object]] = [
        {
            "sid": _sid("PN", owned),
            "account_sid": account.sid,
            "phone_number": owned,
            "friendly_name": owned,
            "capabilities": {"sms": owned in account.numbers, "mms": False, "voice": True, "fax": False},
        }
        for owned in found[number * size : (number + 1) * size]
    ]
    has_more = len(found) > (number + 1) * size
    page = Page(shown, number, size, number * size, has_more, f"PA{shown[-1]['sid']}" if shown else "")
    filters = [("PhoneNumber", request.query["PhoneNumber"])] if "PhoneNumber" in request.query else []
    return answer(page.as_json("incoming_phone_numbers", request.path, filters))


async def _fetch_service(request: web.Request, account: Account) -> web.Response:
    sid = request.match_info["service"]
    if request.query or sid not in account.services:
        return refuse(Refusal(20001 if request.query else 20404))
    return answer(
        {
            "sid": sid,
            "account_sid": account.sid,
            "friendly_name": account.friendly_name,
            "date_created": "1970-01-01T00:00:00Z",
            "date_updated": "1970-01-01T00:00:00Z",
            "validity_period": 36_000,
            "smart_encoding": False,
            "use_inbound_webhook_on_number": False,
            "links": {kind: f"{MESSAGING}/v1/Services/{sid}/{segment}" for segment, kind in _SEGMENTS.items()},
            "url": f"{MESSAGING}/v1/Services/{sid}",
        }
    )


async def _list_pool(request: web.Request, account: Account) -> web.Response:
    """One kind of senders of a service; capabilities are a list here."""
    sid, kind = request.match_info["service"], _SEGMENTS[request.match_info["kind"]]
    asked = paging(request.query)
    if asked is None or sid not in account.services:
        return refuse(Refusal(20001 if asked is None else 20404))
    size, number = asked
    found = [sender for sender in account.services[sid] if _kind(sender) == kind]
    shown = [
        {
            "sid": _sid(_SID_PREFIXES[kind], sender),
            "account_sid": account.sid,
            "service_sid": sid,
            kind.removesuffix("s"): sender,
            "capabilities": ["Voice"] if sender in account.voice_only else ["SMS"],
        }
        for sender in found[number * size : (number + 1) * size]
    ]
    address = f"{MESSAGING}{request.path}?PageSize={size}&Page="
    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": f"{address}0",
        "previous_page_url": f"{address}{number - 1}" if number else None,
        "next_page_url": f"{address}{number + 1}" if len(found) > (number + 1) * size else None,
        "key": kind,
        "url": f"{address}{number}",
    }
    return answer({kind: shown, "meta": meta})


def _kind(sender: str) -> SenderKind:
    if E164.fullmatch(sender) is not None:
        return "phone_numbers"
    return "short_codes" if _SHORT_CODE.fullmatch(sender) is not None else "alpha_senders"


def _sid(prefix: str, name: str) -> str:
    return prefix + name.encode().hex()[-32:].rjust(32, "0")
