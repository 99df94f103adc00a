"""Role kafka-broker-receiver."""

from hauberk.dataplane.kafka.receive import run

__all__ = ["run"]
