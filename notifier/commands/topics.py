"""`notifier topics plan | create | verify`: the topics of the contract, shown, made, compared."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import typer

from notifier.kafka import topic_checks, topics
from notifier.kafka.connection import client_options
from notifier.settings import Settings
from notifier.settings_source import load_settings

app = typer.Typer(help="The topics: what they should be, making them, comparing them.", no_args_is_help=True)

Partitions = Annotated[int, typer.Option(min=1, help="Partitions of inbox, signals, ledger and results.")]
Replication = Annotated[int, typer.Option(min=1, help="Replicas of each; 1 for a single broker.")]
WithSources = Annotated[bool, typer.Option("--with-sources", help="The producers' topics, too.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command()
def plan(
    partitions: Partitions = topics.DEFAULT_PARTITIONS,
    replication_factor: Replication = topics.DEFAULT_REPLICATION,
    with_sources: WithSources = False,
    as_json: AsJson = False,
) -> None:
    """Show what `create` would make, without asking a broker.

    Example: notifier topics plan --partitions 6 --replication-factor 1
    """
    settings = load_settings()
    wanted = topics.planned(
        settings.topics, partitions=partitions, replication=replication_factor, with_sources=with_sources
    )
    for topic in wanted:
        values = {name: setting.value for name, setting in topic.settings.items()}
        if as_json:
            row = {"topic": topic.name, "partitions": topic.partitions, "replicationFactor": replication_factor}
            typer.echo(json.dumps(row | {"settings": values}))
        else:
            typer.echo(f"{topic.name}: {topic.partitions} partitions, {replication_factor} replicas")
            for name, value in values.items():
                typer.echo(f"  {name}={value}")


@app.command()
def create(
    partitions: Partitions = topics.DEFAULT_PARTITIONS,
    replication_factor: Replication = topics.DEFAULT_REPLICATION,
    with_sources: WithSources = False,
    as_json: AsJson = False,
) -> None:
    """Make the topics that are missing; safe to repeat, changes nothing that exists.

    Example: notifier topics create --partitions 6 --replication-factor 1 --with-sources
    """
    settings = load_settings()
    wanted = topics.planned(
        settings.topics, partitions=partitions, replication=replication_factor, with_sources=with_sources
    )
    created = asyncio.run(_create(settings, wanted, replication_factor))
    for name, is_new in created.items():
        typer.echo(json.dumps({"topic": name, "created": is_new}) if as_json else _told(name, is_new))


@app.command()
def verify(
    replication_factor: Annotated[
        int | None, typer.Option(min=1, help="Replicas that each topic should have; not compared unless given.")
    ] = None,
    with_sources: WithSources = False,
    as_json: AsJson = False,
) -> None:
    """Compare the cluster with the contract: names every difference and exits 1 when there is one.

    Example: notifier topics verify --replication-factor 3
    """
    settings = load_settings()
    wanted = topics.planned(
        settings.topics, replication=replication_factor or topics.DEFAULT_REPLICATION, with_sources=with_sources
    )
    faults = asyncio.run(_compare(settings, wanted, replication_factor))
    for fault in faults:
        typer.echo(json.dumps({"difference": fault}) if as_json else fault)
    if faults:
        typer.echo(f"{len(faults)} difference{'s' if len(faults) > 1 else ''}", err=True)
        raise typer.Exit(1)
    if not as_json:
        typer.echo("all topics are as they should be")


async def _create(settings: Settings, wanted: tuple[topics.Topic, ...], replication: int) -> dict[str, bool]:
    async with topics.admin(client_options(settings.kafka)) as client:
        return await topics.create(client, wanted, replication)


async def _compare(settings: Settings, wanted: tuple[topics.Topic, ...], replication: int | None) -> list[str]:
    async with topics.admin(client_options(settings.kafka)) as client:
        return await topic_checks.differences(client, settings.topics, wanted, replication)


def _told(name: str, is_new: bool) -> str:
    return f"{name}: {'created' if is_new else 'exists'}"
