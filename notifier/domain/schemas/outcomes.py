"""What the notifier says became of events, as JSON Schema: one for each record type (contract section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from notifier.domain import outcomes as o
from notifier.domain.answers import ErrorClass
from notifier.domain.events import EventRef
from notifier.domain.reasons import NOTIFICATION_REASONS, RUN_CANCELLED_REASONS
from notifier.domain.schemas.shaping import TIME, About, Limited, Schema, documents, published

_NTF, _RUN = "^ntf_[0-9a-f]{32}$", "^run_[0-9a-f]{32}$"
_TIMES = {"event": "Of the event.", "accepted": "When the event was accepted.", "due": "When it was to go out.",
          "handedOver": "When Twilio accepted it.", "final": "When it became final."}  # fmt: skip

ABOUT: Mapping[type, About] = {
    EventRef: About(
        "The event that an outcome is about.",
        {"id": "Its id.", "source": "Its source.", "type": "Its type."},
    ),
    o.Recipient: About(
        "The person, without the number.",
        {
            "personId": "As the producer has it.",
            "masked": "The number for people.",
            "hash": Limited(
                "The number for machines, keyed; null without `NOTIFIER_RESULTS__HASH_KEY`.",
                {"pattern": "^hmac-sha256:[0-9a-f]{64}$"},
            ),
        },
    ),
    o.TemplateRef: About(
        "The template, in the version that was used; 0 is the built-in one.",
        {"name": "Its name.", "version": "Its version."},
    ),
    o.WorkflowRef: About(
        "The workflow, in the version that is pinned for the whole run.",
        {
            "name": "Its name.",
            "version": "Its version.",
            "runId": Limited("The run.", {"pattern": _RUN}),
            "step": "The step that this is about; null: the run as a whole.",
        },
    ),
    o.Cause: About(
        "What else brought it about.",
        {
            "event": "An event that released, changed or cancelled it.",
            "notification": Limited("The notification that this one repeats.", {"pattern": _NTF}),
        },
    ),
    o.Provider: About(
        "What Twilio said.",
        {
            "name": "`twilio`.",
            "messageSid": "Twilio's id of the message.",
            "status": "Twilio's status.",
            "errorCode": "Twilio's code.",
            "errorClass": Limited("What the code means here.", {"enum": list(get_args(ErrorClass))}),
        },
    ),
    o.Times: About("When what happened; null while it has not.", {k: Limited(v, TIME) for k, v in _TIMES.items()}),
    o.NotificationData: About(
        "One text to one person, as it now stands.",
        {
            "notificationId": Limited(
                "Computed from what it is about: the same input gives the same id.", {"pattern": _NTF}
            ),
            "event": "What it is about.",
            "status": "Where it stands.",
            "terminal": "true: the last record of this notification.",
            "reason": "Why, in one word.",
            "detail": "Why, in more; never personal data.",
            "channel": "`email`: told by the platform's own mail service.",
            "class": "Of the template or workflow.",
            "recipient": "Whom.",
            "template": "The words, of a text about a key.",
            "workflow": "The run and step, of a care platform.",
            "segments": "Of the text; null before it is rendered.",
            "encoding": Limited("Of the text.", {"enum": ["GSM-7", "UCS-2"]}),
            "cause": "What else brought it about.",
            "provider": "null until Twilio said something.",
            "attempt": Limited("How many intents there were.", {"minimum": 0}),
            "times": "When what happened.",
        },
    ),
    o.RunData: About(
        "A run of a workflow.",
        {
            "runId": Limited("Computed from event and workflow.", {"pattern": _RUN}),
            "workflow": "Its workflow.",
            "event": "What started it.",
            "step": "Where it stands or ended.",
            "reason": "Why it ended.",
            "until": Limited("When it goes on.", TIME),
        },
    ),
    o.AppliedData: About(
        "An event that released, moved, replaced or cancelled what was waiting, or changed a consent.",
        {"event": "The event.", "affected": "Ids of notifications and runs."},
    ),
    o.IgnoredData: About("An event that changed nothing.", {"event": "The event.", "reason": "Why."}),
    o.ResolvedData: About(
        "Evidence that came after a notification was parked.",
        {
            "notificationId": Limited("The parked notification.", {"pattern": _NTF}),
            "evidence": "Where it was seen.",
            "messageSid": "Twilio's id of the message.",
            "providerStatus": "Twilio's status.",
        },
    ),
}

RUN_MEANINGS: Mapping[str, str] = {
    "waiting": "A run waits.",
    "completed": "A run went through all of its steps.",
    "exited": "A condition ended a run.",
    "failed": "A step failed, and the run with it.",
    "cancelled": "A run was ended from outside.",
}
_EVENT_ID, _RUN_ID, _NTF_ID = "^evt_[0-9a-f]{32}:", "^run_[0-9a-f]{32}:[0-9]+$", "^ntf_[0-9a-f]{32}:[0-9]+$"


def _record(type_: str, text: str, data: str, id_: str, narrower: Schema) -> Schema:
    """One record of the results; `narrower`: what holds for `data` of this type beyond its definition."""
    return {
        "description": text,
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "tenant", "subject", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"description": "After a crash an id may come again, with the same content: drop it.",
                   "type": "string", "pattern": id_},
            "source": {"const": "/notifier"},
            "type": {"const": type_},
            "time": {"description": "When this became so.", **TIME},
            "tenant": {"description": "Whose.", "type": "string"},
            "subject": {"description": "What it is about.", "type": "string"},
            "datacontenttype": {"const": "application/json"},
            "traceparent": {"description": "As the event had it.", "type": "string"},
            "data": {"allOf": [{"$ref": f"#/$defs/{data}"}, *([{"properties": narrower}] if narrower else [])]},
        },
    }  # fmt: skip


def _one_of(values: tuple[str | None, ...]) -> Schema:
    return {"const": values[0]} if len(values) == 1 else {"enum": list(values)}


def records() -> dict[str, Schema]:
    """Every record type, with what is true of it alone."""
    found: dict[str, Schema] = {}
    for status, reasons in NOTIFICATION_REASONS.items():
        narrower = {"status": {"const": status}, "terminal": {"const": status in o.TERMINAL_STATUSES},
                    "reason": _one_of(reasons)}  # fmt: skip
        type_ = f"notification.{status}"
        found[type_] = _record(type_, f"A notification is {status}.", "NotificationData", _NTF_ID, narrower)
    for ending, text in RUN_MEANINGS.items():
        narrower = {"until": {"type": "string"}} if ending == "waiting" else {"until": {"type": "null"}}
        if ending == "cancelled":
            narrower |= {"reason": _one_of(RUN_CANCELLED_REASONS)}
        if ending == "failed":
            narrower |= {"reason": {"type": "string"}}
        found[f"run.{ending}"] = _record(f"run.{ending}", text, "RunData", _RUN_ID, narrower)
    for name, data in (("applied", "AppliedData"), ("ignored", "IgnoredData")):
        text = ABOUT[getattr(o, data)].text
        found[f"event.{name}"] = _record(f"event.{name}", text, data, f"{_EVENT_ID}{name}$", {})
    text = ABOUT[o.ResolvedData].text
    found["parked.resolved"] = _record("parked.resolved", text, "ResolvedData", "^ntf_[0-9a-f]{32}:resolved$", {})
    return found


def definitions() -> dict[str, Schema]:
    return documents([o.NotificationData, o.RunData, o.AppliedData, o.IgnoredData, o.ResolvedData], ABOUT)


def schemas() -> dict[str, Schema]:
    """By path without ending: any record, and one schema for each type."""
    parts, single = definitions(), records()
    found = {f"outcomes/{name}": published(f"outcomes/{name}", f"Outcome {name}", one, parts)
             for name, one in single.items()}  # fmt: skip
    whole = parts | {f"record.{name}": one for name, one in single.items()}
    any_record = {
        "description": "Any record of the results topic.",
        "anyOf": [{"$ref": f"#/$defs/record.{name}"} for name in single],
    }
    return {"outcomes": published("outcomes", "Outcomes", any_record, whole), **found}
