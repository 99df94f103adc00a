"""Reading a cluster with the permissions that one has: what may not be read is remembered, never guessed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from hauberk.base.apierrors import Forbidden, MethodNotAllowed, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.integration.preflight.rows import Row
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import UnknownKind

SMCP = "ServiceMeshControlPlane.maistra.io"
SMMR = "ServiceMeshMemberRoll.maistra.io"
ISTIO = "Istio.sailoperator.io"
GATEWAY = "Gateway.networking.istio.io"
SERVING = "KnativeServing.operator.knative.dev"
CSV = "ClusterServiceVersion.operators.coreos.com"
INGRESS = "Ingress.config.openshift.io"
HOOKS = (
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    "MutatingWebhookConfiguration.admissionregistration.k8s.io",
)

NEEDS: Mapping[str, tuple[str, ...]] = {
    "operator of Knative": ("Deployment.apps", CSV),
    "operator of the mesh": ("Deployment.apps", CSV),
    "versions go together": ("Deployment.apps", CSV),
    "one owner of port 443": (GATEWAY, SMCP, SMMR, ISTIO),
    "the gateway is not exposed by itself": ("Service",),
    "no other mesh in the way": (SMCP, ISTIO),
    "members are in one member roll only": (SMMR,),
    "members exist": ("Namespace",),
    "the mesh comes before Serving": (SERVING,),
    "no leftover webhooks": (*HOOKS, "Service"),
    "domain": (INGRESS,),
    "certificate": ("Secret",),
}
"""The kinds that a row is judged by."""


class Reader:
    """Gets and lists; `refused` are the kinds that we may not read."""

    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self.refused: set[str] = set()

    async def find(self, ref: Ref) -> Json | None:
        """The object, or None when it is not there or may not be read."""
        try:
            return await self.kube.find(ref)
        except Forbidden:
            self.refused.add(ref.kind)
            return None

    async def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> Sequence[Json]:
        """The objects; none when the kind is not served or may not be read."""
        try:
            return await self.kube.list(kind, namespace, labels)
        except Forbidden:
            self.refused.add(kind)
        except (NotFound, MethodNotAllowed, UnknownKind):
            pass
        return ()


def without_guesses(rows: Iterable[Row], refused: Collection[str]) -> tuple[Row, ...]:
    """The rows, those `unknown` whose kinds could not be read."""

    def honest(row: Row) -> Row:
        missing = [kind for kind in NEEDS.get(row.title, ()) if kind in refused]
        if not missing:
            return row
        found = f"we may not read {', '.join(missing)}"
        return replace(row, level="unknown", found=found, fix="ask somebody who may: hauberk preflight")

    return tuple(honest(row) for row in rows)
