"""Which processes a pod has: its app containers, and one Envoy for all proxy containers. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from hauberk.base.quantities import parse_duration_s
from hauberk.kinds.core.container import Container, HttpGet, Probe

from .model import PROXY
from .pull import role_of
from .spec import Pod

ISTIO_DRAIN_S = 5.0  # Istio's default terminationDrainDuration
QUIET_DRAIN_S = 5.0  # a proxy of a pod outside the mesh: at most this long for open connections


@dataclass(frozen=True, slots=True)
class Layout:
    """`roles`: proxy container name to its role. `redirects`: init containers that are istio-init."""

    roles: Mapping[str, str] = field(default_factory=dict)
    redirects: frozenset[str] = frozenset()
    drain_s: float = ISTIO_DRAIN_S
    in_mesh: bool = False

    def unit_of(self, container: str) -> str:
        """The process that a container stands for."""
        return PROXY if container in self.roles else container


def layout_of(pod: Pod) -> Layout:
    """Lay out a pod by the images of its containers.

    An init container with a proxy image and `istio-iptables` in its arguments is a redirect, not a process.
    """
    proxies = {c.name: role for c in pod.all_containers() if (role := role_of(c.image)) is not None}
    redirects = {c.name for c in pod.spec.init_containers if c.name in proxies and is_redirect(c)}
    roles = {name: role for name, role in proxies.items() if name not in redirects}
    return Layout(roles, frozenset(redirects), drain_s_of(pod), "mesh" in roles.values())


def is_redirect(container: Container) -> bool:
    """Whether the container is istio-init."""
    return "istio-iptables" in (*container.command, *container.args)


def drain_s_of(pod: Pod) -> float:
    """How long the mesh proxy stays after the end of the pod began, in seconds.

    | from, first that is set                                       | form                                  |
    |---------------------------------------------------------------|---------------------------------------|
    | annotation `proxy.istio.io/config`                            | YAML, `terminationDrainDuration: 35s` |
    | env `TERMINATION_DRAIN_DURATION_SECONDS` of a container       | seconds                               |
    | env `PROXY_CONFIG` of a container (injection writes it)       | JSON, `terminationDrainDuration`      |
    | otherwise                                                     | 5 s                                   |

    Source: istio pilot/cmd/pilot-agent/options/agent.go; pkg/envoy/agent.go, terminate.
    """
    texts = [pod.annotations.get("proxy.istio.io/config", "")]
    for container in pod.all_containers():
        for var in container.env:
            if var.name == "TERMINATION_DRAIN_DURATION_SECONDS" and var.value.isdigit():
                return _configured(texts[0]) or float(var.value)
            if var.name == "PROXY_CONFIG":
                texts.append(var.value)
    return next((s for s in map(_configured, texts) if s is not None), ISTIO_DRAIN_S)


def _configured(text: str) -> float | None:
    try:
        table = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
        return parse_duration_s(table["terminationDrainDuration"])
    except (ValueError, KeyError, TypeError, yaml.YAMLError):
        return None


def readiness_of(container: Container, role: str) -> Probe | None:
    """The readiness probe of a proxy container: its own, or the mesh proxy's when injection wrote none."""
    if container.readiness_probe is None and role == "mesh":
        return Probe(
            http_get=HttpGet(path="/healthz/ready", port=15021), period_seconds=1, failure_threshold=4
        )
    return container.readiness_probe
