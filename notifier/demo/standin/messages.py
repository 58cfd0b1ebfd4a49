"""The messages that were created: Twilio's view of them, and the stand-in's own record, which only ever grows.

The record is what a judge reads: it says who was sent what, whatever the daemon believes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import IO
from urllib.parse import urlencode

import msgspec

from notifier.demo.standin.numbers import ORDINARY, Fate
from notifier.domain.segments import measure

API_VERSION = "2010-04-01"
DEFAULT_VALIDITY_SECONDS = 36_000
LARGEST_PAGE, DEFAULT_PAGE = 1_000, 50


class CreatedMessage(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the record: what was asked for and when. `time` is seconds since 1970."""

    sid: str
    account_sid: str
    to: str
    from_: str | None = msgspec.field(name="from")
    messaging_service_sid: str | None
    body: str
    status_callback: str | None
    validity_period: int
    time: float


@dataclass(slots=True)
class Message:
    """A created message as it stands now."""

    created: CreatedMessage
    sender: str | None  # None until a messaging service chose one
    status: str
    updated: float
    sent: float | None = None
    error_code: int | None = None
    fate: Fate = ORDINARY

    def as_json(self) -> dict[str, object]:
        created = self.created
        uri = f"/{API_VERSION}/Accounts/{created.account_sid}/Messages/{created.sid}"
        return {
            "account_sid": created.account_sid,
            "api_version": API_VERSION,
            "body": created.body,
            "date_created": twilio_date(created.time),
            "date_sent": None if self.sent is None else twilio_date(self.sent),
            "date_updated": twilio_date(self.updated),
            "direction": "outbound-api",
            "error_code": self.error_code,
            "error_message": None,
            "from": self.sender,
            "messaging_service_sid": created.messaging_service_sid,
            "num_media": "0",
            "num_segments": "0" if self.sender is None else str(measure(created.body).count),
            "price": None,
            "price_unit": "USD",
            "sid": created.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": created.to,
            "uri": f"{uri}.json",
        }


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The filters of Twilio's list. The dates, UTC days as `YYYY-MM-DD…`, see only what has been sent."""

    to: str | None = None
    sender: str | None = None
    sent_on: str | None = None
    sent_from: str | None = None
    sent_until: str | None = None

    def admits(self, message: Message) -> bool:
        if self.to is not None and message.created.to != self.to:
            return False
        if self.sender is not None and message.sender != self.sender:
            return False
        if (self.sent_on, self.sent_from, self.sent_until) == (None, None, None):
            return True
        if message.sent is None:
            return False
        day = _day(message.sent)
        return (
            (self.sent_on is None or day == self.sent_on[:10])
            and (self.sent_from is None or day >= self.sent_from[:10])
            and (self.sent_until is None or day <= self.sent_until[:10])
        )


class MessageStore:
    """`record`, when given, takes every created message as a line of JSON, flushed before the create is answered."""

    def __init__(self, record: IO[bytes] | None = None) -> None:
        self._record_file = record
        self.record: list[CreatedMessage] = []
        self._by_sid: dict[str, Message] = {}
        self._by_account: dict[str, list[Message]] = {}
        self._by_recipient: dict[tuple[str, str], list[Message]] = {}

    def add(self, message: Message) -> None:
        created = message.created
        self.record.append(created)
        self._by_sid[created.sid] = message
        self._by_account.setdefault(created.account_sid, []).append(message)
        self._by_recipient.setdefault((created.account_sid, created.to), []).append(message)
        if self._record_file is not None:
            self._record_file.write(msgspec.json.encode(created) + b"\n")
            self._record_file.flush()

    def find(self, account_sid: str, sid: str) -> Message | None:
        message = self._by_sid.get(sid)
        return message if message is not None and message.created.account_sid == account_sid else None

    def newest_first(self, account_sid: str, query: ListQuery, before: float) -> Iterator[Message]:
        """The messages of an account that the query admits and that were created no later than `before`."""
        if query.to is not None:
            messages = self._by_recipient.get((account_sid, query.to), [])
        else:
            messages = self._by_account.get(account_sid, [])
        end = bisect_right(messages, before, key=lambda message: message.created.time)
        return (messages[index] for index in range(end - 1, -1, -1) if query.admits(messages[index]))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, with what leads to the next one."""

    items: Sequence[dict[str, object]]
    number: int
    size: int
    start: int
    has_more: bool
    next_token: str

    def as_json(self, name: str, path: str, query: Sequence[tuple[str, str]]) -> dict[str, object]:
        """`query` are the filters, which every address of another page repeats."""

        def uri(page: int, token: str | None = None) -> str:
            parts = [*query, ("PageSize", str(self.size)), ("Page", str(page))]
            return f"{path}?{urlencode([*parts, ('PageToken', token)] if token else parts)}"

        return {
            "end": self.start + max(len(self.items) - 1, 0),
            "first_page_uri": uri(0),
            name: self.items,
            "next_page_uri": uri(self.number + 1, self.next_token) if self.has_more else None,
            "page": self.number,
            "page_size": self.size,
            "previous_page_uri": uri(self.number - 1) if self.number else None,
            "start": self.start,
            "uri": uri(self.number),
        }


def paging(query: Mapping[str, str], filters: Sequence[str] = ()) -> tuple[int, int] | None:
    """Page size and page number; None: an unknown parameter, or a size that Twilio does not allow."""
    size, number = _number(query, "PageSize", DEFAULT_PAGE), _number(query, "Page", 0)
    known = {*filters, "PageSize", "Page", "PageToken"}
    if not query.keys() <= known or size is None or number is None or not 1 <= size <= LARGEST_PAGE:
        return None
    return size, number


def twilio_date(time: float) -> str:
    """RFC 2822 in GMT, as Twilio writes it."""
    return formatdate(int(time))[:-5] + "+0000"


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).date().isoformat()


def _number(query: Mapping[str, str], name: str, default: int) -> int | None:
    text = query.get(name, str(default))
    return int(text) if text.isascii() and text.isdigit() else None
