"""What is configured in a story: a hotel and a clinic, each with its own connection."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from notifier.domain.documents import (
    AdapterStep,
    Connection,
    Document,
    InDoubt,
    Pause,
    Sender,
    Tenant,
    Trigger,
    Workflow,
)

HOTEL, CLINIC = "hotel", "clinic"


@dataclass(frozen=True)
class Setup:
    """What the configuration says in this story, apart from what its changes say."""

    resend: bool  # what is in doubt is repeated, whatever its class
    message: str = "Order {{n}}"


def documents(
    version: int, setup: Setup, *, live: bool = True, tenants: tuple[str, ...] = (HOTEL, CLINIC),
    workflows: tuple[str, ...] = ("shipped", "offer"), paused: tuple[str, ...] = (),
) -> list[Document]:  # fmt: skip
    doubt = InDoubt(transactional="resend", code="resend", marketing="park") if setup.resend else InDoubt()
    found: list[Document] = [Pause(tenant=name) for name in paused]
    for tenant in tenants:
        platform = {HOTEL: "pms", CLINIC: "care"}[tenant]
        found.append(
            msgspec.convert(
                {"kind": "Tenant", "tenant": tenant, "version": version, "platform": platform, "name": tenant,
                 "consent": {"required": False}, "live": live, "inDoubt": msgspec.to_builtins(doubt)},
                Tenant,
            )
        )  # fmt: skip
        found.append(
            Connection(
                tenant=tenant, version=version, provider="twilio", account_sid="AC" + f"{len(found):032x}",
                auth_token="t", senders=(Sender(from_="+15551230000", segments_per_second=5.0),),
            )
        )  # fmt: skip
    step = AdapterStep(
        number=1, adapter="twilio", function="sendSMS",
        parameters={"message": setup.message, "toPhone": "{{customer.phone}}"},
    )  # fmt: skip
    for name in workflows if CLINIC in tenants else ():
        kind = {"shipped": "transactional", "offer": "marketing"}[name]
        found.append(
            msgspec.convert(
                {"kind": "Workflow", "tenant": CLINIC, "name": name, "version": 1, "class": kind,
                 "trigger": msgspec.to_builtins(Trigger(type=f"order.{name}")), "steps": [msgspec.to_builtins(step)]},
                Workflow,
            )
        )  # fmt: skip
    return found
