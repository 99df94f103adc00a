"""Internal Ingress → VirtualServices.

Source: knative-extensions/net-istio pkg/reconciler/ingress/resources/virtual_service.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.kinds.knative_internal.ingress import HASH_HEADER, HASH_OVERRIDE, network_hash
from hauberk.serving.config.istio import Istio
from hauberk.serving.names import L_INGRESS, L_ROUTE, L_ROUTE_NAMESPACE, body

API = "networking.istio.io/v1beta1"
LOCAL_SUFFIX = ".svc.cluster.local"


def make_virtual_services(
    ingress: Json, istio: Istio, own: Sequence[str] = (), own_local: Sequence[str] = ()
) -> tuple[Json, ...]:
    """`NAME-ingress` for the gateways, and `NAME-mesh` for the sidecars when a host is cluster-local.

    `own` and `own_local` are Gateways of this Ingress alone, with its certificates, as `NAMESPACE/NAME`.
    """
    rules = ingress["spec"].get("rules") or ()
    local = [r for r in rules if r.get("visibility") == "ClusterLocal"]
    external = [*(g.qualified for g in istio.external), *own]
    inside = [*(g.qualified for g in istio.local), *own_local]
    used = [*(external if len(local) < len(rules) else ()), *(inside if local else ())]
    out = [_virtual_service(ingress, "-ingress", used, rules, {"": external, "ClusterLocal": inside})]
    if local:
        out.append(_virtual_service(ingress, "-mesh", ["mesh"], local, {"": ["mesh"]}))
    return tuple(out)


def _virtual_service(
    ingress: Json, suffix: str, gateways: list[str], rules: Sequence[Json], by_visibility: Json
) -> Json:
    meta = ingress["metadata"]
    kept = {k: v for k, v in labels_of(ingress).items() if k in (L_ROUTE, L_ROUTE_NAMESPACE)}
    digest = network_hash(ingress)
    routes: list[dict[str, Any]] = []
    for rule in rules:
        own = by_visibility.get(rule.get("visibility", ""), by_visibility[""])
        for path in (rule.get("http") or {}).get("paths") or ():
            routes += _routes(rule["hosts"], path, own, digest)
    return body(
        API,
        "VirtualService",
        {
            "name": child_name(meta["name"], suffix),
            "namespace": meta["namespace"],
            "labels": {**kept, L_INGRESS: meta["name"]},
            "annotations": dict(annotations_of(ingress)),
        },
        spec={
            "gateways": gateways,
            "hosts": sorted({host for rule in rules for host in rule["hosts"]}),
            "http": routes,
        },
    )


def _routes(hosts: Sequence[str], path: Json, gateways: list[str], digest: str) -> list[dict[str, Any]]:
    """The probe's route, which says the hash, before the route of everyone."""
    matches = [_match(prefix, path, gateways) for prefix in prefixes(hosts)]
    probe = [
        {**m, "headers": {**m.get("headers", {}), HASH_HEADER: {"exact": HASH_OVERRIDE}}} for m in matches
    ]
    rest: dict[str, Any] = {"retries": {}, "route": _destinations(path)}
    if path.get("rewriteHost"):
        rest["rewrite"] = {"authority": path["rewriteHost"]}
    added = dict(path.get("appendHeaders") or {})
    everyone = {"headers": {"request": {"set": added}}} if added else {}
    marked = {"headers": {"request": {"set": {**added, HASH_HEADER: digest}}}}
    return [{**marked, "match": probe, **rest}, {**everyone, "match": matches, **rest}]


def _match(prefix: str, path: Json, gateways: list[str]) -> dict[str, Any]:
    match: dict[str, Any] = {"authority": {"prefix": prefix}, "gateways": gateways}
    if path.get("path"):
        match["uri"] = {"prefix": path["path"]}
    if path.get("headers"):
        match["headers"] = {k: {"exact": v.get("exact", "")} for k, v in path["headers"].items()}
    return match


def prefixes(hosts: Sequence[str]) -> Iterator[str]:
    """The shortest names: `a.b` stands for `a.b.svc` and `a.b.svc.cluster.local` too.

    Source: net-istio pkg/reconciler/ingress/resources/virtual_service.go, hostPrefix and keepLocalHostnames.
    """
    seen: set[str] = set()
    for host in hosts:
        short = host.removesuffix(LOCAL_SUFFIX).removesuffix(".svc")
        if short not in seen:
            seen.add(short)
            yield short


def _destinations(path: Json) -> list[dict[str, Any]]:
    out = []
    for split in path.get("splits") or ():
        host = f"{split['serviceName']}.{split['serviceNamespace']}{LOCAL_SUFFIX}"
        port = split.get("servicePort", 80)
        number = {"name": port} if isinstance(port, str) else {"number": port}
        row: dict[str, Any] = {"destination": {"host": host, "port": number}}
        if split.get("appendHeaders"):
            row["headers"] = {"request": {"set": dict(split["appendHeaders"])}}
        out.append({**row, "weight": split.get("percent", 100)})
    return out
