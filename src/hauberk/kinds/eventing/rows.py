"""The rows of the eventing kinds that are only stored.

Source: knative/eventing config/core/resources and knative-extensions/eventing-kafka-broker
control-plane/config (names, short names, categories, print columns).
"""

from __future__ import annotations

from typing import Any

from hauberk.kinds.eventing.stored import AGE, READY, SINK, URL, stored_kind
from hauberk.kinds.meta import Column, Kind

_SOURCES = ("all", "knative", "sources")
_MESSAGING = ("all", "knative", "messaging", "channel")
_SCHEDULE = Column("Schedule", ".spec.schedule")
_TOPICS = Column("Topics", ".spec.topics")
_SERVERS = Column("BootstrapServers", ".spec.bootstrapServers")

MESSAGING: tuple[Kind[Any], ...] = (
    stored_kind(
        "messaging.knative.dev",
        "KafkaChannel",
        "kafkachannels",
        versions=("v1beta1",),
        columns=(URL, AGE, *READY),
        short_names=("kc",),
        categories=_MESSAGING,
    ),
)

SOURCES: tuple[Kind[Any], ...] = (
    stored_kind(
        "sources.knative.dev",
        "PingSource",
        "pingsources",
        required=("sink",),
        columns=(SINK, _SCHEDULE, AGE, *READY),
        categories=_SOURCES,
    ),
    stored_kind(
        "sources.knative.dev",
        "ApiServerSource",
        "apiserversources",
        required=("resources", "sink"),
        columns=(SINK, AGE, *READY),
        categories=_SOURCES,
    ),
    stored_kind(
        "sources.knative.dev",
        "ContainerSource",
        "containersources",
        required=("template", "sink"),
        columns=(SINK, AGE, *READY),
        categories=_SOURCES,
    ),
    stored_kind(
        "sources.knative.dev",
        "SinkBinding",
        "sinkbindings",
        required=("subject", "sink"),
        columns=(SINK, AGE, *READY),
        categories=(*_SOURCES, "bindings"),
    ),
    stored_kind(
        "sources.knative.dev",
        "KafkaSource",
        "kafkasources",
        versions=("v1", "v1beta1"),
        required=("topics", "bootstrapServers", "sink"),
        columns=(_TOPICS, _SERVERS, *READY, AGE),
        categories=_SOURCES,
    ),
)

SINKS: tuple[Kind[Any], ...] = (
    stored_kind(
        "eventing.knative.dev",
        "KafkaSink",
        "kafkasinks",
        versions=("v1alpha1",),
        required=("topic", "bootstrapServers"),
        columns=(URL, AGE, *READY),
        categories=("all", "knative", "eventing"),
    ),
    stored_kind(
        "sinks.knative.dev",
        "JobSink",
        "jobsinks",
        versions=("v1alpha1",),
        columns=(URL, AGE, *READY),
        categories=("all", "knative", "eventing", "sinks"),
    ),
)

FLOWS: tuple[Kind[Any], ...] = (
    stored_kind(
        "flows.knative.dev",
        "Sequence",
        "sequences",
        required=("steps",),
        columns=(URL, AGE, *READY),
        categories=("all", "knative", "flows"),
    ),
    stored_kind(
        "flows.knative.dev",
        "Parallel",
        "parallels",
        required=("branches",),
        columns=(URL, AGE, *READY),
        categories=("all", "knative", "flows"),
    ),
)
