"""The last look before a text goes out: still of use, still wanted, and what it says.

A PMS text is rendered here, from the key as it stands now; a workflow's text was rendered from its event.
"""

from __future__ import annotations

from notifier.domain.catalog import BUILTIN_TEMPLATES, TemplateConfig, TenantConfig
from notifier.domain.channel_rules import SHARE_RULE, variables
from notifier.domain.events import Person
from notifier.domain.outcomes import TemplateRef
from notifier.domain.segments import measure
from notifier.engine.entities import KeyState, Notification
from notifier.engine.refusals import ANY_SENDER
from notifier.engine.state import State
from notifier.engine.table import consent_key, key_key, opt_out_key


def refusal(state: State, n: Notification, now: float) -> str | None:
    """Why this text must not go out any more, as a reason of `skipped`; None when it may."""
    if now >= n.deadline:
        return "expired"
    allowed = state.config.allowed_recipients
    if allowed is not None and n.to not in allowed:
        return "recipient_not_allowed"
    tenant = state.catalog.tenants.get(n.tenant)
    return consent_refusal(state, n, required=tenant is not None and tenant.consent_required)


def consent_refusal(state: State, n: Notification, *, required: bool) -> str | None:
    """seed-systems.md B20: no consent is no text, and STOP always wins."""
    names = (n.to or "", n.hash or "")  # a number that was forgotten is known by its hash alone
    if any(opt_out_key(n.tenant, n.sender or "", name) in state.opt_outs for name in names):
        return "opted_out"
    consent = state.consents.get(consent_key(n.tenant, names[0]))
    withdrawn = state.opt_outs.get(opt_out_key(n.tenant, ANY_SENDER, names[1]))
    if withdrawn is not None and (consent is None or consent.at <= withdrawn.at):
        return "no_consent"
    if consent is None:
        return "no_consent" if required else None
    return None if consent.given else "no_consent"


def render_from_key(state: State, n: Notification) -> str | None:
    """Fill in the text of a PMS notification; returns a reason of `skipped` when there is none to send."""
    tenant = state.catalog.tenants.get(n.tenant)
    key = state.keys.get(key_key(n.tenant, n.key_id or ""))
    person = None if key is None else find_person(key, n.person)
    if n.rule == SHARE_RULE and person is None:
        person = Person()  # staff chose the destination; whose it is need not be known
    if tenant is None or key is None or person is None:
        return "no_template"
    template = template_for(tenant, n)
    if template is None:
        return "no_template"
    text = template.template.render(variables(tenant, key.key, person)).text
    if not text.strip():
        return "empty_message"
    measured = measure(text)
    n.body, n.segments, n.encoding = text, measured.count, measured.encoding
    n.template = TemplateRef(template.name, template.version)
    n.without_credential = n.rule == SHARE_RULE and not key.key.has_credential
    return None


def template_for(tenant: TenantConfig, n: Notification) -> TemplateConfig | None:
    """seed-systems.md A4: custom templates belong to the tenant's own connection, the built-in sender uses defaults."""
    name = "key_is_ready" if n.rule == SHARE_RULE else n.rule
    own = tenant.connection is not None and n.connection == tenant.connection.owner
    return (tenant.templates.get(name) if own else None) or BUILTIN_TEMPLATES.get(name)


def find_person(state: KeyState, name: str) -> Person | None:
    for position, person in enumerate(state.key.persons):
        if person_name(person, position) == name:
            return person
    return None


def person_name(person: Person, position: int) -> str:
    """The person's id, or its position: what identifies it within its key."""
    return person.id or f"#{position}"
