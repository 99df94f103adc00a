"""Objects that an operator will make of another object: upstream's two Gateways and their Service. Pure.

The Knative operator of upstream brings net-istio's Gateways along and lets `spec.ingress.istio` change
them; OpenShift Serverless leaves them to the administrator. Findings about a promised object point at the
KnativeServing that promises it.
Source: knative/operator pkg/reconciler/knativeserving/ingress/istio.go (gateways,
ingressServiceTransform); net-istio config/202-gateway.yaml, config/203-local-gateway.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.checks import knative, mesh
from hauberk.checks.model import Path
from hauberk.checks.world import Item, World

_ISTIO: Path = ("spec", "ingress", "istio")
_SELECTOR = {"istio": "ingressgateway"}
_SERVERS: Mapping[str, Json] = {
    "knative-ingress-gateway": {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]},
    "knative-local-gateway": {"port": {"number": 8081, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]},
}
_SERVICE: Json = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "knative-local-gateway",
        "namespace": "istio-system",
        "labels": {"experimental.istio.io/disable-gateway-port-translation": "true"},
    },
    "spec": {
        "type": "ClusterIP",
        "selector": _SELECTOR,
        "ports": [{"name": "http2", "port": 80, "targetPort": 8081}],
    },
}


def with_promised(world: World) -> World:
    """The world with what its operators will make; a cluster's operators have made it already."""
    if world.live or mesh.on_openshift(world):
        return world
    made = [i for serving in world.all(knative.SERVING) for i in _made(serving)]
    new = tuple(i for i in made if world.named(i.ref.kind, i.namespace, i.name) is None)
    if not new:
        return world
    return replace(world, items=(*world.items, *new), promised=len(new))


def _made(serving: Item) -> Iterator[Item]:
    if serving.get(*_ISTIO, "enabled") is not True:
        return
    for name, server in _SERVERS.items():
        path: Path = (*_ISTIO, name)
        said = serving.get(*path)
        spec: dict[str, Any] = {"selector": _SELECTOR, "servers": [server]}
        spec |= dict(said) if isinstance(said, Mapping) else {}
        ref = Ref(mesh.GATEWAY, serving.namespace, name)
        obj = {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "Gateway",
            "metadata": {"name": name, "namespace": serving.namespace},
            "spec": spec,
        }
        yield Item(obj, ref, maker=(serving, path))
    yield _service(serving)


def _service(serving: Item) -> Item:
    """The local Gateway's Service: where config-istio says that it is."""
    name, namespace = knative.host_parts(knative.local_gateways(serving)[0].service)
    meta = dict(_SERVICE["metadata"])
    if name == meta["name"]:
        meta["namespace"] = namespace
    obj = {**_SERVICE, "metadata": meta}
    return Item(obj, ref_of(obj), maker=(serving, _ISTIO))
