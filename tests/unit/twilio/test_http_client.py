"""How requests are written."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.twilio.http_client import form_encoded

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = TEXT | st.integers() | st.booleans() | st.lists(TEXT)


@given(st.dictionaries(TEXT, VALUES))
def test_forms_are_those_of_the_standard_library(fields: dict[str, object]) -> None:
    assert form_encoded(fields) == urlencode(fields, doseq=True)


@given(TEXT)
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    assert parse_qsl(form_encoded({"Body": text}), keep_blank_values=True) == [("Body", text)]


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        form_encoded({"Body": "half a \ud83d"})
