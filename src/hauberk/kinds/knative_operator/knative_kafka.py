"""KnativeKafka operator.serverless.openshift.io/v1alpha1: what an admin may say about Kafka for Knative.

Stored; no Kafka component runs on the embedded cluster yet, and the status says so.
Source: openshift-knative/serverless-operator knative-operator/pkg/apis/operator/v1alpha1/
  knativekafka_types.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
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


def strict(raw: Json) -> FieldErrors:
    """The document's `sink` under `broker`, and placeholders that were left in.

    A real cluster refuses an unknown field under kubectl's strict validation, and prunes it without:
    then KafkaSink stays off.
    """
    broker = (raw.get("spec") or {}).get("broker") or {}
    if "sink" in broker:
        yield FieldError(
            "spec.broker.sink",
            "unknown field, so KafkaSink stays off. It belongs one level higher: "
            "`spec.sink.enabled: true`, beside `broker`, not below it",
        )
    yield from placeholders.left_in(raw)


KIND = Kind(
    group="operator.serverless.openshift.io",
    name="KnativeKafka",
    plural="knativekafkas",
    model=KnativeKafka,
    versions=("v1alpha1",),
    strict=strict,
    columns=COLUMNS,
)
