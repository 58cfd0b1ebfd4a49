"""What the fields of configuration documents mean, for editors and for programs that write them (contract section 5).

The form comes from `domain.documents`, patterns from `domain.document_checks`; what needs other documents, a list of
time zones or the template language stays with `notifier config validate`.
"""

from __future__ import annotations

from collections.abc import Mapping

from notifier.domain import documents as d
from notifier.domain.catalog import BUILTIN_TEMPLATES
from notifier.domain.cloudevents import CARE_EVENT_TYPE, CONSENT_EVENT_TYPES
from notifier.domain.compiling import SHARED_OWNER
from notifier.domain.document_checks import (
    CLOCK_TIME,
    CONTEXT_PATH,
    DATE_FORMAT,
    E164,
    ENVIRONMENT_NAME,
    NAME,
    SEALED,
    SMS_PARAMETERS,
)
from notifier.domain.schemas.shaping import About, Limited, Schema

_NOT_BLANK = {"pattern": r"\S"}
_ABOVE_ZERO = {"pattern": r"^(?!0+[smhd]$)[0-9]{1,9}[smhd]$", "examples": ["90s", "30m", "24h", "7d"]}
_FROM_ZERO = {"pattern": "^[0-9]{1,9}[smhd]$", "examples": ["0s", "24h"]}
_EVENT_TYPE = {"pattern": f"^{CARE_EVENT_TYPE.pattern}$", "examples": ["order.shipped", "customer.signup"]}
_QUERY: Schema = {"properties": {each: {"type": "array", "items": {"type": "object"}, "minItems": 1}
                                 for each in ("$and", "$or")}}  # fmt: skip
_STORED: Mapping[str, str | Limited] = {
    "version": "Counts up with every change that is stored; an export has it, `config apply` ignores it.",
    "updatedAt": Limited("When it was stored; likewise.", {"format": "date-time"}),
    "updatedBy": "Who stored it; likewise.",
}


def _sid(prefix: str) -> dict[str, str]:
    return {"pattern": f"^{prefix}[0-9a-fA-F]{{32}}$"}


def _one_of(*names: str) -> Schema:
    """Exactly one of these fields is given, null counting as not given."""
    return {"oneOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in names]}


def _kind(name: str) -> Mapping[str, str | Limited]:
    return {"kind": f"`{name}`.", "tenant": "Whose document this is.", **_STORED}


_EXPIRES = Limited("How long after its due time a text is still of use; without it the class decides.", _ABOVE_ZERO)
_NUMBER = Limited("Steps are numbered from 1 without a gap.", {"minimum": 1})

ABOUT: Mapping[type, About] = {
    d.Tenant: About(
        "A property (pms) or an organisation (care): when, how and whether its people are texted.",
        {
            **_kind("Tenant"),
            "tenant": Limited("Its name in every document and event.", {"not": {"const": SHARED_OWNER}}),
            "platform": "`pms`: keys and reservations are texted about by templates; `care`: by workflows.",
            "name": Limited("What people call it: `propertyName` in templates.", _NOT_BLANK),
            "timezone": Limited("IANA time zone of dates in texts and of quiet hours.", {"examples": ["Europe/Oslo"]}),
            "dateTimeFormat": Limited(
                "How times stand in texts, as strftime has it.",
                {"pattern": f"^{DATE_FORMAT.pattern}$", "examples": ["%d/%m/%Y %H:%M"]},
            ),
            "defaultRegion": Limited(
                "Country in which numbers without country code are read; null: they are refused. In quotes, where"
                ' YAML 1.1 readers are about: "NO".',
                {"pattern": "^[A-Z]{2}$", "examples": ["US", "NO"]},
            ),
            "live": "false while it is set up: nothing is sent.",
            "channels": "Which channels are on, and which one is chosen.",
            "timing": "When people are told of a key.",
            "quietHours": "When texts of some classes wait; null: never.",
            "consent": "Whether people have to have agreed.",
            "duplicates": "Whether one person can be told the same twice.",
            "inDoubt": "What happens when nobody knows whether Twilio created a text, by class.",
            "builtinSender": "The platform's own connection, for a tenant without Twilio; null: none is sent.",
        },
    ),
    d.Channels: About(
        "Which channels are on, and which one is chosen.",
        {
            "email": "The platform's own mail service tells people by e-mail.",
            "sms": "People are texted.",
            "policy": "`email_first`: a text only where no e-mail can be; `both`: both where both can be.",
        },
    ),
    d.Timing: About(
        "When people are told of a key.",
        {
            "mode": "`time_based`: by its start; `check_in`: when the guest has checked in.",
            "lead": Limited("How long before the key's start; null: as soon as it is ready.", _FROM_ZERO),
        },
    ),
    d.QuietHours: About(
        "When texts of some classes wait, in the tenant's time zone; over midnight when `from` is later than `to`.",
        {
            "from": Limited("Begin, in quotes.", {"pattern": f"^{CLOCK_TIME.pattern}$", "examples": ["21:00"]}),
            "to": Limited("End, in quotes.", {"pattern": f"^{CLOCK_TIME.pattern}$", "examples": ["08:00"]}),
            "classes": "Of which classes.",
        },
    ),
    d.ConsentPolicy: About("Whether people have to have agreed.", {"required": "null: false for pms, true for care."}),
    d.Duplicates: About(
        "Whether one person can be told the same twice.",
        {"window": Limited("One text per customer and workflow in this time; null: no such limit.", _ABOVE_ZERO)},
    ),
    d.InDoubt: About(
        "What happens without evidence that Twilio created a text: `resend` looks once more and repeats it,"
        " `resend_when_absent` waits until Twilio's list is believed, `park` leaves it to a person.",
        {"code": "Of door codes.", "transactional": "Of other texts that are waited for.", "marketing": "Of the rest."},
    ),
    d.BuiltinSender: About(
        "The platform's own connection.",
        {"connection": Limited(f"`{SHARED_OWNER}`.", {"const": SHARED_OWNER})},
    ),
    d.SecretRef: About(
        "Where a secret is: exactly one of the three.",
        {
            "env": Limited(
                "A variable of the daemon's environment.",
                {"pattern": f"^{ENVIRONMENT_NAME.pattern}$", "examples": ["HARBOUR_TWILIO_TOKEN"]},
            ),
            "file": Limited("A file beside the daemon.", _NOT_BLANK),
            "sealed": Limited(
                "What `notifier secrets seal --tenant …` printed for this tenant.", {"pattern": f"^{SEALED.pattern}$"}
            ),
        },
        _one_of("env", "file", "sealed"),
    ),
    d.ApiKey: About(
        "For the REST calls, in place of the auth token.",
        {"sid": Limited("The key's SID.", _sid("SK")), "secret": "Its secret; plain text in development only."},
    ),
    d.Sender: About(
        "A number or a Messaging Service: exactly one of the two.",
        {
            "from": Limited(
                "A number in E.164 form, in quotes.", {"pattern": rf"^{E164.pattern}$", "examples": ["+15551234567"]}
            ),
            "messagingServiceSid": Limited("A Messaging Service.", _sid("MG")),
            "segmentsPerSecond": Limited("How fast it may send.", {"exclusiveMinimum": 0, "maximum": 10_000}),
        },
        _one_of("from", "messagingServiceSid"),
    ),
    d.Connection: About(
        f"A Twilio account and its senders: a tenant's, or as `{SHARED_OWNER}` the one that tenants share.",
        {
            **_kind("Connection"),
            "provider": "`twilio`.",
            "accountSid": Limited("The account.", _sid("AC")),
            "authToken": "Signs callbacks, and signs in where there is no API key; plain text in development only.",
            "apiKey": "For the REST calls; null: the auth token.",
            "senders": "What may send; the first is taken where nothing else is asked for.",
        },
    ),
    d.Template: About(
        "A tenant's own words for a text about a key; without it the built-in ones are used.",
        {
            **_kind("Template"),
            "name": Limited("Which text.", {"enum": list(BUILTIN_TEMPLATES)}),
            "class": "Expiry, quiet hours and what happens in doubt; null: `code`.",
            "body": Limited("Mustache with `{{a | b}}`; `template variables` lists what may stand in it.", _NOT_BLANK),
            "expiresAfter": Limited("How long after its due time it is of use; null: to the key's end.", _ABOVE_ZERO),
        },
    ),
    d.Trigger: About(
        "What starts a run.",
        {
            "type": Limited("The name of a care event.", {**_EVENT_TYPE, "not": {"enum": sorted(CONSENT_EVENT_TYPES)}}),
            "filter": Limited("A MongoDB query on the payload; without one every event matches.", _QUERY),
        },
    ),
    d.CancelOn: About(
        "An event that ends runs that wait.",
        {
            "type": Limited("The name of a care event.", _EVENT_TYPE),
            "match": "Fields of that event, and templates of the run's payload that they must equal.",
        },
    ),
    d.DelayStep: About("Waits.", {"number": _NUMBER, "kind": "`delay`.", "for": Limited("How long.", _ABOVE_ZERO)}),
    d.ConditionStep: About(
        "Goes on, jumps or ends.",
        {
            "number": _NUMBER,
            "kind": "`condition`.",
            "logic": Limited("A MongoDB query.", _QUERY),
            "contextPath": Limited(
                "What is looked at; null: the trigger's payload.",
                {"pattern": f"^{CONTEXT_PATH.pattern}$", "examples": ["history.2.result"]},
            ),
            "ifFalseGoTo": Limited("The number of another step; null: the run ends.", {"minimum": 1}),
        },
    ),
    d.AdapterStep: About(
        "Sends a text.",
        {
            "number": _NUMBER,
            "kind": "`adapter`.",
            "adapter": "`twilio`.",
            "function": "`sendSMS`.",
            "parameters": Limited(
                "Templates over the payload and `history`; without `fromPhone` the connection's first sender.",
                {
                    "properties": {
                        name: {"type": "string", **(_NOT_BLANK if required else {})}
                        for name, required in SMS_PARAMETERS.items()
                    },
                    "required": [name for name, required in SMS_PARAMETERS.items() if required],
                    "additionalProperties": False,
                },
            ),
        },
    ),
    d.CrmActionStep: About(
        "Reads a record anew; its result is `history.<number>.result`.",
        {
            "number": _NUMBER,
            "kind": "`crmAction`.",
            "function": Limited("Which record.", {"minLength": 1, "examples": ["getOrder", "getCustomer"]}),
            "parameters": Limited("Templates.", {"examples": [{"id": "{{_id}}"}]}),
        },
    ),
    d.Workflow: About(
        "What a care tenant does about an event.",
        {
            **_kind("Workflow"),
            "name": Limited("Its name within the tenant.", {"pattern": f"^{NAME.pattern}$"}),
            "trigger": "What starts a run.",
            "steps": Limited("What is done, in this order unless a condition jumps.", {"minItems": 1}),
            "enabled": "false: nothing starts it.",
            "class": "Expiry, quiet hours and what happens in doubt.",
            "expiresAfter": _EXPIRES,
            "cancelOn": "Events that end runs that wait.",
            "runs": "`latest`: a newer event of the same subject replaces a run that waits.",
        },
    ),
    d.Halt: About(
        d.Halt.__doc__ or "",
        {
            **_kind("Halt"),
            "name": "`topic:partition`.",
            "offset": "Where reading goes on after the resume.",
            "reason": "Why it stopped.",
        },
    ),
    d.Pause: About(d.Pause.__doc__ or "", _kind("Pause")),
}
