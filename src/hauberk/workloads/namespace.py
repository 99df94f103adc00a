"""What every namespace has: its default ServiceAccount and the ConfigMap with the API's root certificate.

Source: kubernetes pkg/controller/serviceaccount/serviceaccounts_controller.go,
pkg/controller/certificates/rootcacertpublisher/publisher.go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds.core.namespace import KIND
from hauberk.ports import Snapshot

ROOT_CONFIGMAP = "kube-root-ca.crt"
DEFAULT_ACCOUNT = "default"
_ABOUT = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)

RootPem = Callable[[], str]
"""The certificate by which pods know the API server, PEM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A namespace and the root certificate."""

    name: str
    root_pem: str


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - every plan is given the time
    """Both objects, forever."""
    account: Json = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": DEFAULT_ACCOUNT, "namespace": world.name},
    }
    root: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": ROOT_CONFIGMAP,
            "namespace": world.name,
            "annotations": {"kubernetes.io/description": _ABOUT},
        },
        "data": {"ca.crt": world.root_pem},
    }
    return Plan(others=(account, root))


def _wake(name: str) -> Callable[[Json, Snapshot], Sequence[Ref]]:
    def wake(obj: Json, _snapshot: Snapshot) -> Sequence[Ref]:
        meta = obj["metadata"]
        return (Ref("Namespace", "", meta["namespace"]),) if meta["name"] == name else ()

    return wake


def controller(root_pem: RootPem) -> Controller[World]:
    """The row, with the fact it needs."""

    def observe(snapshot: Snapshot, ref: Ref) -> World | None:
        return None if snapshot.get(ref) is None else World(name=ref.name, root_pem=root_pem())

    return Controller(
        name="namespace",
        kind=KIND.id,
        wakes={"ServiceAccount": _wake(DEFAULT_ACCOUNT), "ConfigMap": _wake(ROOT_CONFIGMAP)},
        observe=observe,
        plan=plan,
    )
