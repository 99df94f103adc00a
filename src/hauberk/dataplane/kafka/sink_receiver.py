"""Role kafka-sink-receiver."""

from hauberk.dataplane.kafka.receive import run

__all__ = ["run"]
