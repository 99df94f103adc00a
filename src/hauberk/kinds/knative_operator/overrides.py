"""What KnativeServing, KnativeEventing and KnativeKafka have in common: workload overrides and `config`.

Source: knative/operator pkg/apis/operator/base/common.go (CommonSpec, WorkloadOverride).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta

from hauberk.base.refs import Json
from hauberk.kinds.meta import Part, merge_by

METRICS_KEY = "metrics.backend-destination"


class EnvOverride(Part, frozen=True):
    """Environment of one container."""

    container: str
    env_vars: tuple[dict[str, Any], ...] = ()


class ResourceOverride(Part, frozen=True):
    """Resources of one container."""

    container: str
    limits: dict[str, Any] | None = None
    requests: dict[str, Any] | None = None


class ProbeOverride(Part, frozen=True):
    """Probe settings of one container."""

    container: str
    initial_delay_seconds: int | None = None
    timeout_seconds: int | None = None
    period_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class Override(Part, frozen=True):
    """Changes to one workload of the component. Labels and annotations reach the pods."""

    name: str
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    replicas: Annotated[int, Meta(ge=0)] | None = None
    env: tuple[EnvOverride, ...] = ()
    resources: tuple[ResourceOverride, ...] = ()
    readiness_probes: tuple[ProbeOverride, ...] = ()
    liveness_probes: tuple[ProbeOverride, ...] = ()

    __inert__ = (
        "nodeSelector", "topologySpreadConstraints", "tolerations", "affinity", "volumeMounts", "hostNetwork",
        "hostPID", "version",
    )  # fmt: skip


Overrides = Annotated[tuple[Override, ...], merge_by("name")]


class HighAvailability(Part, frozen=True):
    """How many replicas every component has."""

    replicas: Annotated[int, Meta(ge=0)] = 1


CONFIG_PREFIX = "config-"


def config_map_name(key: str) -> str:
    """The ConfigMap that `spec.config.KEY` means: the prefix `config-` may be left out."""
    return key if key.startswith(CONFIG_PREFIX) or key in UNPREFIXED else f"{CONFIG_PREFIX}{key}"


UNPREFIXED = ("default-ch-webhook",)


def unknown_names(raw: Json, workloads: Collection[str], configs: Collection[str]) -> Iterator[str]:
    """Warnings for overrides and ConfigMaps that name nothing: upstream ignores them in silence."""
    spec = raw.get("spec") or {}
    for field in ("deployments", "workloads"):
        for i, row in enumerate(spec.get(field) or ()):
            name = row.get("name") if isinstance(row, Mapping) else None
            if isinstance(name, str) and name not in workloads:
                yield f"spec.{field}[{i}].name: there is no workload {name!r}; it has no effect"
    for key in spec.get("config") or {}:
        if config_map_name(str(key)) not in configs:
            yield f"spec.config.{key}: there is no ConfigMap {config_map_name(str(key))!r}; it has no effect"


def metrics_key(raw: Json) -> Iterator[str]:
    """A Warning for the metrics key that newer operators ignore."""
    config = (raw.get("spec") or {}).get("config") or {}
    for name in ("observability", "config-observability"):
        if METRICS_KEY in (config.get(name) or {}):
            yield (
                f"spec.config.{name}.{METRICS_KEY}: OpenShift Serverless 1.38 and later ignore this key: "
                "there it is `metrics-protocol`"
            )
