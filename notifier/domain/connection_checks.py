"""The state of a Connection, decided from what Twilio answered to a check's questions (twilio.md section 8).

Rules: only Twilio's own refusal is evidence against a Connection; trouble on the way leaves what was known before. What
the credentials may not look at is unverified, never a fault: a Standard or Restricted API key may send all the same.
`broken` is a fault of the account or of its credentials, `degraded` one of a sender or a trial account: the same line
that the engine draws between `connection_broken` and `sender_held` (contract section 6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from notifier.domain.failures import CREATE_RULES

ConnectionState = Literal["not_connected", "connected", "degraded", "broken"]
CONNECTION_STATES: tuple[ConnectionState, ...] = ("not_connected", "connected", "degraded", "broken")

NOT_ACTIVE_CODES = frozenset({20005, 20403})


# What Twilio answered.


@dataclass(frozen=True, slots=True)
class Refused:
    """Twilio's own word that it will not do this: a 4xx other than 408 and 429, with Twilio's body."""

    status: int
    code: int | None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No evidence: no connection, no answer in time, 408, 429, 5xx, or an answer that is not Twilio's."""

    why: str


@dataclass(frozen=True, slots=True)
class AccountSeen:
    """As Twilio writes them: `active`, `suspended` or `closed`; `Full` or `Trial`."""

    status: str
    type: str


@dataclass(frozen=True, slots=True)
class NumberSeen:
    """`sms` None: the account does not own the number; else whether it can send SMS."""

    sms: bool | None


@dataclass(frozen=True, slots=True)
class ServiceSeen:
    """How many senders the pool of a messaging service has (as far as they were counted), and how many can send SMS."""

    senders: int
    with_sms: int


@dataclass(frozen=True, slots=True)
class Uncheckable:
    """A sender that Twilio has no list of, such as an alphanumeric one."""


SenderAnswer = NumberSeen | ServiceSeen | Uncheckable | Refused | Unanswered


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """`messages`: whether the message list could be read, asked where the account could not; None when not asked.

    `senders` by number or service SID, in the order of the document.
    """

    with_api_key: bool
    account: AccountSeen | Refused | Unanswered
    messages: Literal["readable"] | Refused | Unanswered | None
    senders: Mapping[str, SenderAnswer]


# What is made of it.


@dataclass(frozen=True, slots=True)
class SenderCheck:
    """`owned` and `sms` are None where they could not be verified; of a service: it exists, and some sender can."""

    sender: str
    owned: bool | None
    sms: bool | None
    detail: str

    @property
    def usable(self) -> bool | None:
        if self.owned is False or self.sms is False:
            return False
        return True if self.owned and self.sms else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCheck:
    """`state` None: nothing is known. `unverified` says what the credentials may not look at, `trouble` why this check
    said nothing new, in whole or in part.
    """

    state: Literal["connected", "degraded", "broken"] | None
    reason: str | None = None
    account: AccountSeen | None = None
    senders: tuple[SenderCheck, ...] = ()
    unverified: tuple[str, ...] = ()
    trouble: str | None = None


NOTHING_KNOWN = ConnectionCheck(state=None)


def unopened(reason: str) -> ConnectionCheck:
    """A secret of the document cannot be opened (contract section 5)."""
    return ConnectionCheck(state="broken", reason=reason)


def decide(answers: Answers, former: ConnectionCheck = NOTHING_KNOWN) -> ConnectionCheck:
    """What is known now, with `former` standing where there is no new evidence."""
    broken = _broken(answers)
    account = answers.account if isinstance(answers.account, AccountSeen) else None
    if broken is not None:
        return ConnectionCheck(state="broken", reason=broken, account=account)
    for answer in (answers.account, answers.messages):
        if isinstance(answer, Unanswered):
            return replace(former, trouble=answer.why)
    known = {check.sender: check for check in former.senders}
    senders = tuple(_sender(name, answer, known.get(name)) for name, answer in answers.senders.items())
    faults = [*_account_faults(account), *(f"{one.sender}: {one.detail}" for one in senders if one.usable is False)]
    if not senders:
        faults.append("the Connection has no sender")
    return ConnectionCheck(
        state="degraded" if faults else "connected",
        reason="; ".join(faults) or None,
        account=account,
        senders=senders,
        unverified=tuple(_unverified(answers, senders)),
        trouble=next((answer.why for answer in answers.senders.values() if isinstance(answer, Unanswered)), None),
    )


def is_settled(account: AccountSeen | Refused | Unanswered, *, with_api_key: bool) -> bool:
    """Whether this answer decides alone, so that nothing more has to be asked."""
    alone = Answers(with_api_key=with_api_key, account=account, messages=None, senders={})
    return isinstance(account, Unanswered) or _broken(alone) is not None


def _broken(answers: Answers) -> str | None:
    """Why nothing can be sent through the account; None when nothing says so."""
    match answers.account:
        case AccountSeen(status=status) if status != "active":
            return f"the account is {status}"
        case Refused() as refused if not answers.with_api_key or _is_final(refused):
            return _words(refused)
        case Refused() if isinstance(answers.messages, Refused):
            if _is_final(answers.messages):
                return _words(answers.messages)
            asked = answers.senders.values()
            if all(
                isinstance(answer, Refused | Unanswered | Uncheckable) and not _is_absent(answer) for answer in asked
            ):
                return f"{_words(answers.messages)}; a Restricted key needs the permission to read messages"
    return None


def _is_final(refused: Refused) -> bool:
    """A refusal that no other permission of the key would change."""
    return refused.status == 404 or refused.code in NOT_ACTIVE_CODES


def _is_absent(answer: SenderAnswer) -> bool:
    """Twilio looked and found nothing, so that it knew the credentials."""
    return isinstance(answer, Refused) and answer.status == 404


def _account_faults(account: AccountSeen | None) -> Iterator[str]:
    if account is not None and account.type == "Trial":
        yield "a trial account: it texts verified recipients only"


def _sender(name: str, answer: SenderAnswer, former: SenderCheck | None) -> SenderCheck:
    match answer:
        case NumberSeen(sms=None):
            return SenderCheck(name, False, None, "is not a number of the account")
        case NumberSeen(sms=sms):
            return SenderCheck(name, True, sms, "is owned and can send SMS" if sms else "is owned, but cannot send SMS")
        case ServiceSeen(with_sms=with_sms):
            return SenderCheck(name, True, with_sms > 0, _pool(answer))
        case Refused() if _is_absent(answer):
            return SenderCheck(name, False, None, "the messaging service does not exist in the account")
        case Refused():
            return SenderCheck(name, None, None, f"the API key may not look it up ({_numbers(answer)})")
        case Uncheckable():
            return SenderCheck(name, None, None, "neither a number nor a messaging service, and Twilio lists no others")
        case Unanswered(why=why):
            return former or SenderCheck(name, None, None, f"no answer yet: {why}")


def _pool(seen: ServiceSeen) -> str:
    if seen.senders == 0:
        return "the messaging service has no senders"
    if seen.with_sms == 0:
        return "no sender of the messaging service can send SMS"
    return f"the messaging service has senders that can send SMS ({seen.with_sms} of {seen.senders})"


def _unverified(answers: Answers, senders: tuple[SenderCheck, ...]) -> Iterator[str]:
    if isinstance(answers.account, Refused):
        yield f"status and type of the account: the API key may not read them ({_numbers(answers.account)})"
    if isinstance(answers.messages, Refused):
        yield f"the message list, which settles doubts: the API key may not read it ({_numbers(answers.messages)})"
    for one in senders:
        if one.usable is None:
            yield f"{one.sender}: {one.detail}"


def _words(refused: Refused) -> str:
    if refused.status == 404:
        return f"Twilio does not know the account ({_numbers(refused)})"
    rule = CREATE_RULES.get(refused.code) if refused.code is not None else None
    return f"{rule.meaning if rule is not None else 'Twilio refused the credentials'} ({_numbers(refused)})"


def _numbers(refused: Refused) -> str:
    return f"HTTP {refused.status}" + (f", error {refused.code}" if refused.code is not None else "")


# What the engine found out while sending.


@dataclass(frozen=True, slots=True)
class Holds:
    """What holds a Connection's texts now: `account` why all of them, `senders` why those of one."""

    account: str | None
    senders: Mapping[str, str]


NO_HOLDS = Holds(None, {})


def shown_state(check: ConnectionCheck, holds: Holds) -> tuple[ConnectionState, str | None]:
    """State and reason for people. What a create ran into counts as much as what a check saw; the worse one is shown.

    Before the first check nothing speaks against a Connection, and it is shown as connected.
    """
    if check.state == "broken":
        return "broken", check.reason
    if holds.account is not None:
        return "broken", holds.account
    if holds.senders:
        reasons = [f"{sender}: {why}" for sender, why in sorted(holds.senders.items())]
        return "degraded", "; ".join([*reasons, *([check.reason] if check.reason else [])])
    return check.state or "connected", check.reason
