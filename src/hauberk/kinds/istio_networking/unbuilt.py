"""Kinds of Istio networking that are stored and shown but do not act yet. Each write says so.

Their shape is left open: nothing reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.istio_networking.common import CATEGORIES, VERSIONS
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part


class Stored(Part, frozen=True):
    """An object that is kept as written."""

    metadata: ObjectMeta = ObjectMeta()
    spec: Any = None
    status: Any = None


def says_so(name: str, why: str) -> Callable[[Json], Iterator[str]]:
    """Advice that the kind has no effect, and what to use instead."""

    def advice(_: Json) -> Iterator[str]:
        yield f"{name} is stored but has no effect yet: {why}"

    return advice


def stored(
    name: str,
    plural: str,
    *short: str,
    why: str,
    group: str = "networking.istio.io",
    versions: tuple[str, ...] = VERSIONS,
    columns: tuple[Column, ...] = (),
) -> Kind[Stored]:
    """The row of a kind that does not act yet."""
    return Kind(
        group=group,
        name=name,
        plural=plural,
        versions=versions,
        short_names=short,
        categories=(CATEGORIES[0], group.replace(".", "-")),
        model=Stored,
        advice=says_so(name, why),
        columns=columns,
        doc=f"{name}: stored, does not act yet.",
    )


_AGE = Column("Age", ".metadata.creationTimestamp", "date")
SIDECAR = stored("Sidecar", "sidecars", why="every sidecar sees all that is exported to its namespace")
ENVOY_FILTER = stored(
    "EnvoyFilter", "envoyfilters", versions=("v1alpha3",), why="the proxies' configuration is not patched"
)
WORKLOAD_ENTRY = stored(
    "WorkloadEntry", "workloadentries", "we", why="write the address as an endpoint of a ServiceEntry",
    columns=(_AGE, Column("Address", ".spec.address", description="Address of the endpoint.")),
)  # fmt: skip
WORKLOAD_GROUP = stored(
    "WorkloadGroup", "workloadgroups", "wg", why="machines outside the cluster cannot join"
)
PROXY_CONFIG = stored(
    "ProxyConfig",
    "proxyconfigs",
    versions=("v1beta1",),
    why="set meshConfig.defaultConfig in the control plane",
)

KINDS = (SIDECAR, ENVOY_FILTER, WORKLOAD_ENTRY, WORKLOAD_GROUP, PROXY_CONFIG)
