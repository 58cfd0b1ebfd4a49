"""What producers send, as JSON Schema: each PMS event, consent events, and every other care event (contract section 4).

The schemas describe structured mode. They are what a good producer writes; ingest also understands what is a little
beside RFC 3339 (a space for the T), and ignores whatever fields it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from notifier.domain import events as e
from notifier.domain.cloudevents import (
    CARE_EVENT_TYPE,
    CONSENT_EVENT_TYPES,
    LONGEST_NAME_BYTES,
    MOST_PERSONS,
    TENANT_FIELD,
)
from notifier.domain.schemas.shaping import EVENT_TIME, TIME, About, Limited, Schema, documents, or_null, published

_IDENTITY = {"maxLength": LONGEST_NAME_BYTES}  # in bytes, so that only what is all ASCII may be as long

ABOUT: Mapping[type, About] = {
    e.KeyData: About(
        "What happened to a key.",
        {"key": "The whole key as it now stands.", "share": "What staff chose; only of `credentials.shared`."},
    ),
    e.Key: About(
        "A key, always whole, as it now stands.",
        {
            "id": Limited("The key's id in the PMS.", _IDENTITY),
            "version": "Counts up with every change; what is not above the last one seen is stale and changes nothing.",
            "origin": "`manual`: made by staff, without a reservation.",
            "status": "Of the key, not of the reservation.",
            "startsAt": Limited("When it begins to open.", EVENT_TIME),
            "endsAt": Limited("When it ceases to open.", EVENT_TIME),
            "persons": Limited("Everybody who is to be told.", {"maxItems": MOST_PERSONS}),
            "credentials": "Both null while none is allocated: the text waits for one.",
            "spaceName": "Where it opens, as guests know it.",
            "doors": "All that it opens.",
            "reservation": "null for a manual key.",
        },
    ),
    e.Person: About(
        "One holder of a key.",
        {
            "id": "Tells persons of a key apart; without one, the position in the list does.",
            "firstName": "Given name.",
            "lastName": "Family name.",
            "email": "Where the platform's mail service reaches the person.",
            "phone": Limited("E.164, or a number of the tenant's region.", {"examples": ["+12025550143"]}),
        },
    ),
    e.Credentials: About(
        "What opens the doors.", {"doorCode": "Typed at the lock.", "magicLink": "Opens the mobile key."}
    ),
    e.Reservation: About(
        "The stay that a key belongs to.",
        {
            "id": "Its id in the PMS.",
            "status": "As the PMS has it.",
            "referenceNumber": "What guests know it by.",
            "checkedInAt": Limited("null until then.", TIME),
            "checkInMethod": "Only `front_desk` counts as arrival.",
        },
    ),
    e.Share: About(
        "What staff chose when they pressed Share Credential.",
        {
            "channel": "How it is sent.",
            "destination": "The number or address.",
            "staffId": "Who pressed it.",
            "alternative": "true: typed in, not on file.",
            "personId": "Of the key's persons, whom it is for.",
        },
    ),
    e.ConsentData: About(
        "Somebody agreed to be texted, or no longer does; the later `at` wins.",
        {
            "phone": Limited("E.164, or a number of the tenant's region.", {"examples": ["+12025550118"]}),
            "source": "Where it was said, such as `checkout`.",
            "at": Limited("When it was said.", EVENT_TIME),
            "wording": "Which wording was agreed to.",
        },
    ),
}

MEANINGS: Mapping[str, str] = {
    "key.ready": "The key exists and its credential is allocated, or, with both null, still waited for.",
    "key.updated": "Dates, space, persons, doors or credentials changed.",
    "doorcode.changed": "The door code was made anew.",
    "key.revoked": "The key was withdrawn.",
    "reservation.checked_in": "The guest checked in.",
    "reservation.cancelled": "The stay was cancelled, or the guest did not come.",
    "credentials.shared": "Staff pressed Share Credential.",
    "consent.given": "Somebody agreed to be texted.",
    "consent.withdrawn": "Somebody no longer agrees to be texted.",
}


def envelope(type_: Schema, data: Schema, platform: e.Platform) -> Schema:
    """The CloudEvent around `data`: who, what, when, and whose."""
    fallback = TENANT_FIELD[platform]
    text = {"type": "string", "minLength": 1}
    whose = [
        {"required": ["tenant"], "properties": {"tenant": text}},
        {"properties": {"tenant": {"type": "null"},
                        "data": {"required": [fallback], "properties": {fallback: text}}}},
    ]  # fmt: skip
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"type": "string", "pattern": r"^1\.[0-9]+$", "examples": ["1.0"]},
            "id": {"description": "With `source`, the event's identity: the same pair twice is one event.",
                   **text, **_IDENTITY},
            "source": {"description": "Who says so, as a URI reference.", **text, **_IDENTITY},
            "type": type_,
            "time": or_null({"description": "When it happened.", **EVENT_TIME}),
            "tenant": {"description": f"Whose event it is; without it `data.{fallback}` says so.",
                       "type": ["string", "null"]},
            "subject": {"description": "What it is about.", "type": ["string", "null"]},
            "datacontenttype": {"type": "string", "examples": ["application/json"]},
            "traceparent": {"description": "W3C trace context, carried through to the outcomes.",
                            "examples": ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]},
            "data_base64": False,
            "data": data,
        },
        "anyOf": whose,
    }  # fmt: skip


def single() -> dict[str, Schema]:
    """Every event by its name; `care` stands for all that the care platform names itself."""
    found: dict[str, Schema] = {}
    for name in sorted(e.PMS_EVENT_TYPES):
        data: Schema = {"$ref": "#/$defs/KeyData"}
        if name == "credentials.shared":
            data = {"allOf": [data, {"required": ["share"], "properties": {"share": {"type": "object"}}}]}
        found[name] = {"description": MEANINGS[name], **envelope({"const": name}, data, "pms")}
    for name in sorted(CONSENT_EVENT_TYPES):
        data = {"$ref": "#/$defs/ConsentData"}
        found[name] = {"description": MEANINGS[name], **envelope({"const": name}, data, "care")}
    found["care"] = _care(CONSENT_EVENT_TYPES)
    return found


def _care(others: Collection[str]) -> Schema:
    """Any name but those of `others`, which have schemas of their own."""
    type_ = {"type": "string", "pattern": f"^{CARE_EVENT_TYPE.pattern}$", "not": {"enum": sorted(others)}}
    return {
        "description": "An event of the care platform under its own name, with its own payload, untouched.",
        **envelope(type_, {"type": "object"}, "care"),
    }


def definitions() -> dict[str, Schema]:
    return documents((e.KeyData, e.ConsentData), ABOUT)


def schemas() -> dict[str, Schema]:
    """By path without ending: a file with any events, one for each type, and one for all other care events."""
    parts, every = definitions(), single()
    found = {f"events/{name}": published(f"events/{name}", f"Event {name}", one, parts) for name, one in every.items()}
    whole = parts | {f"event.{name}": one for name, one in every.items()}
    whole["event.care"] = _care(CONSENT_EVENT_TYPES | e.PMS_EVENT_TYPES)  # a file does not say whose topic it is for
    any_event = [{"$ref": f"#/$defs/event.{name}"} for name in every]
    file = {
        "description": "One CloudEvent, or a list of them, as `notifier publish` reads them.",
        "anyOf": [*any_event, {"type": "array", "items": {"anyOf": any_event}}],
    }
    return {"events": published("events", "Events", file, whole), **found}
