"""Small constructors and readings that all operators use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.conditions import condition
from hauberk.base.refs import Json


def make(
    api_version: str,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """An object; empty labels, annotations and namespace are left out."""
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    if labels:
        metadata["labels"] = dict(labels)
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def make_service_account(name: str, namespace: str, labels: Mapping[str, str]) -> Json:
    """A ServiceAccount: an identity of the mesh."""
    return make("v1", "ServiceAccount", name, namespace, labels=labels)


def make_port(name: str, port: int, target: int | str | None = None) -> dict[str, Any]:
    """A TCP port of a Service."""
    return {"name": name, "port": port, "targetPort": target or port, "protocol": "TCP"}


def is_available(deployment: Json | None) -> bool:
    """Whether the Deployment says Available for its current generation.

    Source: knative/operator pkg/reconciler/common/deployments.go, isDeploymentAvailable.
    """
    row = condition(deployment, "Available")
    if deployment is None or row is None or row.get("status") != "True":
        return False
    observed = deployment["status"].get("observedGeneration")
    return observed is None or observed == deployment["metadata"].get("generation", observed)
