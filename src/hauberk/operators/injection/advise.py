"""Warnings for workloads that ask for a sidecar and will not get one. Pure.

Upstream is silent: the pod runs outside the mesh, and under strict mTLS every call to it fails.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json
from hauberk.operators.injection.decide import INJECT, parse_switch
from hauberk.operators.membership import control_plane_in, mesh_of
from hauberk.ports_admission import Admission, Outcome, Request

KINDS = (
    "Pod",
    "Deployment.apps",
    "Service.serving.knative.dev",
    "Configuration.serving.knative.dev",
)


def asks(obj: Json) -> bool:
    """Whether the pod, or the pods of the workload, ask for a sidecar."""
    whole: Any = obj if obj["kind"] == "Pod" else (obj.get("spec") or {}).get("template") or {}
    meta = whole.get("metadata") or {}
    label = parse_switch((meta.get("labels") or {}).get(INJECT))
    return parse_switch((meta.get("annotations") or {}).get(INJECT)) is True if label is None else label


def admit(request: Request) -> Outcome:
    """Say why no sidecar will be injected."""
    if request.obj is None or request.subresource or not asks(request.obj):
        return Outcome()
    mesh = mesh_of(request.snapshot, request.namespace)
    if mesh is None:
        return Outcome(
            warnings=(
                f"{INJECT} is set, but namespace {request.namespace!r} belongs to no mesh: no sidecar "
                "is injected. Add the namespace to spec.members of the mesh's ServiceMeshMemberRoll",
            )
        )
    if control_plane_in(request.snapshot, mesh) is None:
        return Outcome(
            warnings=(
                f"{INJECT} is set, but the mesh in namespace {mesh!r} has no ServiceMeshControlPlane: "
                "no sidecar is injected",
            )
        )
    return Outcome()


ADMISSION = Admission(name="sidecar-advice", kinds=KINDS, admit=admit)
