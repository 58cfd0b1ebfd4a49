"""Rotation: what is sealed is sealed anew with the first key, and what no key opens is named."""

from __future__ import annotations

from msgspec.structs import replace

from notifier.domain.documents import ApiKey, Connection, Secret, SecretRef
from notifier.twilio.resealing import Resealing
from notifier.twilio.sealing import key_id, seal, unseal

NEW, OLD, LOST = b"n" * 32, b"o" * 32, b"l" * 32
NONCES = [bytes([number]) * 12 for number in range(9)]


def connection(token: Secret, api_secret: Secret | None = None, tenant: str = "a") -> Connection:
    key = None if api_secret is None else ApiKey(sid="SK" + "1" * 32, secret=api_secret)
    return Connection(tenant=tenant, provider="twilio", account_sid="AC" + "1" * 32, auth_token=token, api_key=key)


def sealed(plain: str, key: bytes, tenant: str = "a") -> SecretRef:
    return SecretRef(sealed=seal(plain, key, f"Connection/{tenant}", b"x" * 12))


def resealing() -> Resealing:
    return Resealing([NEW, OLD], iter(NONCES).__next__)


def test_both_secrets_are_sealed_with_the_first_key_each_with_a_nonce_of_its_own() -> None:
    before = connection(sealed("token", OLD), sealed("secret", OLD))
    after = resealing().reseal(before)
    assert (after.changed, after.unchanged, after.faults) == (2, 0, ())
    token, key = after.connection.auth_token, after.connection.api_key
    assert isinstance(token, SecretRef)
    assert key is not None
    assert isinstance(key.secret, SecretRef)
    values = [token.sealed or "", key.secret.sealed or ""]
    assert [unseal(value, [NEW], "Connection/a") for value in values] == ["token", "secret"]
    assert values == [
        seal(plain, NEW, "Connection/a", nonce) for plain, nonce in zip(["token", "secret"], NONCES, strict=False)
    ]
    restored = replace(after.connection, auth_token=before.auth_token, api_key=before.api_key)
    assert restored == before, "nothing else changed"


def test_what_the_first_key_sealed_and_what_is_not_sealed_stays() -> None:
    for secret in (sealed("token", NEW), SecretRef(env="TOKEN"), SecretRef(file="/token"), "plain"):
        before = connection(secret, SecretRef(env="KEY"))
        after = resealing().reseal(before)
        assert (after.connection, after.changed) == (before, 0)
        assert after.unchanged == (1 if secret == sealed("token", NEW) else 0)


def test_what_no_key_opens_is_named_by_document_and_field() -> None:
    """Also when the first key sealed it: for another tenant, or damaged since."""
    after = resealing().reseal(connection(sealed("token", LOST), sealed("secret", NEW, "b")))
    assert (after.changed, after.unchanged) == (0, 0)
    assert [fault.reason for fault in after.faults] == [
        f"Connection/a authToken: sealed with key {key_id(LOST)}, which NOTIFIER_SECRETS__KEYS does not hold",
        "Connection/a apiKey.secret: the sealed value is damaged, or was sealed for another document than Connection/a",
    ]
