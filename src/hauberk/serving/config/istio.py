"""config-istio: through which Gateways apps are reached, and the Services in front of them.

Both spellings are read: `gateway.NAMESPACE.NAME: HOST` and the YAML lists `external-gateways`
and `local-gateways`; the lists win.
Source: knative-extensions/net-istio pkg/reconciler/ingress/config/istio.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

NAME = "config-istio"


@dataclass(frozen=True, slots=True)
class Gateway:
    """One Gateway object and the host name of the Service of its pods."""

    namespace: str
    name: str
    service: str

    @property
    def qualified(self) -> str:
        """As a VirtualService names it."""
        return f"{self.namespace}/{self.name}"


EXTERNAL = Gateway(
    "knative-serving", "knative-ingress-gateway", "istio-ingressgateway.istio-system.svc.cluster.local"
)
LOCAL = Gateway(
    "knative-serving", "knative-local-gateway", "knative-local-gateway.istio-system.svc.cluster.local"
)


@dataclass(frozen=True, slots=True)
class Istio:
    """Gateways for external and for cluster-local hosts."""

    external: tuple[Gateway, ...] = (EXTERNAL,)
    local: tuple[Gateway, ...] = (LOCAL,)


def parse_istio(data: Mapping[str, str]) -> Istio:
    """Read config-istio's data."""
    external = tuple(_listed(data, "external-gateways")) or tuple(_dotted(data, "gateway."))
    local = tuple(_listed(data, "local-gateways")) or tuple(_dotted(data, "local-gateway."))
    return Istio(external or (EXTERNAL,), local or (LOCAL,))


def _dotted(data: Mapping[str, str], prefix: str) -> Iterator[Gateway]:
    for key, service in sorted(data.items()):
        if not key.startswith(prefix):
            continue
        namespace, dot, name = key.removeprefix(prefix).partition(".")
        if dot:
            yield Gateway(namespace, name, service.rstrip("."))
        else:
            yield Gateway("knative-serving", namespace, service.rstrip("."))


def _listed(data: Mapping[str, str], key: str) -> Iterator[Gateway]:
    try:
        rows = yaml.safe_load(data.get(key, "")) or []
    except yaml.YAMLError:
        return
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and {"namespace", "name", "service"} <= set(row):
            yield Gateway(str(row["namespace"]), str(row["name"]), str(row["service"]).rstrip("."))
