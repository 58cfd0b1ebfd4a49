"""Who must not be texted: Twilio refused this sender for this person (21610), or the person said so."""

from __future__ import annotations

from notifier.engine.entities import Notification, OptOut
from notifier.engine.state import State
from notifier.engine.table import opt_out_key, touch

ANY_SENDER = ""  # in the key of an opt-out: the person withdrew the consent before the number was forgotten


def remember_refusal(state: State, n: Notification, now: float) -> None:
    """Twilio said 21610. Of a number that is being forgotten only the hash is kept, where there is one."""
    number = (n.hash if n.forgotten else None) or n.to or ""
    keep_refusal(state, opt_out_key(n.tenant, n.sender or "", number), OptOut(at=now, source="twilio:21610"))


def keep_refusal(state: State, key: str, refusal: OptOut) -> None:
    """The newest word stays."""
    known = state.opt_outs.get(key)
    if known is None or known.at < refusal.at:
        state.opt_outs[key] = refusal
        touch(state, key, bound=True)
