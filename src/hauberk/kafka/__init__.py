"""Knative for Apache Kafka: channels, brokers, sources and sinks as controllers and contracts."""

from hauberk.kafka.controllers import controllers
from hauberk.kafka.roles import ROLES

__all__ = ["ROLES", "controllers"]
