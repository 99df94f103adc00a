"""networking.k8s.io/v1 IngressClass: who carries out an Ingress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind, ObjectMeta, Part

ROUTES = "openshift.io/ingress-to-route"


class IngressClassSpec(Part, frozen=True):
    """The controller, by name."""

    controller: str = ""
    parameters: dict[str, Any] | None = None


class IngressClass(Part, frozen=True):
    """Who carries out an Ingress."""

    metadata: ObjectMeta = ObjectMeta()
    spec: IngressClassSpec = IngressClassSpec()


def advice(raw: Json) -> Iterator[str]:
    """Nobody else is here."""
    found = (raw.get("spec") or {}).get("controller", "")
    if found != ROUTES:
        yield (
            f"spec.controller: `{found}` does not run here, so its Ingresses route nothing; "
            f"`{ROUTES}` does (class openshift-default)"
        )


KIND = Kind(
    group="networking.k8s.io",
    name="IngressClass",
    plural="ingressclasses",
    singular="ingressclass",
    model=IngressClass,
    advice=advice,
    namespaced=False,
    columns=(
        Column("Controller", ".spec.controller"),
        Column("Parameters", lambda _c, _n: "<none>"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=(),
    builtin=True,
)
