"""How many segments a text takes, and in which encoding (3GPP TS 23.038, GSM 03.38).

Rules: one character outside the GSM alphabet turns the whole text into UCS-2. A text of several segments loses room to
the concatenation header, and neither an escape pair (`€`) nor a surrogate pair (an emoji) is cut in two, so that a
segment may stay one unit short.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Encoding = Literal["GSM-7", "UCS-2"]

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")  # each is an escape and a character: two septets
_GSM_ALL = GSM_BASIC | GSM_EXTENSION

_SINGLE = {"GSM-7": 160, "UCS-2": 70}
_CONCATENATED = {"GSM-7": 153, "UCS-2": 67}


class Segments(msgspec.Struct, frozen=True):
    """`units`: septets for GSM-7, UTF-16 code units for UCS-2. `forcing`: what keeps the text out of GSM-7."""

    count: int
    encoding: Encoding
    units: int
    forcing: tuple[str, ...] = ()


def measure(text: str) -> Segments:
    """The segments that `text` is billed as; an empty text has none."""
    if _GSM_ALL.issuperset(text):
        if GSM_EXTENSION.isdisjoint(text):
            return _count("GSM-7", len(text), None, ())
        sizes = [2 if character in GSM_EXTENSION else 1 for character in text]
        return _count("GSM-7", sum(sizes), sizes, ())
    forcing = tuple(dict.fromkeys(character for character in text if character not in _GSM_ALL))
    sizes = [2 if ord(character) > 0xFFFF else 1 for character in text]
    return _count("UCS-2", sum(sizes), sizes, forcing)


def _count(encoding: Encoding, units: int, sizes: list[int] | None, forcing: tuple[str, ...]) -> Segments:
    """`sizes` None: nearly every text, in which nothing can be cut in two."""
    room = _CONCATENATED[encoding]
    if units <= _SINGLE[encoding]:
        count = 1 if units else 0
    else:
        count = -(-units // room) if sizes is None else _filled(sizes, room)
    return Segments(count, encoding, units, forcing)


def _filled(sizes: Iterable[int], room: int) -> int:
    count, used = 1, 0
    for size in sizes:
        if used + size > room:
            count, used = count + 1, 0
        used += size
    return count
