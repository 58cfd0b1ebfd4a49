"""Sealed secrets: they open with the right key in the right document, and nowhere else."""

from __future__ import annotations

import pytest

from notifier.twilio.sealing import SealBroken, key_id, seal, unseal

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NONCE = b"n" * 12
DOCUMENT = "Connection/harbour-house"


def test_what_was_sealed_opens_with_any_of_the_keys_that_holds_it() -> None:
    sealed = seal("tökén", KEY, DOCUMENT, NONCE)
    assert sealed.startswith(f"v1:{key_id(KEY)}:")
    assert "tökén" not in sealed
    assert unseal(sealed, [OTHER_KEY, KEY], DOCUMENT) == "tökén"


def test_the_format_does_not_change() -> None:
    """Sealed values lie in people's repositories."""
    assert key_id(KEY) == "448aea7a"
    assert unseal("v1:448aea7a:bm5ubm5ubm5ubm5u7FSM1X/hPU65oIclmnYR0SyFBV6m", [KEY], DOCUMENT) == "token"


def test_it_cannot_be_moved_to_another_tenant() -> None:
    with pytest.raises(SealBroken, match="sealed for another document than Connection/other"):
        unseal(seal("token", KEY, DOCUMENT, NONCE), [KEY], "Connection/other")


def test_the_missing_key_is_named() -> None:
    with pytest.raises(SealBroken, match=f"sealed with key {key_id(KEY)}"):
        unseal(seal("token", KEY, DOCUMENT, NONCE), [OTHER_KEY], DOCUMENT)


@pytest.mark.parametrize(
    "damage", ["v2:{id}:{rest}", "{id}:{rest}", "v1:{id}", "", "v1:{id}:!", "v1:{id}:", "v1:{id}:AAAA{rest}"]
)
def test_a_damaged_value_is_refused_without_showing_it(damage: str) -> None:
    rest = seal("token", KEY, DOCUMENT, NONCE).split(":")[2]
    with pytest.raises(SealBroken, match="the sealed value is damaged") as caught:
        unseal(damage.format(id=key_id(KEY), rest=rest), [KEY], DOCUMENT)
    assert rest not in str(caught.value)


def test_what_is_no_key_id_is_not_repeated() -> None:
    """Somebody may have put a token where the key id stands."""
    with pytest.raises(SealBroken) as caught:
        unseal("v1:hunter22:AAAA", [KEY], DOCUMENT)
    assert "hunter" not in str(caught.value)


def test_what_was_cut_short_says_so() -> None:
    with pytest.raises(SealBroken, match="it is cut short"):
        unseal(f"v1:{key_id(KEY)}:AAAA", [KEY], DOCUMENT)
