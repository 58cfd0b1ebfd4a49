"""What a daemon answers on its internal port."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import NamedTuple


class Answer(NamedTuple):
    """`status` 0: nobody listens."""

    status: int
    content_type: str
    body: str


def ask(address: str, accept: str = "*/*") -> Answer:
    request = urllib.request.Request(address, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request) as answer:
            return Answer(answer.status, answer.headers["Content-Type"], answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers["Content-Type"], error.read().decode())
    except OSError:
        return Answer(0, "", "")
