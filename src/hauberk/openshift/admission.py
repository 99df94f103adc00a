"""Admission of Routes, and Warnings for annotations that mean more than their value says. Pure.

Source: openshift/openshift-apiserver pkg/route/apis/route (host allocation NAME-NAMESPACE.DOMAIN);
openshift-knative/serverless-operator serving/ingress/pkg/reconciler/ingress/resources/route.go.
"""

from __future__ import annotations

import copy
from typing import Any

from hauberk.base.refs import Json, Ref, annotations_of
from hauberk.kinds.openshift.ingress_config import CLUSTER
from hauberk.openshift.names import CLUSTER_INGRESS, DISABLE_ROUTE, HOST_GENERATED, PASSTHROUGH, ROUTE
from hauberk.ports_admission import Admission, Outcome, Request

KNATIVE = (
    "Service.serving.knative.dev",
    "Route.serving.knative.dev",
    "DomainMapping.serving.knative.dev",
)


def admit_route(request: Request) -> Outcome:
    """Give a Route without a host the host NAME-NAMESPACE.DOMAIN."""
    route = request.obj
    if route is None or request.subresource or (route.get("spec") or {}).get("host"):
        return Outcome()
    config = request.snapshot.get(Ref(CLUSTER_INGRESS, "", CLUSTER)) or {}
    domain = (config.get("spec") or {}).get("domain") or request.options.get("domain", "")
    name = route["metadata"].get("name")
    if not domain or not name:
        return Outcome()
    out: dict[str, Any] = copy.deepcopy(dict(route))
    out.setdefault("spec", {})["host"] = f"{name}-{request.namespace}.{domain}"
    meta = out["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), HOST_GENERATED: "true"}
    return Outcome(obj=out)


def admit_annotations(request: Request) -> Outcome:
    """Warn where an annotation acts by its presence and its value says otherwise."""
    if request.obj is None or request.subresource:
        return Outcome()
    return Outcome(warnings=tuple(_traps(request.obj)))


def _traps(obj: Json) -> list[str]:
    effects = {PASSTHROUGH: "passthrough is on", DISABLE_ROUTE: "no Route is made"}
    return [
        f'metadata.annotations[{key}]: the value "{value}" does not count, the presence does: {effect}. '
        "Remove the annotation to turn it off"
        for key, effect in effects.items()
        if (value := annotations_of(obj).get(key)) is not None and value != "true"
    ]


ROWS: tuple[Admission, ...] = (
    Admission(name="route-host", kinds=(ROUTE,), admit=admit_route, mutates=True),
    Admission(name="serverless-annotations", kinds=KNATIVE, admit=admit_annotations),
)
