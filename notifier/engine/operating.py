"""What operators ask for over `notifier.signals`, each carried out once, in the order in which it was asked."""

from __future__ import annotations

from notifier.domain.signals import Command, DropParked, Forget, ResendParked
from notifier.engine.forgetting import forget
from notifier.engine.parking import ask_resend, drop
from notifier.engine.state import State


def carry_out(state: State, command: Command, now: float) -> None:
    match command:
        case ResendParked(notification_id=notification_id):
            ask_resend(state, notification_id, now)
        case DropParked(notification_id=notification_id):
            drop(state, notification_id, now)
        case Forget(tenant=tenant, phone=phone):
            forget(state, tenant, phone)
