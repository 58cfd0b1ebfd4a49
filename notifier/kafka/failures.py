"""What can go wrong with Kafka, by what the caller should do about it. aiokafka's own errors do not leave this room."""

from __future__ import annotations

from aiokafka.errors import KafkaError

# Whatever aiokafka may throw when a broker is away, slow or unwilling. `KafkaError` is one tree; a connection that
# cannot be opened and a name that cannot be resolved arrive as they are.
KAFKA_TROUBLE: tuple[type[Exception], ...] = (KafkaError, OSError, TimeoutError)


class AppendFailed(Exception):
    """Nobody knows whether the batch was written: throw the writer away, claim again, restore (design rule 7)."""


class WriteFailed(Exception):
    """The record was not acknowledged: tell whoever sent it to send it again."""


class PositionLost(Exception):
    """Records between the position and the log are gone, or the log is not the one that was read: stop and alert."""


class BrokerAway(Exception):
    """No broker answers: try again later. The message names the addresses that were tried."""


class TopicsUnfit(Exception):
    """The topics are missing or do not fit together: refuse to start. The message names every fault."""


class ConnectionSettingsUnusable(Exception):
    """A file that the connection needs cannot be used: refuse to start. The message names the setting."""
