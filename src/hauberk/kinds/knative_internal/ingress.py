"""networking.internal.knative.dev/v1alpha1 Ingress: hosts and traffic splits."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.meta import Kind, ObjectMeta, Part
from hauberk.kinds.serving.columns import INTERNAL, READY

HASH_HEADER = "K-Network-Hash"
HASH_OVERRIDE = "override"
"""What a probe sends in it; the gateway puts the hash of the Ingress that it serves in its place."""


def network_hash(ingress: Json) -> str:
    """What a probe must get back in K-Network-Hash once a gateway serves this Ingress.

    Source: knative/networking pkg/ingress/ingress.go, ComputeHash and InsertProbe.
    Deviation: upstream hashes its own struct's dump; only equality matters.
    """
    text = json.dumps(ingress["spec"], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Split(Part, frozen=True):
    """One share of a path's requests."""

    service_name: str = ""
    service_namespace: str = ""
    service_port: int | str = 80
    percent: int = 100
    append_headers: dict[str, str] | None = None


class Path(Part, frozen=True):
    """Requests under one path prefix, or with given headers."""

    path: str = ""
    rewrite_host: str = ""
    headers: dict[str, dict[str, str]] | None = None
    splits: tuple[Split, ...] = ()
    append_headers: dict[str, str] | None = None


class HttpRule(Part, frozen=True):
    """The paths of a rule."""

    paths: tuple[Path, ...] = ()


class Rule(Part, frozen=True):
    """Hosts with one visibility."""

    hosts: tuple[str, ...] = ()
    visibility: Literal["ExternalIP", "ClusterLocal"] = "ExternalIP"
    http: HttpRule = HttpRule()


class Tls(Part, frozen=True):
    """The certificate of some hosts."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""
    secret_namespace: str = ""


class IngressSpec(Part, frozen=True):
    """What an ingress implementation must serve."""

    http_option: Literal["Enabled", "Redirected"] = "Enabled"
    rules: tuple[Rule, ...] = ()
    tls: tuple[Tls, ...] = ()


class Ingress(Part, frozen=True):
    """Ingress is what a Route asks of the ingress implementation: hosts, splits, visibility."""

    metadata: ObjectMeta = ObjectMeta()
    spec: IngressSpec = IngressSpec()
    status: dict[str, Any] | None = None


def validate(ingress: Ingress) -> FieldErrors:
    """Rules that span fields."""
    for i, rule in enumerate(ingress.spec.rules):
        for j, path in enumerate(rule.http.paths):
            total = sum(split.percent for split in path.splits)
            if path.splits and total != 100:
                where = f"spec.rules[{i}].http.paths[{j}].splits"
                yield FieldError(where, f"traffic split percentage must total to 100, but was {total}")


KIND = Kind(
    group="networking.internal.knative.dev",
    name="Ingress",
    plural="ingresses",
    versions=("v1alpha1",),
    short_names=("kingress", "king"),
    categories=INTERNAL,
    model=Ingress,
    validate=validate,
    columns=READY,
)
