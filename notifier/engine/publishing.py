"""Outcomes on their way to the results topic, only from acknowledged ledger states (design section 2, rule 5)."""

from __future__ import annotations

from notifier.engine.commands import Publish
from notifier.engine.state import Batch, State
from notifier.engine.table import entity, outcomes_of


def publish_written(state: State, batch: Batch) -> None:
    """The batch is acknowledged and the fence held: what it says for the first time may be said to the world."""
    publication = state.publication
    for written in batch.written:
        kept = {outcome.id for outcome in outcomes_of(entity(state, written.key))} if written.outcomes else ()
        for outcome in written.outcomes:
            if outcome.id in publication.under_way or outcome.id not in kept:
                continue  # on its way, or acknowledged while this batch was in flight
            publication.under_way[outcome.id] = (written.key, batch.first)
            publication.open[batch.first] = publication.open.get(batch.first, 0) + 1
            state.commands.append(Publish(outcome))


def publish_again(state: State) -> None:
    """After a restore: everything that stands above what was acknowledged, in the order of the log."""
    order = sorted(state.publication.under_way.items(), key=lambda item: item[1][1])
    for outcome_id, (key, _) in order:
        for outcome in outcomes_of(entity(state, key)):
            if outcome.id == outcome_id:
                state.commands.append(Publish(outcome))


def published(state: State, outcome_ids: tuple[str, ...]) -> list[str]:
    """Forget what the results topic has; returns the keys whose last outcome that was."""
    publication = state.publication
    done: list[str] = []
    for outcome_id in outcome_ids:
        found = publication.under_way.pop(outcome_id, None)
        if found is None:
            continue
        key, offset = found
        publication.open[offset] -= 1
        outcomes = outcomes_of(entity(state, key))
        outcomes[:] = [outcome for outcome in outcomes if outcome.id != outcome_id]
        if not outcomes:
            done.append(key)
    for offset in list(publication.open):
        if publication.open[offset] > 0:
            break
        del publication.open[offset]
    state.positions.published_up_to = _acknowledged_below(state)
    return done


def _acknowledged_below(state: State) -> int:
    ledger = state.ledger
    waiting = [batch.first for batch in ledger.held] + ([ledger.gap.first] if ledger.gap else [])
    return min([next(iter(state.publication.open), ledger.last + 1), *waiting])
