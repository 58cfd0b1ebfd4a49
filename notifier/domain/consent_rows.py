"""Rows of a consent import: what is allowed in each column, and the event that a row becomes (contract section 5).

Rules: the later `at` wins, so a time in the future is refused, since it would beat every word that a person says until
then; two rows that say the opposite for the same number and time are refused, since the order of a file decides
nothing; a row twice is one event. A fault names the column and what is allowed, never a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from notifier.domain.events import AwareTime
from notifier.domain.identifiers import consent_import_id
from notifier.domain.phone_numbers import normalise
from notifier.domain.shapes import nearest

COLUMNS = ("phone", "state", "source", "at")
EVENT_SOURCE = "/notifier/consent-import"
LONGEST_SOURCE = 200
_TYPES: Mapping[str, str] = {"given": "consent.given", "withdrawn": "consent.withdrawn"}


@dataclass(frozen=True, slots=True)
class RowFault:
    """`line` of the file; `column` empty for what is wrong with the row as a whole."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRow:
    """`number` in E.164, `at` in UTC."""

    line: int
    number: str
    state: str
    source: str
    at: datetime

    def event(self, tenant: str, key: bytes) -> dict[str, object]:
        """The CloudEvent that says it; the same row gives the same event. `key`: see `consent_import_id`."""
        at = self.at.isoformat().replace("+00:00", "Z")
        return {
            "specversion": "1.0", "id": consent_import_id(key, tenant, self.number, self.state, self.source, at),
            "source": EVENT_SOURCE, "type": _TYPES[self.state], "time": at, "tenant": tenant,
            "datacontenttype": "application/json",
            "data": {"phone": self.number, "source": self.source, "at": at},
        }  # fmt: skip


class Import:
    """What was read so far: `rows`, `faults`, and how many rows `repeated` another one."""

    def __init__(self, region: str | None, now: datetime) -> None:
        """`region`: ISO country that a national number is read in; `now`: no row may be later."""
        self._region, self._now = region, now
        self._said: dict[tuple[str, datetime], ConsentRow] = {}
        self._rows: dict[tuple[str, datetime, str], ConsentRow] = {}
        self.repeated = 0
        self.faults: list[RowFault] = []

    @property
    def rows(self) -> list[ConsentRow]:
        """Each that is without fault once, in the order of the file."""
        return list(self._rows.values())

    def read(self, line: int, fields: Mapping[str, object]) -> None:
        """Take in one row."""
        row = self._row(line, fields)
        if row is None:
            return
        earlier = self._said.setdefault((row.number, row.at), row)
        if earlier.state != row.state:
            self._fault(line, "state", f"says the opposite of line {earlier.line} for the same number and time")
        elif (row.number, row.at, row.source) in self._rows:
            self.repeated += 1
        else:
            self._rows[row.number, row.at, row.source] = row

    def _row(self, line: int, fields: Mapping[str, object]) -> ConsentRow | None:
        before = len(self.faults)
        self.faults.extend(_unknown(line, fields))
        texts = {column: self._text(line, fields, column) for column in COLUMNS}
        number = normalise(texts["phone"], self._region) if texts["phone"] else None
        if texts["phone"] and number is None:
            national = f", or one of {self._region} without it" if self._region else ""
            self._fault(line, "phone", f"must be a phone number with country code such as +12025550143{national}")
        if texts["state"] and texts["state"] not in _TYPES:
            self._fault(line, "state", "must be given or withdrawn")
        if len(texts["source"]) > LONGEST_SOURCE:
            self._fault(line, "source", f"at most {LONGEST_SOURCE} characters are allowed")
        at = self._at(line, texts["at"]) if texts["at"] else None
        if len(self.faults) > before or number is None or at is None:
            return None
        return ConsentRow(line=line, number=number, state=texts["state"], source=texts["source"], at=at)

    def _text(self, line: int, fields: Mapping[str, object], column: str) -> str:
        value = fields.get(column)
        if isinstance(value, str) and value.strip():
            return value.strip()
        self._fault(line, column, "must be a text that is not empty" if column in fields else "is missing")
        return ""

    def _at(self, line: int, text: str) -> datetime | None:
        try:
            at = msgspec.convert(text, AwareTime)
        except msgspec.ValidationError:
            at = None
        if at is None or at.year < 1970:
            self._fault(line, "at", "must be a time with offset such as 2026-12-01T09:13:02Z, from 1970 on")
            return None
        if at > self._now:
            self._fault(line, "at", "must not lie in the future: it would beat every word said until then")
            return None
        return at.astimezone(UTC)

    def _fault(self, line: int, column: str, message: str) -> None:
        self.faults.append(RowFault(line, column, message))


def _unknown(line: int, fields: Mapping[str, object]) -> Iterator[RowFault]:
    for name in fields:
        if name not in COLUMNS:
            near = nearest(name, COLUMNS)
            meant = f"; {near} may be meant" if near is not None else ""
            yield RowFault(line, name, f"there is no such column{meant}; allowed are {', '.join(COLUMNS)}")
