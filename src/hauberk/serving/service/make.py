"""The children of a Service.

Source: knative/serving pkg/reconciler/service/resources/{configuration,route}.go.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.names import (
    A_ROUTES,
    L_SERVICE,
    L_SERVICE_UID,
    SERVING_V1,
    body,
    without,
)


def make_configuration(svc: Json) -> Json:
    """The Configuration that makes the Service's revisions; it has the Service's own name."""
    meta = svc["metadata"]
    return body(
        SERVING_V1,
        "Configuration",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels_of(svc), L_SERVICE: meta["name"], L_SERVICE_UID: meta["uid"]},
            "annotations": without(annotations_of(svc), A_ROUTES),
        },
        spec={"template": svc["spec"].get("template") or {}},
    )


def make_route(svc: Json) -> Json:
    """The Route that carries the Service's traffic; it has the Service's own name."""
    meta = svc["metadata"]
    return body(
        SERVING_V1,
        "Route",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels_of(svc), L_SERVICE: meta["name"]},
            "annotations": without(annotations_of(svc), A_ROUTES),
        },
        spec={"traffic": [_target(t, meta["name"]) for t in svc["spec"].get("traffic") or ()]},
    )


def _target(target: Json, name: str) -> dict[str, Any]:
    return dict(target) if target.get("revisionName") else {**target, "configurationName": name}
