"""Reads `docs/reference/errors.md`: the rows of its tables, and whether they are of ours or of a library."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.unit.errors_page.finding import ROOT

PAGE = ROOT / "docs" / "reference" / "errors.md"
OF_A_LIBRARY = "message of a library"  # in the head of a table: those words stand in no source file of ours

_CELL = re.compile(r"(?<!\\)\|")
_PLACEHOLDER = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row; `line` of the page."""

    message: str
    meaning: str
    advice: str
    of_a_library: bool
    line: int

    @property
    def pattern(self) -> re.Pattern[str]:
        """What people see: something in the place of each placeholder, and perhaps the name that was meant behind."""
        words = map(re.escape, _PLACEHOLDER.split(self.message))
        return re.compile(".*?".join(words) + r"(?:; did you mean .*\?)?", re.DOTALL)


def entries() -> list[Entry]:
    """All rows, in the order of the page."""
    found: list[Entry] = []
    of_a_library = False
    for number, line in enumerate(PAGE.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.startswith("|") or line.startswith("| --- "):
            continue
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL.split(line)[1:-1]]
        if cells[0].startswith("message"):
            of_a_library = cells[0] == OF_A_LIBRARY
            continue
        message, meaning, advice = cells
        found.append(Entry(message.strip("`").strip(), meaning, advice, of_a_library, number))
    return found
