"""Printer columns that the eventing kinds share.

Source: knative/eventing config/core/resources; knative-extensions/eventing-kafka-broker control-plane/config.
"""

from __future__ import annotations

from hauberk.kinds.meta import Column

READY = (
    Column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason'),
)
AGE = Column("Age", ".metadata.creationTimestamp", "date")
URL = Column("URL", ".status.address.url")
SINK = Column("Sink", ".status.sinkUri")
SUBSCRIBER = Column("Subscriber_URI", ".status.subscriberUri")
