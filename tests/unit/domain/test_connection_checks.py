"""The state of a Connection: what each answer of Twilio, alone and with others, makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pytest

from notifier.domain.connection_checks import (
    NO_HOLDS,
    NOTHING_KNOWN,
    AccountSeen,
    Answers,
    ConnectionCheck,
    Holds,
    NumberSeen,
    Refused,
    SenderAnswer,
    SenderCheck,
    ServiceSeen,
    Unanswered,
    Uncheckable,
    decide,
    is_settled,
    shown_state,
    unopened,
)

FULL = AccountSeen("active", "Full")
WRONG, FORBIDDEN = Refused(401, 20003), Refused(403, 70051)
ABSENT = Refused(404, 20404)
SILENT = Unanswered("Twilio did not answer in time")
NUMBER, SERVICE = "+15551234567", "MG" + "2" * 32
SENDS = NumberSeen(sms=True)
OK: Mapping[str, SenderAnswer] = {NUMBER: SENDS}
ALL_WELL = decide(Answers(with_api_key=False, account=FULL, messages=None, senders=OK))


def asked(
    account: AccountSeen | Refused | Unanswered = FULL,
    messages: Literal["readable"] | Refused | Unanswered | None = None,
    senders: Mapping[str, SenderAnswer] = OK,
    *,
    key: bool = False,
) -> Answers:
    return Answers(with_api_key=key, account=account, messages=messages, senders=senders)


@pytest.mark.parametrize(
    ("answers", "state", "reason"),
    [
        # With the auth token, the account's own answer decides.
        (asked(), "connected", None),
        (asked(AccountSeen("suspended", "Full")), "broken", "the account is suspended"),
        (asked(AccountSeen("closed", "Trial")), "broken", "the account is closed"),
        (asked(AccountSeen("active", "Trial")), "degraded", "a trial account: it texts verified recipients only"),
        (asked(WRONG, senders={}), "broken", "Twilio refused the credentials (HTTP 401, error 20003)"),
        (asked(Refused(403, 20005), senders={}), "broken", "the account is not active (HTTP 403, error 20005)"),
        (asked(Refused(403, 20008), senders={}), "broken", "test credentials cannot do this (HTTP 403, error 20008)"),
        (asked(Refused(401, 99999), senders={}), "broken", "Twilio refused the credentials (HTTP 401, error 99999)"),
        (asked(ABSENT, senders={}), "broken", "Twilio does not know the account (HTTP 404, error 20404)"),
        # An API key may be refused the account and send all the same.
        (asked(WRONG, "readable", key=True), "connected", None),
        (asked(FORBIDDEN, "readable", {NUMBER: FORBIDDEN}, key=True), "connected", None),
        (asked(FORBIDDEN, FORBIDDEN, OK, key=True), "connected", None),
        (asked(FORBIDDEN, FORBIDDEN, {SERVICE: ABSENT, NUMBER: FORBIDDEN}, key=True), "degraded",
         f"{SERVICE}: the messaging service does not exist in the account"),
        # Refused everywhere, a key that is gone cannot be told from one without permissions.
        (asked(WRONG, WRONG, {NUMBER: WRONG}, key=True), "broken",
         "Twilio refused the credentials (HTTP 401, error 20003); a Restricted key needs the permission to read"
         " messages"),
        (asked(WRONG, WRONG, {}, key=True), "broken",
         "Twilio refused the credentials (HTTP 401, error 20003); a Restricted key needs the permission to read"
         " messages"),
        (asked(Refused(403, 20403), "readable", key=True), "broken",
         "the account is suspended or closed (HTTP 403, error 20403)"),
        (asked(WRONG, Refused(403, 20005), {NUMBER: WRONG}, key=True), "broken",
         "the account is not active (HTTP 403, error 20005)"),
        (asked(ABSENT, key=True, senders={}), "broken", "Twilio does not know the account (HTTP 404, error 20404)"),
        # Senders.
        (asked(senders={NUMBER: NumberSeen(sms=None)}), "degraded", f"{NUMBER}: is not a number of the account"),
        (asked(senders={NUMBER: NumberSeen(sms=False)}), "degraded", f"{NUMBER}: is owned, but cannot send SMS"),
        (asked(senders={SERVICE: ServiceSeen(0, 0)}), "degraded", f"{SERVICE}: the messaging service has no senders"),
        (asked(senders={SERVICE: ServiceSeen(2, 0)}), "degraded",
         f"{SERVICE}: no sender of the messaging service can send SMS"),
        (asked(senders={SERVICE: ServiceSeen(3, 1)}), "connected", None),
        (asked(senders={SERVICE: ABSENT}), "degraded",
         f"{SERVICE}: the messaging service does not exist in the account"),
        (asked(senders={"HARBOUR": Uncheckable()}), "connected", None),
        (asked(senders={NUMBER: NumberSeen(sms=None), SERVICE: ServiceSeen(1, 1)}), "degraded",
         f"{NUMBER}: is not a number of the account"),
        (asked(AccountSeen("active", "Trial"), senders={NUMBER: NumberSeen(sms=False)}), "degraded",
         f"a trial account: it texts verified recipients only; {NUMBER}: is owned, but cannot send SMS"),
        (asked(senders={}), "degraded", "the Connection has no sender"),
        # Trouble on the way is no evidence.
        (asked(SILENT, senders={}), None, None),
        (asked(WRONG, SILENT, {}, key=True), None, None),
        (asked(senders={NUMBER: SILENT}), "connected", None),
    ],
)  # fmt: skip
def test_answers_make_a_state(answers: Answers, state: str | None, reason: str | None) -> None:
    check = decide(answers)
    assert (check.state, check.reason) == (state, reason)


@pytest.mark.parametrize("former", [NOTHING_KNOWN, ALL_WELL, decide(asked(WRONG, senders={})), unopened("no token")])
@pytest.mark.parametrize("answers", [asked(SILENT, senders={}), asked(WRONG, SILENT, {}, key=True)])
def test_without_an_answer_the_former_state_stays_and_the_trouble_is_told(
    answers: Answers, former: ConnectionCheck
) -> None:
    check = decide(answers, former)
    assert (check.state, check.reason, check.senders) == (former.state, former.reason, former.senders)
    assert check.trouble == SILENT.why
    assert decide(asked(), check) == ALL_WELL


def test_a_sender_without_an_answer_stays_what_it_was_while_the_others_change() -> None:
    former = decide(asked(senders={NUMBER: NumberSeen(sms=None), SERVICE: ServiceSeen(0, 0)}))
    check = decide(asked(senders={NUMBER: SILENT, SERVICE: ServiceSeen(1, 1)}), former)
    assert (check.state, check.reason) == ("degraded", f"{NUMBER}: is not a number of the account")
    assert check.trouble == SILENT.why


def test_an_account_that_is_mended_is_not_broken_any_more_although_a_sender_was_not_answered_for() -> None:
    broken = decide(asked(WRONG, senders={}))
    check = decide(asked(senders={NUMBER: SILENT}), broken)
    assert (check.state, check.trouble) == ("connected", SILENT.why)


def test_each_sender_says_whether_it_is_owned_and_can_send() -> None:
    answers = {
        "1": SENDS, "2": NumberSeen(sms=False), "3": NumberSeen(sms=None), "4": ServiceSeen(2, 1), "5": ABSENT,
        "6": FORBIDDEN, "7": Uncheckable(), "8": SILENT,
    }  # fmt: skip
    senders: tuple[SenderCheck, ...] = decide(asked(WRONG, "readable", answers, key=True)).senders
    assert [(one.owned, one.sms, one.usable) for one in senders] == [
        (True, True, True), (True, False, False), (False, None, False), (True, True, True), (False, None, False),
        (None, None, None), (None, None, None), (None, None, None),
    ]  # fmt: skip


def test_what_the_key_may_not_look_at_is_told_as_such() -> None:
    check = decide(asked(WRONG, FORBIDDEN, {NUMBER: FORBIDDEN, SERVICE: ServiceSeen(1, 1)}, key=True))
    assert check.state == "connected"
    assert check.unverified == (
        "status and type of the account: the API key may not read them (HTTP 401, error 20003)",
        "the message list, which settles doubts: the API key may not read it (HTTP 403, error 70051)",
        f"{NUMBER}: the API key may not look it up (HTTP 403, error 70051)",
    )
    assert ALL_WELL.unverified == ()


@pytest.mark.parametrize(
    ("account", "key", "expected"),
    [
        (FULL, False, False), (AccountSeen("active", "Trial"), False, False),
        (AccountSeen("closed", "Full"), True, True), (WRONG, False, True), (WRONG, True, False),
        (FORBIDDEN, True, False), (ABSENT, True, True), (SILENT, True, True),
    ],
)  # fmt: skip
def test_nothing_more_is_asked_when_the_account_decides(
    account: AccountSeen | Refused | Unanswered, key: bool, expected: bool
) -> None:
    assert is_settled(account, with_api_key=key) is expected


BROKEN, DEGRADED = unopened("authToken: empty"), decide(asked(senders={NUMBER: NumberSeen(sms=False)}))


@pytest.mark.parametrize(
    ("check", "holds", "state", "reason"),
    [
        (NOTHING_KNOWN, NO_HOLDS, "connected", None),
        (ALL_WELL, NO_HOLDS, "connected", None),
        (BROKEN, NO_HOLDS, "broken", "authToken: empty"),
        (DEGRADED, NO_HOLDS, "degraded", f"{NUMBER}: is owned, but cannot send SMS"),
        (ALL_WELL, Holds("refused", {}), "broken", "refused"),
        (DEGRADED, Holds("refused", {NUMBER: "held"}), "broken", "refused"),
        (BROKEN, Holds("refused before a restart", {}), "broken", "authToken: empty"),
        (NOTHING_KNOWN, Holds(None, {SERVICE: "unknown", NUMBER: "held"}), "degraded",
         f"{NUMBER}: held; {SERVICE}: unknown"),
        (DEGRADED, Holds(None, {SERVICE: "unknown"}), "degraded",
         f"{SERVICE}: unknown; {NUMBER}: is owned, but cannot send SMS"),
        (BROKEN, Holds(None, {NUMBER: "held"}), "broken", "authToken: empty"),
    ],
)  # fmt: skip
def test_the_worse_of_check_and_engine_is_shown(
    check: ConnectionCheck, holds: Holds, state: str, reason: str | None
) -> None:
    assert shown_state(check, holds) == (state, reason)
