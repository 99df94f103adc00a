"""Role kafka-channel-dispatcher."""

from hauberk.dataplane.kafka.dispatch import run

__all__ = ["run"]
