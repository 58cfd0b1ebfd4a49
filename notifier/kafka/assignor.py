"""Who should own which partition: a pure function of the names of the members, computed by the group's leader.

Rendezvous hashing with bounded load: every pair of partition and member has a weight, the heaviest pairs come first,
and nobody gets more than one partition more than anybody else. So a member that comes or goes moves little, and the
same members get the same partitions, without any history (aiokafka's sticky assignor keeps its on the class: A11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

NAME = "notifier-rendezvous"
_VERSION = 0

Place = tuple[str, int]  # topic, partition


def divided(places: Iterable[Place], members: Mapping[str, str]) -> dict[str, list[Place]]:
    """Each place to one member. `members` maps the group's member ids to stable instance ids (need not differ)."""
    unassigned = set(places)
    shares: dict[str, list[Place]] = {member: [] for member in members}
    if not members:
        return shares
    least, extra = divmod(len(unassigned), len(members))
    for _, place, member in sorted(_weighed(unassigned, members), reverse=True):
        share = shares[member]
        if place not in unassigned or len(share) > least or (len(share) == least and extra == 0):
            continue
        if len(share) == least:
            extra -= 1
        share.append(place)
        unassigned.remove(place)
    return {member: sorted(share) for member, share in shares.items()}


def _weighed(places: set[Place], members: Mapping[str, str]) -> Iterable[tuple[bytes, Place, str]]:
    for topic, partition in places:
        for member, instance in members.items():
            named = f"{len(topic)}:{topic}:{partition}:{instance}".encode()
            yield blake2b(named, digest_size=8).digest(), (topic, partition), member


class RendezvousAssignor:
    """`divided` in the form that aiokafka's coordinator calls: an instance where it expects a class, so that nothing
    is shared between two members in one process."""

    name = NAME

    def __init__(self, instance: str) -> None:
        self._instance = instance

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(_VERSION, sorted(topics), self._instance.encode())

    def assign(self, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """`cluster` and the members' metadata are aiokafka's, which ships no types."""
        topics = {topic for metadata in members.values() for topic in metadata.subscription}
        places = [(topic, number) for topic in topics for number in cluster.partitions_for_topic(topic) or ()]
        instances = {member: bytes(metadata.user_data or b"").decode() for member, metadata in members.items()}
        return {member: _assignment(share) for member, share in divided(places, instances).items()}

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        """Nothing to remember."""


def _assignment(share: list[Place]) -> ConsumerProtocolMemberAssignment:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in share:
        by_topic.setdefault(topic, []).append(partition)
    return ConsumerProtocolMemberAssignment(_VERSION, list(by_topic.items()), b"")
