"""A clinic with a connection, an order, and workflows on it, for trials."""

from __future__ import annotations

from typing import Any

import msgspec

from notifier.domain import documents
from notifier.domain.catalog import TenantConfig, build

ORDER: dict[str, object] = {
    "_id": "o1",
    "id": 10421,
    "customer": {"_id": "c1", "firstName": "Ada", "phone": "+12025550118", "hash": "x", "dob": "1990-01-01"},
    "status": "shipped",
    "lineItems": [{"name": "Monthly plan", "extras": {"drugName": "x"}}],
    "isDeleted": False,
}
CONNECTION = documents.Connection(
    tenant="north-clinic", version=1, provider="twilio", account_sid="AC" + "0" * 32,
    auth_token=documents.SecretRef(env="TOKEN"),
    senders=(documents.Sender(from_="+15551230000"), documents.Sender(from_="+15551230001")),
)  # fmt: skip


def sms(**parameters: str) -> documents.AdapterStep:
    return documents.AdapterStep(number=1, adapter="twilio", function="sendSMS", parameters=parameters)


def workflow(**changes: Any) -> documents.Workflow:  # Any: fields of Workflow
    whole = documents.Workflow(
        tenant="north-clinic", version=2, name="shipped-sms", trigger=documents.Trigger(type="order.shipped"),
        steps=(sms(message="Hi {{customer.firstName}}, order {{id}}", toPhone="{{customer.phone}}"),),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def clinic(*others: documents.Document, connected: bool = True, **changes: Any) -> TenantConfig:
    whole = documents.Tenant(tenant="north-clinic", version=1, platform="care", name="North Clinic")
    document = msgspec.structs.replace(whole, **({"consent": documents.ConsentPolicy(required=False)} | changes))
    own = [CONNECTION] if connected else []
    return build([document, *own, *others], 1).tenants["north-clinic"]
