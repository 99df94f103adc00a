"""A pod as the node reads it: names, typed spec, and the questions that others ask of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json, Ref
from hauberk.kinds.core.container import Container
from hauberk.kinds.core.podspec import PodSpec

DEFAULT_GRACE_S = 30
COUNTED = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Pod:
    """One version of a pod object. `raw` is the object; the rest is read from it once."""

    raw: Json
    uid: str
    namespace: str
    name: str
    spec: PodSpec
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> Ref:
        """The object's name."""
        return Ref("Pod", self.namespace, self.name)

    @property
    def deleting(self) -> bool:
        """Whether deletion has begun."""
        return bool(self.raw["metadata"].get("deletionTimestamp"))

    @property
    def grace_s(self) -> float:
        """Seconds between the end's begin and SIGKILL: the deletion's own, else the spec's."""
        asked = self.raw["metadata"].get("deletionGracePeriodSeconds")
        if self.deleting and asked is not None:
            return float(asked)
        wanted = self.spec.termination_grace_period_seconds
        return float(DEFAULT_GRACE_S if wanted is None else wanted)

    @property
    def restart_policy(self) -> str:
        """Always, OnFailure or Never."""
        return self.spec.restart_policy or "Always"

    @property
    def service_account(self) -> str:
        """The identity the pod runs as."""
        return self.spec.service_account_name or self.spec.service_account or "default"

    @property
    def hostname(self) -> str:
        """The host name inside the pod; at most 63 characters."""
        return (self.spec.hostname or self.name)[:63].rstrip("-.")

    def container(self, name: str) -> Container | None:
        """The container or init container of that name."""
        return next((c for c in self.all_containers() if c.name == name), None)

    def all_containers(self) -> Iterable[Container]:
        """Init containers, then containers, in order."""
        yield from self.spec.init_containers
        yield from self.spec.containers

    def is_init(self, name: str) -> bool:
        """Whether the container is an init container (restartable or not)."""
        return any(c.name == name for c in self.spec.init_containers)


def is_sidecar(container: Container) -> bool:
    """Whether an init container keeps running beside the others (`restartPolicy: Always`)."""
    return container.restart_policy == "Always"


def pod_of(raw: Json) -> Pod:
    """Read a pod object. Raises msgspec.ValidationError with the field's path."""
    meta = raw["metadata"]
    return Pod(
        raw=raw,
        uid=str(meta["uid"]),
        namespace=str(meta.get("namespace") or "default"),
        name=str(meta["name"]),
        spec=msgspec.convert(raw.get("spec") or {}, PodSpec),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
    )


def qos_class(spec: PodSpec) -> str:
    """The pod's class by requests and limits of cpu and memory.

    | every container limits both and asks for as much | any request or limit | class      |
    |----------------------------------------------------------------|----------------------|------------|
    | yes                                                            | -                    | Guaranteed |
    | no                                                             | yes                  | Burstable  |
    | no                                                             | no                   | BestEffort |

    Source: kubernetes pkg/apis/core/v1/helper/qos/qos.go, ComputePodQOS.
    """
    containers = [*spec.init_containers, *spec.containers]
    if all(_is_guaranteed(c) for c in containers) and containers:
        return "Guaranteed"
    asks = any(_counted(c, "requests") or _counted(c, "limits") for c in containers)
    return "Burstable" if asks else "BestEffort"


def _counted(container: Container, what: str) -> dict[str, Any]:
    table = getattr(container.resources, what, None) or {}
    return {k: parse_quantity(v) for k, v in table.items() if k in COUNTED and parse_quantity(v) > 0}


def _is_guaranteed(container: Container) -> bool:
    limits, requests = _counted(container, "limits"), _counted(container, "requests")
    return set(limits) == set(COUNTED) and all(requests.get(k, v) == v for k, v in limits.items())


def named_port(container: Container, port: int | str) -> int:
    """The number behind a port or port name. Raises ValueError as the kubelet words it."""
    if isinstance(port, int):
        return port
    if port.isdigit():
        return int(port)
    for row in container.ports:
        if row.name == port:
            return row.container_port
    raise ValueError(f"couldn't find port: {port!r} in the container's ports")
