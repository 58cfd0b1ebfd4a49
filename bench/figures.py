"""What was measured, what it is held against, and the table of both. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Bar:
    """`figure` is to be at least, or at most, `value`; `aim` is what would be good; `peers`: what others reach."""

    figure: str
    meaning: str
    unit: str
    kind: Literal["at least", "at most"] | None
    value: float | None = None
    aim: float | None = None
    peers: tuple[str, ...] = ()

    def mark(self, measured: float) -> str:
        """`aim`, `pass` or `below`; nothing where there is no bar."""
        if self.kind is None or self.value is None:
            return ""
        sign = 1 if self.kind == "at least" else -1
        if sign * measured < sign * self.value:
            return "below"
        if self.aim is None or sign * measured < sign * self.aim:
            return "pass"
        return "aim"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all are not above (nearest rank). Raises `ValueError` for none."""
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def table(measured: Mapping[str, float], bars: Sequence[Bar]) -> str:
    """A row for every figure that was measured, in the order of the bars; figures without a bar stand in the JSON."""
    rows: list[tuple[str, ...]] = [("measured", "figure", "bar", "aim", "", "peers, on the same work")]
    for bar in bars:
        if bar.figure in measured:
            value = measured[bar.figure]
            limits = (_limit(bar, bar.value), _limit(bar, bar.aim))
            rows.append((_text(value, bar.unit), bar.meaning, *limits, bar.mark(value), *(bar.peers[:1] or ("",))))
            rows.extend(("", "", "", "", "", peer) for peer in bar.peers[1:])
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = []
    for row in rows:
        first = row[0].rjust(widths[0])
        rest = [cell.ljust(width) for cell, width in zip(row[1:5], widths[1:], strict=True)]
        lines.append("  ".join([first, *rest, row[5]]).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines[:1]))
    return "\n".join(lines)


def _limit(bar: Bar, value: float | None) -> str:
    if value is None or bar.kind is None:
        return ""
    return f"{'>=' if bar.kind == 'at least' else '<='} {_text(value, bar.unit)}"


def _text(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit}".strip()
