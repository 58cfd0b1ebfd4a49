"""The tenants of these tests as configuration documents."""

from __future__ import annotations

import msgspec

from notifier.domain.documents import Connection, Document, Sender, Tenant, Workflow

CLINIC_NUMBER = "+15557770000"


def token_of(tenant: str) -> str:
    return "token-" + tenant


def hotel(tenant: str, account: str, number: str, rate: float, version: int) -> list[Document]:
    """A PMS tenant with an account of its own."""
    sender = Sender(from_=number, segments_per_second=rate)
    return [
        Tenant(tenant=tenant, version=version, platform="pms", name=tenant),
        Connection(
            tenant=tenant, version=version, provider="twilio", account_sid=account, auth_token=token_of(tenant),
            senders=(sender,),
        ),
    ]  # fmt: skip


def clinic(tenant: str, account: str, token: str, rate: float) -> list[Document]:
    """A care tenant that texts about every order that was shipped."""
    workflow = {
        "kind": "Workflow", "tenant": tenant, "version": 1, "name": "shipped", "trigger": {"type": "order.shipped"},
        "steps": [{"kind": "adapter", "number": 1, "adapter": "twilio", "function": "sendSMS",
                   "parameters": {"message": "Order {{id}} is on its way", "toPhone": "{{customer.phone}}"}}],
    }  # fmt: skip
    connection = {
        "kind": "Connection", "tenant": tenant, "version": 1, "provider": "twilio", "accountSid": account,
        "authToken": token, "senders": [{"from": CLINIC_NUMBER, "segmentsPerSecond": rate}],
    }  # fmt: skip
    about = {"kind": "Tenant", "tenant": tenant, "version": 1, "platform": "care", "name": "Clinic",
             "consent": {"required": False}}  # fmt: skip
    return [
        msgspec.convert(about, Tenant),
        msgspec.convert(connection, Connection),
        msgspec.convert(workflow, Workflow),
    ]
