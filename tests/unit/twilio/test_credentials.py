"""Credentials: from every form of secret, for the right purpose; what cannot be opened says why and shows nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifier.domain.documents import ApiKey, Connection, Secret, SecretRef
from notifier.twilio.credentials import CredentialsUnavailable, Secrets
from notifier.twilio.sealing import seal

KEY = b"k" * 32
ACCOUNT = "AC" + "1" * 32


def connection(token: Secret, api_key: ApiKey | None = None) -> Connection:
    return Connection(tenant="a", provider="twilio", account_sid=ACCOUNT, auth_token=token, api_key=api_key)


def secrets(*, plain_text_allowed: bool = False) -> Secrets:
    return Secrets({"TOKEN": "from-env\n", "EMPTY": " "}, [KEY], plain_text_allowed=plain_text_allowed)


def test_each_form_of_secret_opens(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    sealed = seal("from-seal", KEY, "Connection/a", b"n" * 12)
    references: dict[str, Secret] = {
        "from-env": SecretRef(env="TOKEN"), "from-file": SecretRef(file=str(tmp_path / "token")),
        "from-seal": SecretRef(sealed=sealed), "plain": "plain",
    }  # fmt: skip
    for expected, reference in references.items():
        assert secrets(plain_text_allowed=True).auth_token(connection(reference)) == expected


def test_the_auth_token_signs_in_where_there_is_no_api_key() -> None:
    login = secrets().login(connection(SecretRef(env="TOKEN")))
    assert (login.account_sid, login.user, login.password) == (ACCOUNT, ACCOUNT, "from-env")


def test_an_api_key_signs_in_and_needs_no_auth_token() -> None:
    key = ApiKey(sid="SK1", secret=SecretRef(env="TOKEN"))
    login = secrets().login(connection(SecretRef(env="UNSET"), key))
    assert (login.account_sid, login.user, login.password) == (ACCOUNT, "SK1", "from-env")


def test_a_login_does_not_print_its_password() -> None:
    assert "from-env" not in repr(secrets().login(connection(SecretRef(env="TOKEN"))))


@pytest.mark.parametrize(
    ("secret", "reason"),
    [
        (SecretRef(env="UNSET"), "authToken: the environment variable UNSET is not set"),
        (SecretRef(env="EMPTY"), "authToken: empty"),
        (SecretRef(file="/none/token"), "authToken: the file /none/token cannot be read (No such file or directory)"),
        (
            SecretRef(sealed="v1:00000000:AAAA"),
            "authToken: sealed with key 00000000, which NOTIFIER_SECRETS__KEYS does not hold",
        ),
        ("hunter2", "authToken: plain text is allowed in NOTIFIER_ENVIRONMENT=development only"),
        (SecretRef(), "authToken: one of env, file and sealed is needed"),
    ],
)  # fmt: skip
def test_what_cannot_be_opened_says_why(secret: Secret, reason: str) -> None:
    with pytest.raises(CredentialsUnavailable) as caught:
        secrets().auth_token(connection(secret))
    assert caught.value.reason == f"Connection/a {reason}"


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff")
    with pytest.raises(CredentialsUnavailable, match="authToken: the file is not UTF-8 text"):
        secrets().auth_token(connection(SecretRef(file=str(tmp_path / "token"))))


def test_a_faulty_api_key_is_named_by_its_field() -> None:
    with pytest.raises(CredentialsUnavailable, match=r"apiKey\.secret: the environment variable UNSET is not set"):
        secrets().login(connection(SecretRef(env="TOKEN"), ApiKey(sid="SK1", secret=SecretRef(env="UNSET"))))


def test_every_secret_that_cannot_be_opened_is_told_once() -> None:
    both = connection(SecretRef(env="UNSET"), ApiKey(sid="SK1", secret=SecretRef(env="EMPTY")))
    assert [(each.field, each.why) for each in secrets().unavailable(both)] == [
        ("authToken", "the environment variable UNSET is not set"), ("apiKey.secret", "empty"),
    ]  # fmt: skip
    assert len(list(secrets().unavailable(connection(SecretRef(env="UNSET"))))) == 1
    assert list(secrets().unavailable(connection(SecretRef(env="TOKEN")))) == []
