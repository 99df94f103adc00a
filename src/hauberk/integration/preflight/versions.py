"""Which versions of the operators go together: the compatibility table, and verdicts by it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from hauberk.base.refs import Json
from hauberk.integration.model import Profile
from hauberk.integration.preflight.rows import Row

Product = Literal["serverless", "mesh2", "mesh3", "knative-operator", "sail"]
Number = tuple[int, ...]

CSV_NAMES: tuple[tuple[str, Product], ...] = (
    (r"serverless-operator\.v(.+)", "serverless"),
    (r"servicemeshoperator\.v(.+)", "mesh2"),
    (r"servicemeshoperator3\.v(.+)", "mesh3"),
    (r"sailoperator\.v(.+)", "sail"),
    (r"knative-operator\.v(.+)", "knative-operator"),
)
"""Names of ClusterServiceVersions. Source: the operators' bundles in their OLM catalogues."""

DEPLOYMENTS: tuple[tuple[str, Product], ...] = (
    ("knative-openshift", "serverless"),
    ("istio-operator", "mesh2"),
    ("servicemesh-operator3", "mesh3"),
    ("sail-operator", "sail"),
    ("knative-operator", "knative-operator"),
)
"""Names of the operators' Deployments, where no OLM tells."""

TITLES: dict[Product, str] = {
    "serverless": "OpenShift Serverless Operator",
    "mesh2": "OpenShift Service Mesh Operator 2",
    "mesh3": "OpenShift Service Mesh Operator 3",
    "sail": "Sail operator",
    "knative-operator": "Knative operator",
}

NEEDED: dict[Profile, tuple[tuple[Product, ...], tuple[Product, ...]]] = {
    "sm2": (("serverless",), ("mesh2",)),
    "sm3": (("serverless",), ("mesh3",)),
    "kubernetes": (("knative-operator", "serverless"), ("sail", "mesh3")),
}
"""Profile → the products of which one must be there, for Knative and for the mesh."""

KINDS: dict[Profile, tuple[str, str]] = {
    "sm2": ("KnativeServing.operator.knative.dev", "ServiceMeshControlPlane.maistra.io"),
    "sm3": ("KnativeServing.operator.knative.dev", "Istio.sailoperator.io"),
    "kubernetes": ("KnativeServing.operator.knative.dev", "Istio.sailoperator.io"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Versions of Serverless from `first` up to before `until`, and the mesh that goes with them."""

    first: Number
    until: Number
    mesh: Product
    mesh_first: Number
    preview: bool = False
    source: str


COMPATIBLE: tuple[Together, ...] = (
    Together(
        first=(1, 28),
        until=(1, 31),
        mesh="mesh2",
        mesh_first=(2, 0, 5),
        source="documentation of Serverless 1.28 to 1.30",
    ),
    Together(
        first=(1, 31),
        until=(99,),
        mesh="mesh2",
        mesh_first=(2, 2),
        source="documentation of Serverless since 1.31",
    ),
    Together(
        first=(1, 37),
        until=(99,),
        mesh="mesh3",
        mesh_first=(3, 0),
        preview=True,
        source="release notes of Serverless 1.37: Technology Preview",
    ),
    Together(
        first=(1, 37),
        until=(99,),
        mesh="sail",
        mesh_first=(1, 0),
        preview=True,
        source="Sail is the upstream of Service Mesh 3",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """An operator that is installed. `version` is empty when nothing tells it."""

    product: Product
    version: str
    where: str
    healthy: bool


def operators_of(csvs: Sequence[Json], deployments: Sequence[Json]) -> tuple[Operator, ...]:
    """Installed operators: from OLM's ClusterServiceVersions, else from Deployments of their names."""
    found: dict[Product, Operator] = {}
    for csv in csvs:
        meta, labels = csv["metadata"], csv["metadata"].get("labels") or {}
        if "olm.copiedFrom" in labels:
            continue
        for pattern, product in CSV_NAMES:
            match = re.fullmatch(pattern, meta["name"])
            if match:
                healthy = (csv.get("status") or {}).get("phase") == "Succeeded"
                where = f"ClusterServiceVersion {meta['namespace']}/{meta['name']}"
                found[product] = Operator(product=product, version=match[1], where=where, healthy=healthy)
    for deployment in deployments:
        for name, product in DEPLOYMENTS:
            if deployment["metadata"]["name"] == name and product not in found:
                found[product] = _by_deployment(deployment, product)
    return tuple(found.values())


def number_of(version: str) -> Number:
    """`2.6.4-0` → (2, 6, 4); empty when it is no version."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def judge_operator(
    title: str,
    products: Sequence[Product],
    kind: str,
    served: bool,
    operators: Sequence[Operator],
    *,
    embedded: bool = False,
) -> Row:
    """Whether one of the products runs.

    On Hauberk's embedded cluster operators are part of it: served is running.

    | its kind is served | an operator is seen | healthy | level   |
    |--------------------|---------------------|---------|---------|
    | no                 | no                  | -       | fail    |
    | no                 | yes                 | -       | fail    |
    | yes                | no                  | -       | unknown |
    | yes                | yes                 | no      | fail    |
    | yes                | yes                 | yes     | ok      |
    """
    names = " or ".join(TITLES[p] for p in products)
    wanted = f"{names}, installed and running"
    seen = [o for o in operators if o.product in products]
    install = f"install the {TITLES[products[0]]} from OperatorHub"
    if not served:
        text = f"the API does not serve {kind}" + (f", though {seen[0].where} is there" if seen else "")
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=install)
    if embedded:
        return Row(title=title, level="ok", wanted=wanted, found="part of the embedded cluster")
    if not seen:
        text = f"the API serves {kind}, and shows neither a ClusterServiceVersion nor a Deployment of it"
        return Row(title=title, level="unknown", wanted=wanted, found=text, fix="see that the operator runs")
    if not seen[0].healthy:
        fix = f"kubectl describe {seen[0].where.split()[0].lower()} {seen[0].where.rpartition('/')[2]}"
        return Row(title=title, level="fail", wanted=wanted, found=f"{seen[0].where} is not healthy", fix=fix)
    return Row(title=title, level="ok", wanted=wanted, found=f"{seen[0].where} {seen[0].version}".strip())


def is_embedded(version: Json) -> bool:
    """Whether `/version` is that of Hauberk's own cluster."""
    return str(version.get("gitVersion", "")).endswith("+hauberk")


def judge_together(profile: Profile, operators: Sequence[Operator], *, embedded: bool = False) -> Row:
    """Whether the versions of Serverless and of the mesh go together."""
    knative, mesh = (
        next((o for o in operators if o.product in products), None) for products in NEEDED[profile]
    )
    title, wanted = "versions go together", "versions of the compatibility table"
    if embedded and not operators:
        return Row(title=title, level="ok", wanted=wanted, found="the embedded cluster's own, one version")
    if knative is None or mesh is None or not knative.version or not mesh.version:
        return Row(title=title, level="unknown", wanted=wanted, found="a version is not told by the API")
    text = f"{TITLES[knative.product]} {knative.version} with {TITLES[mesh.product]} {mesh.version}"
    if knative.product != "serverless":
        return Row(title=title, level="ok", wanted="upstream has no table", found=text)
    rows = [r for r in COMPATIBLE if r.mesh == mesh.product]
    fitting = [r for r in rows if r.first <= number_of(knative.version) < r.until]
    if not fitting:
        since = ".".join(map(str, min(r.first for r in rows)))
        fix = f"install Serverless {since} or later"
        return Row(title=title, level="fail", wanted=f"Serverless {since} or later", found=text, fix=fix)
    row = fitting[0]
    least = ".".join(map(str, row.mesh_first))
    wanted = f"{TITLES[row.mesh]} {least} or later ({row.source})"
    if number_of(mesh.version) < row.mesh_first:
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=f"update it to {least} or later")
    if row.preview:
        fix = "for production take the profile `sm2`"
        return Row(title=title, level="warn", wanted=wanted, found=f"{text}: Technology Preview", fix=fix)
    return Row(title=title, level="ok", wanted=wanted, found=text)


def _by_deployment(deployment: Json, product: Product) -> Operator:
    meta, status = deployment["metadata"], deployment.get("status") or {}
    labels = meta.get("labels") or {}
    version = labels.get("app.kubernetes.io/version") or labels.get("operator.knative.dev/release") or ""
    return Operator(
        product=product,
        version=version.removeprefix("v"),
        where=f"Deployment {meta['namespace']}/{meta['name']}",
        healthy=bool(status.get("availableReplicas")),
    )
