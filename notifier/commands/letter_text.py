"""A dead letter for people and for programs."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from notifier.domain.explanations import DEAD_LETTERS
from notifier.kafka.dead_letters import DeadLetter

Row = dict[str, object]


def line(letter: DeadLetter, *, replayed: bool) -> str:
    """One for the list, in columns."""
    columns = (
        (str(letter.position), 8),
        (letter.time[:19] + "Z", 20),
        (letter.reason, 18),
        (_state(letter, replayed=replayed), 9),
        (str(letter.origin), 26),
        (_size(letter), 12),
    )
    return "  ".join([*(text.ljust(width) for text, width in columns), letter.detail])


def as_row(letter: DeadLetter, *, replayed: bool) -> Row:
    return {
        "position": str(letter.position), "reason": letter.reason, "detail": letter.detail, "time": letter.time,
        "topic": letter.origin.topic, "partition": letter.origin.partition, "offset": letter.origin.offset,
        "bytes": letter.size, "truncated": letter.truncated, "replayed": replayed,
    }  # fmt: skip


def contents(letter: DeadLetter, value: bytes | None) -> Row:
    """Key, headers and value; bytes that are no UTF-8 stand in base64 under another name."""
    headers = [{"name": name, **_bytes("value", content)} for name, content in letter.headers]
    return {**_bytes("key", letter.key), "headers": headers, **_bytes("value", value)}


def whole(letter: DeadLetter, value: bytes | None, *, replayed: bool) -> str:
    """All of it, the value last."""
    return "\n".join(_lines(letter, value, replayed=replayed))


def _lines(letter: DeadLetter, value: bytes | None, *, replayed: bool) -> Iterator[str]:
    meaning = DEAD_LETTERS.get(letter.reason)
    yield f"dead letter {letter.position}, {_state(letter, replayed=replayed)}"
    yield f"refused  {letter.time}"
    yield f"from     {letter.origin}"
    yield f"reason   {letter.reason}{': ' + meaning.what if meaning else ''}"
    yield f"detail   {letter.detail}"
    if meaning is not None:
        yield f"mended   {meaning.change}"
    yield f"key      {'null' if letter.key is None else printable(letter.key)}"
    for name, content in letter.headers:
        yield f"header   {printable(name.encode())}: {printable(content or b'')}"
    if letter.truncated is not None:
        yield f"cut      only a part was kept; the value had {letter.truncated} bytes"
    yield f"value    {_size(letter)}"
    if value:
        yield printable(value)


def printable(content: bytes) -> str:
    """As text; what a terminal could obey, or what is no UTF-8, is escaped."""
    text = content.decode("utf-8", "backslashreplace")
    return "".join(
        character if character in "\n\t" or character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _state(letter: DeadLetter, *, replayed: bool) -> str:
    if replayed:
        return "replayed"
    return "open" if letter.truncated is None else "cut"


def _size(letter: DeadLetter) -> str:
    return "null" if letter.size is None else f"{letter.size} bytes"


def _bytes(name: str, content: bytes | None) -> Row:
    if content is None:
        return {name: None}
    try:
        return {name: content.decode("utf-8")}
    except UnicodeDecodeError:
        return {f"{name}Base64": b64encode(content).decode()}
