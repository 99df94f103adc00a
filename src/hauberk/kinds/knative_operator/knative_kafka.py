"""KnativeKafka operator.serverless.openshift.io/v1alpha1: what an admin may say about Kafka for Knative.

Stored; no Kafka component runs on the embedded cluster yet, and the status says so.
Source: openshift-knative/serverless-operator knative-operator/pkg/apis/operator/v1alpha1/
  knativekafka_types.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds import placeholders
from hauberk.kinds.knative_operator.knative_serving import COLUMNS
from hauberk.kinds.meta import Kind, ObjectMeta, Part


class KafkaSpec(Part, frozen=True):
    """Nothing in it acts yet."""

    __inert__ = (
        "broker", "source", "sink", "channel", "high-availability", "logging", "workloads", "config",
        "monitoring",
    )  # fmt: skip


class KnativeKafka(Part, frozen=True):
    """An installation of the Kafka broker, channel, source and sink."""

    metadata: ObjectMeta
    spec: KafkaSpec = KafkaSpec()
    status: dict[str, Any] | None = None


def advice(raw: Json) -> Iterator[str]:
    """The document's `sink` under `broker`: a real cluster prunes it, and KafkaSink stays off."""
    broker = (raw.get("spec") or {}).get("broker") or {}
    if "sink" in broker:
        yield (
            "spec.broker.sink: unknown field, so KafkaSink stays off. It belongs one level higher: "
            "`spec.sink.enabled: true`, beside `broker`, not below it"
        )


def strict(raw: Json) -> FieldErrors:
    """Placeholders that were left in."""
    yield from placeholders.left_in(raw)


KIND = Kind(
    group="operator.serverless.openshift.io",
    name="KnativeKafka",
    plural="knativekafkas",
    model=KnativeKafka,
    versions=("v1alpha1",),
    advice=advice,
    strict=strict,
    columns=COLUMNS,
)
