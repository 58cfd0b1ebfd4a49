"""Signatures of callbacks: the vectors that Twilio publishes, and everything that must not pass (twilio.md 5.3)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha1, sha256

import msgspec
import pytest
from multidict import CIMultiDict

from notifier.domain.documents import Connection, SecretRef
from notifier.twilio.callbacks import CallbackSignatures
from notifier.twilio.credentials import Secrets

Parameters = Sequence[tuple[str, str]]

FIRST_URL = ("https://mycompany.com", "/myapp.php?foo=1&bar=2")
FIRST = [
    ("CallSid", "CA1234567890ABCDE"), ("Caller", "+12349013030"), ("Digits", "1234"), ("From", "+12349013030"),
    ("To", "+18005551212"),
]  # fmt: skip
SECOND_URL = ("https://example.com", "/myapp.php?foo=1&bar=2")
SECOND = [
    ("CallSid", "CA1234567890ABCDE"), ("Caller", "+14158675310"), ("Digits", "1234"), ("From", "+14158675310"),
    ("To", "+18005551212"),
]  # fmt: skip

# From the tests of Twilio's own libraries (python, ruby, node, java, go, csharp), all of the token 12345. What is left
# out there is not met here: JSON bodies (status and inbound callbacks are forms), addresses with user and password
# (NOTIFIER_WEBHOOKS__PUBLIC_URL refuses them), a parameter that is null (a form has none).
THIRD = [
    ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"), ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]  # fmt: skip
COMPANY, PLAIN_COMPANY = "https://mycompany.com", "http://mycompany.com"
PATH = "/myapp.php?foo=1&bar=2"
LIBRARIES: list[tuple[str, str, Parameters, str]] = [
    (COMPANY, PATH, THIRD, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (COMPANY + ":1234", PATH, THIRD, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (COMPANY + ":1234", PATH, THIRD, "CYn1h0gLBdNxDGkKJg6hYohgeD8="),
    (COMPANY, PATH, THIRD, "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (PLAIN_COMPANY, PATH, THIRD, "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    (PLAIN_COMPANY + ":1234", PATH, THIRD, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (COMPANY, PATH + "&Body=It's+amazing", THIRD, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="),
    (COMPANY, "/myapp.php", THIRD, "1xaxFBvyzXYvWplzNOSs28HWO94="),
    (COMPANY, PATH + "&type=thiswontbeusedinthesignaturegeneratorandsoshouldbeignored", THIRD,
     "hYkNsTBttoNGkyCS0p+wWmQoRTg="),
    (COMPANY, "/myapp.php?foo=hello%20world&bar=test%2Bvalue", THIRD, "er2tvAP1Wx+iuTTE2BPgvEaN1cs="),
    (COMPANY, "/webhook/España?año=2023", THIRD, "G/Hx6mqqnjUNlPAoi2Sp9bGst0g="),
    (COMPANY, PATH, [], "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
    (COMPANY, PATH, [("Digits", ""), ("CallSid", "CA1234567890ABCDE"), ("EmptyParam", "")],
     "9HHp/OqQMEwdrVebHDdA/+tqjX8="),
    (COMPANY, PATH, [("Zebra", "last"), ("Alpha", "first"), ("Beta", "second"), ("Gamma", "third")],
     "enveUe73ZTVLAekHxez3Qx6JuuQ="),
    (COMPANY, PATH, [("callSid", "lowercase"), ("CallSid", "uppercase"), ("CALLSID", "allcaps")],
     "jDK7WKT8wiNrwggd4ceTv4e1MJ4="),
    (COMPANY, PATH, [("Message", "Hello & goodbye! @#$%^*()"), ("From", "+1 (415) 867-5309"),
                     ("Special", "unicode: ñáéíóú")], "dCPiR4WtQ6QFN6pJh81CtlCcWLQ="),
    (COMPANY, PATH, [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"),
                     ("Digits", "1234")], "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
]  # fmt: skip

CONNECTION = Connection(tenant="a", provider="twilio", account_sid="AC" + "1" * 32, auth_token="12345")


def signatures(public_url: str, connection: Connection | None = CONNECTION) -> CallbackSignatures:
    return CallbackSignatures(lambda _owner: connection, Secrets({}, (), plain_text_allowed=True), public_url)


def signed(url: str, parameters: Parameters, token: str = "12345", algorithm: str = "sha1") -> str:
    """Twilio's rule, written out once more: the address, then every name with its value, sorted by name."""
    text = url + "".join(name + value for name, value in sorted(set(parameters)))
    mac = hmac.new(token.encode(), text.encode(), sha1 if algorithm == "sha1" else sha256)
    return base64.b64encode(mac.digest()).decode()


def accepts(
    parameters: Parameters,
    signature: str,
    path: str = "/twilio/a/status?n=1&a=1",
    url: str = "https://texts.example.com",
) -> bool:
    return signatures(url).is_valid("a", path, parameters, {"X-Twilio-Signature": signature})


@pytest.mark.parametrize(
    ("url", "parameters", "signature"),
    [
        (FIRST_URL, FIRST, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        (SECOND_URL, SECOND, "L/OH5YylLD5NRKLltdqwSvS0BnU="),
    ],
)
def test_twilio_s_published_vectors_pass(url: tuple[str, str], parameters: Parameters, signature: str) -> None:
    assert signatures(url[0]).is_valid("a", url[1], parameters, {"X-Twilio-Signature": signature})
    assert signatures(url[0] + "/").is_valid("a", url[1], parameters, {"X-Twilio-Signature": signature})


@pytest.mark.parametrize(("url", "path", "parameters", "signature"), LIBRARIES)
def test_the_vectors_of_twilio_s_libraries_pass_and_no_other_token_makes_them(
    url: str, path: str, parameters: Parameters, signature: str
) -> None:
    assert accepts(parameters, signature, path, url)
    other = msgspec.structs.replace(CONNECTION, auth_token="12346")
    assert not signatures(url, other).is_valid("a", path, parameters, {"X-Twilio-Signature": signature})


@pytest.mark.parametrize("name", [name for name, _ in FIRST])
def test_no_parameter_may_be_changed_left_out_or_added(name: str) -> None:
    for other in (
        [(n, v + "0" if n == name else v) for n, v in FIRST],
        [(n, v) for n, v in FIRST if n != name],
        [*FIRST, (name + "0", "1")],
    ):
        assert not signatures(FIRST_URL[0]).is_valid(
            "a", FIRST_URL[1], other, {"X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="}
        )


@pytest.mark.parametrize(
    "path", ["/myapp.php?foo=1&bar=3", "/myapp.php?bar=2&foo=1", "/myapp.php", "/other?foo=1&bar=2"]
)
def test_path_and_query_are_signed(path: str) -> None:
    assert not accepts(FIRST, "0/KCTR6DLpKmkAf8muzZqo1nDgQ=", path, FIRST_URL[0])


def test_the_address_is_the_configured_one_whatever_the_request_claims() -> None:
    headers = {
        "X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ=",
        "Host": "mycompany.com",
        "X-Forwarded-Proto": "https",
    }
    assert not signatures("https://other.example.com").is_valid("a", FIRST_URL[1], FIRST, headers)


def test_blank_values_count() -> None:
    parameters = [("ErrorCode", ""), ("MessageSid", "SM1")]
    assert accepts(parameters, signed("https://texts.example.com/twilio/a/status?n=1&a=1", parameters))


def test_repeated_names_count_each_value_once() -> None:
    parameters = [("MediaUrl", "b"), ("MediaUrl", "a"), ("MediaUrl", "b")]
    assert accepts(parameters, signed("https://texts.example.com/twilio/a/status?n=1&a=1", parameters))


def test_a_port_in_the_public_address_may_be_left_out_of_the_signature_or_not() -> None:
    """Twilio is not consistent in this (its own library tries both)."""
    for url in ("https://texts.example.com:8443", "https://texts.example.com"):
        signature = signed(url + "/twilio/a/status?n=1&a=1", FIRST)
        assert accepts(FIRST, signature, url="https://texts.example.com:8443")


def test_the_headers_are_found_in_any_case() -> None:
    headers = CIMultiDict({"x-twilio-signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="})
    assert signatures(FIRST_URL[0]).is_valid("a", FIRST_URL[1], FIRST, headers)


def test_the_newer_algorithm_is_taken_from_its_header() -> None:
    signature = signed("".join(FIRST_URL), FIRST, algorithm="sha256")
    settings = {"X-Twilio-Webhooks-Signature-Settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}
    check = signatures(FIRST_URL[0])
    assert check.is_valid("a", FIRST_URL[1], FIRST, {"X-Twilio-Signature": signature} | settings)
    assert not check.is_valid("a", FIRST_URL[1], FIRST, {"X-Twilio-Signature": signature})


def test_an_unknown_algorithm_does_not_pass_and_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    settings = {"X-Twilio-Webhooks-Signature-Settings": "algorithm=HMAC_MD5"}
    signature = signed("".join(FIRST_URL), FIRST)
    assert not signatures(FIRST_URL[0]).is_valid("a", FIRST_URL[1], FIRST, {"X-Twilio-Signature": signature} | settings)
    assert caplog.text == ""


@pytest.mark.parametrize("signature", ["", "ä", "0/KCTR6DLpKmkAf8muzZqo1nDgQ", "A" * 5000])
def test_a_wrong_signature_does_not_pass(signature: str) -> None:
    assert not accepts(FIRST, signature, FIRST_URL[1], FIRST_URL[0])


def test_without_signature_connection_or_token_nothing_passes() -> None:
    header = {"X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="}
    sealed_away = Connection(
        tenant="a", provider="twilio", account_sid=CONNECTION.account_sid, auth_token=SecretRef(env="UNSET")
    )
    assert not signatures(FIRST_URL[0]).is_valid("a", FIRST_URL[1], FIRST, {})
    assert not signatures(FIRST_URL[0], None).is_valid("a", FIRST_URL[1], FIRST, header)
    assert not signatures(FIRST_URL[0], sealed_away).is_valid("a", FIRST_URL[1], FIRST, header)
