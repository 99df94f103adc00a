"""Whether the gateways' Envoys serve an internal Ingress: by what they acknowledged, without a connection.

Source: knative.dev/networking pkg/status/status.go (upstream dials every gateway pod with K-Network-Hash).
Deviation: an acknowledged configuration is taken for a served one; a listener that Envoy refused is not
acknowledged, so it counts as not served.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, annotations_of, labels_of
from hauberk.mesh.acks import Acks
from hauberk.ports import Api, Snapshot
from hauberk.serving.config import istio
from hauberk.serving.config.reading import data_of
from hauberk.serving.names import A_INGRESS_CLASS, KOURIER_CLASS

GATEWAY = "Gateway.networking.istio.io"
KOURIER_CONTAINER = "kourier-gateway"


@dataclass(frozen=True, slots=True)
class AckedProbe:
    """A `Probe`: the publication contains the Ingress, and every ready gateway pod acknowledged it."""

    api: Api
    acks: Acks

    def __call__(self, ingress: Json, revision: int) -> bool:
        """Answer from what is known now."""
        return self.acks.serve(revision, gateway_pods(self.api.snapshot(), ingress))


def gateway_pods(snapshot: Snapshot, ingress: Json) -> Iterable[Json]:
    """The pods that carry requests for this Ingress."""
    if annotations_of(ingress).get(A_INGRESS_CLASS) == KOURIER_CLASS:
        return filter(_runs_kourier, snapshot.list("Pod"))
    return _of_gateways(snapshot, ingress)


def _runs_kourier(pod: Json) -> bool:
    return any(c.get("name") == KOURIER_CONTAINER for c in (pod.get("spec") or {}).get("containers") or ())


def _of_gateways(snapshot: Snapshot, ingress: Json) -> Iterator[Json]:
    config = istio.parse_istio(data_of(snapshot, istio.NAME)).of(labels_of(ingress))
    for gateway in {*config.external, *config.local}:
        stored = snapshot.get(Ref(GATEWAY, gateway.namespace, gateway.name)) or {}
        selector: Mapping[str, str] = (stored.get("spec") or {}).get("selector") or {}
        if selector:
            yield from snapshot.list("Pod", None, selector)
