"""What every status and reason means, in words, and what would change it: one sentence of each (contract section 6).

Data only. `notifier explain` says these sentences and `docs/reference/outcomes.md` is made from them, so that a reason
is explained in one place. They are written for whoever reads an outcome and asks what to do; no sentence holds a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """`what` it says; `change`: what would make it otherwise, empty where nothing has to."""

    what: str
    change: str = ""


STATUSES: Mapping[str, Meaning] = {
    "scheduled": Meaning("Its time has not come."),
    "held": Meaning("It waits for something other than time."),
    "accepted": Meaning("Twilio has taken the text."),
    "sent": Meaning("The carrier has taken the text."),
    "delivered": Meaning("The text has reached the phone."),
    "unconfirmed": Meaning(
        "The carrier took the text and never said what became of it.",
        "Nothing is to be done; it counts as gone out and is not sent again.",
    ),
    "undelivered": Meaning("Twilio took the text, and it did not reach the phone."),
    "failed": Meaning("Twilio refused the text, or gave up on it."),
    "skipped": Meaning("On purpose nothing was sent."),
    "delegated": Meaning("The platform's own mail service tells this person."),
    "cancelled": Meaning("It was taken back before it went out."),
    "unknown": Meaning(
        "Whether Twilio created the text is not known; evidence is looked for first.",
        "It settles itself: by a callback, by Twilio's list, or by the policy `inDoubt` of the tenant.",
    ),
    "parked": Meaning("Whether it went out could not be found out, and a person has to decide."),
}

_FAILURES: Mapping[str, Meaning] = {
    "bad_recipient": Meaning(
        "The number does not take texts: it does not exist, is a landline, or cannot be reached.",
        "A corrected number in a new event; the same number will fail again.",
    ),
    "suppressed": Meaning(
        "The person opted out of this sender at Twilio (error 21610); that is remembered as an opt-out.",
        "Only the person can change it, by texting START to the sender.",
    ),
    "bad_request": Meaning(
        "Twilio refuses this text as it is: empty, too long, or a parameter that it does not take.",
        "A change of the template or the workflow; the detail says what Twilio refused.",
    ),
    "filtered": Meaning(
        "Carriers filtered the text as unwanted (30007, 21618).",
        "Another wording, without shortened links, or a registered sender.",
    ),
    "destination": Meaning(
        "The recipient's country or the route to it is not open for this account or sender.",
        "Open the country under Twilio's geographic permissions, or use a sender that is allowed there.",
    ),
    "carrier": Meaning(
        "A carrier failed or refused the text without a reason that would name the number or the content.",
        "Nothing on this side; where it repeats, Twilio's log of the message and the sender's registration.",
    ),
    "expired_in_queue": Meaning(
        "Twilio kept the text until its validity ended, since more was asked of the sender than it can send.",
        "More senders, or a lower rate in the Connection.",
    ),
    "exhausted": Meaning(
        "All attempts are used up, and each failed with what might have passed by itself.",
        "A new event once the cause is gone; the attempts before name it.",
    ),
}

REASONS: Mapping[str, Mapping[str, Meaning]] = {
    "scheduled": {
        "lead_time": Meaning(
            "It goes out at its due time, as `timing` of the tenant or a step of the workflow says.",
            "A change of the key's start, or of the tenant's lead.",
        ),
        "quiet_hours": Meaning(
            "It is night at the tenant, and texts of this class wait for the morning.",
            "The end of the quiet hours, or a change of `quietHours`.",
        ),
        "retry": Meaning(
            "The attempt before it certainly sent nothing, or was settled without evidence; the next one follows.",
            "It repeats itself until it gets through or is past its use.",
        ),
    },
    "held": {
        "awaiting_check_in": Meaning("The guest has not checked in yet.", "An event `reservation.checked_in`."),
        "awaiting_credential": Meaning(
            "The key has no door code and no link yet.",
            "A `key.ready` or `key.updated` that carries one; the same notification then goes out.",
        ),
        "connection_broken": Meaning(
            "Twilio refuses the account, or its secret cannot be opened; everything of this Connection waits.",
            "A new version of the Connection, or a probe that gets through; `notifier connection check` says more.",
        ),
        "sender_held": Meaning(
            "Twilio refuses the sender; what would go out from it waits, other senders go on.",
            "A sender that belongs to the account, in a new version of the Connection, or a probe that gets through.",
        ),
        "not_live": Meaning(
            "The tenant is not live yet (`live: false`).", "`live: true`; what is still of use then goes out."
        ),
        "paused": Meaning(
            "Sending was stopped by `notifier pause`.", "`notifier resume`; what is still of use then goes out."
        ),
    },
    "undelivered": _FAILURES,
    "failed": _FAILURES,
    "skipped": {
        "no_contact": Meaning(
            "The person has neither a phone nor an e-mail address.", "A contact in an event `key.updated`."
        ),
        "no_phone": Meaning(
            "The person has no phone, and e-mail is off for this tenant.",
            "A phone number in an event `key.updated`, or `channels.email: true`.",
        ),
        "invalid_recipient": Meaning(
            "What stands where the phone number belongs is none, or `toPhone` comes to nothing.",
            "A number with country code, or `defaultRegion` of the tenant for numbers without one.",
        ),
        "sms_disabled": Meaning(
            "Texts are off for this tenant, and the person has no e-mail address.",
            "`channels.sms: true`, or an e-mail address.",
        ),
        "notifications_disabled": Meaning(
            "E-mail and texts are both off for this tenant.", "`channels.email` or `channels.sms: true`."
        ),
        "not_live": Meaning(
            "The tenant is not live (`live: false`), and the text was not to be kept or was of no use any more.",
            "`live: true` before the next event.",
        ),
        "no_template": Meaning("There is no template for this text.", "A Template of that name."),
        "empty_message": Meaning(
            "The text comes to nothing once its variables are filled in.",
            "A template that has words of its own; `notifier template render` shows it.",
        ),
        "no_sender": Meaning("The Connection has no senders.", "An entry under `senders` of the Connection."),
        "sender_not_approved": Meaning(
            "`fromPhone` of the workflow is none of the senders of the Connection.",
            "That number under `senders` of the Connection, or another `fromPhone`.",
        ),
        "sms_provider_not_connected": Meaning(
            "The tenant has no Connection to Twilio and no `builtinSender`.", "A Connection, or a `builtinSender`."
        ),
        "opted_out": Meaning(
            "The person said STOP to this sender, or Twilio reported that they did; that always wins.",
            "Only the person can change it, by texting START to the sender.",
        ),
        "no_consent": Meaning(
            "The tenant asks for consent, and this person has given none or withdrew it.",
            "An event `consent.given`, or `notifier consent import`.",
        ),
        "duplicate_window": Meaning(
            "The same person had a text of this workflow within `duplicates.window`.",
            "The end of the window, or a shorter one.",
        ),
        "expired": Meaning(
            "It was past its use when its turn came: the key had ended, or `expiresAfter` was over.",
            "The steps before say what it waited for; a longer `expiresAfter` would have kept it.",
        ),
        "rate_limited": Meaning(
            "Share Credential was pressed for the same key and destination less than 3 minutes before.",
            "Press it again after 3 minutes.",
        ),
        "recipient_not_allowed": Meaning(
            "This is not `production`, and the number is none of `NOTIFIER_SAFETY__ALLOWED_RECIPIENTS`.",
            "That number in the setting, or `NOTIFIER_ENVIRONMENT=production`.",
        ),
        "key_not_active": Meaning(
            "The key was past or revoked, or its stay was cancelled, when the event arrived.",
            "A key that is upcoming or active, in a new event.",
        ),
    },
    "delegated": {
        "email_first": Meaning(
            "The person has an e-mail address, and `channels.policy` is `email_first`.",
            "`channels.policy: both`, or `channels.email: false`.",
        ),
        "both": Meaning("`channels.policy` is `both`: this is the e-mail half, the text is a notification of its own."),
        "shared_by_email": Meaning("Staff chose e-mail when they pressed Share Credential."),
    },
    "cancelled": {
        "superseded": Meaning(
            "A newer event of the same key or run made it needless, or its person is no longer of the key."
        ),
        "key_revoked": Meaning("The key was withdrawn before the text went out."),
        "reservation_cancelled": Meaning("The stay was cancelled before the text went out."),
        "cancelled_by_event": Meaning("An event that `cancelOn` of the workflow names arrived before it went out."),
        "workflow_removed": Meaning(
            "The workflow was deleted or disabled before it went out.", "The workflow in force when the event comes."
        ),
        "tenant_removed": Meaning(
            "The tenant was removed from the configuration before it went out.", "The tenant in force again."
        ),
    },
    "unknown": {
        "time_out": Meaning("Twilio did not answer within `NOTIFIER_TWILIO__TIMEOUT`."),
        "connection_lost": Meaning("The connection broke after the request had begun."),
        "server_error": Meaning("Twilio answered that something went wrong on its side."),
        "takeover": Meaning("The process that was sending it stopped; its successor does not know how that ended."),
    },
    "parked": {
        "unresolved": Meaning(
            "No evidence shows that it went out, and the policy `inDoubt` of its class is `park`.",
            "`notifier parked resend` looks once more and sends it again, `notifier parked drop` lets it be; 7 days.",
        ),
        "too_late_to_repeat": Meaning(
            "No evidence shows that it went out, and meanwhile it was cancelled, overtaken or past its use.",
            "`notifier parked resend` sends it all the same, `notifier parked drop` lets it be; 7 days.",
        ),
    },
}

DETAILS: Mapping[str, str] = {
    "intent_late": "The ledger took too long to store the attempt, so that nothing was sent for it.",
    "resent_without_evidence": "No evidence of the first one was found in time; if it did go out, this is a second.",
}

IGNORED: Mapping[str, Meaning] = {
    "no_matching_workflow": Meaning(
        "No enabled workflow of the tenant has this event type as its trigger and a filter that lets it through.",
        "A workflow for this type, enabled, or another filter; `notifier workflow test` tries one.",
    ),
    "no_effect": Meaning("It was read and changed nothing: nobody was to be told, and nothing waited for it."),
    "stale_version": Meaning(
        "A newer or equal version of the same key was seen before.", "A `version` above the last one of the key."
    ),
}

NO_EFFECT: Mapping[str, str] = {
    "key.ready": "Everybody of the key had been told, or had a notification waiting, already.",
    "key.updated": "No `key.ready` came before it, or nobody new is on the key and nothing waited.",
    "doorcode.changed": "Only who got a first text of the key is told of a new code, and nobody had got one.",
    "key.revoked": "Nothing of this key was waiting.",
    "reservation.cancelled": "Nothing of this key was waiting.",
    "reservation.checked_in": "Nothing of this key was waiting for the check-in.",
    "consent.given": "The person's newest word is the same or later, or the phone is no number.",
    "consent.withdrawn": "The person's newest word is the same or later, or the phone is no number.",
}

RUNS: Mapping[str, Meaning] = {
    "run.waiting": Meaning("The run waits at a delay."),
    "run.completed": Meaning("The run reached its end."),
    "run.exited": Meaning("A condition of the workflow was false, and the run ended there."),
    "run.failed": Meaning("A step failed, and the run ended there."),
    "run.cancelled": Meaning("The run was taken back before it reached its end."),
}

DEAD_LETTERS: Mapping[str, Meaning] = {
    "too_large": Meaning(
        "The value is above `NOTIFIER_INGEST__MAX_EVENT_BYTES`.", "A smaller event, or a higher limit and a replay."
    ),
    "not_json": Meaning("The value is no JSON in UTF-8, or is empty.", "The producer has to publish it again."),
    "not_a_cloudevent": Meaning(
        "`specversion`, `id`, `source` or `type` is missing or of another form.",
        "The producer has to publish it again.",
    ),
    "unknown_event_type": Meaning(
        "There is no such PMS event, or a care event's name is not `word.word`.",
        "The topic of the other platform, if it was sent to the wrong one; else the producer.",
    ),
    "no_tenant": Meaning("Neither `tenant` nor the field of `data` that stands for it is there.", "The producer."),
    "unknown_tenant": Meaning(
        "The tenant is not configured, or for the other platform.",
        "`notifier config apply` with the Tenant, then `notifier dead-letters replay`.",
    ),
    "invalid_data": Meaning(
        "A field of `data` is missing or of another type; the detail names it.", "The producer has to publish it again."
    ),
}


_OF_RUNS: Mapping[str, Meaning] = {
    "unsupported_step": Meaning(
        "The workflow has steps that this version cannot run.", "A newer version of the notifier, or other steps."
    ),
}


def meaning_of(status: str, reason: str | None) -> Meaning | None:
    """Of the reason, or of the status where it has none of its own; None for a status that nobody here knows."""
    return REASONS.get(status, {}).get(reason or "") or STATUSES.get(status)


def meaning_of_run(ending: str, reason: str | None) -> Meaning | None:
    """Why a run ended as `ending` (`run.failed`, …): in the words of the notification that decided it."""
    deciding = ("cancelled",) if ending == "run.cancelled" else ("failed", "parked", "skipped")
    found = (REASONS[status].get(reason or "") for status in deciding)
    return next((meaning for meaning in found if meaning), None) or _OF_RUNS.get(reason or "") or RUNS.get(ending)
