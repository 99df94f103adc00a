"""The children of a Route: the internal Ingress and the placeholder Services.

Source: knative/serving pkg/reconciler/route/resources/{ingress,service}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.config.network import Network, fill_template
from hauberk.serving.names import (
    A_HTTP_PROTOCOL,
    A_INGRESS_CLASS,
    A_ROLLOUT,
    A_ROUTES,
    L_ROUTE,
    L_ROUTE_NAMESPACE,
    L_SERVICE,
    NETWORKING,
    body,
    without,
)
from hauberk.serving.route.hosts import Hosts
from hauberk.serving.route.rollout import Rollout, dump, goals
from hauberk.serving.route.traffic import Target

TAG_HEADER = "Knative-Serving-Tag"
DEFAULT_HEADER = "Knative-Serving-Default-Route"
_HTTP_OPTIONS = {"enabled": "Enabled", "redirected": "Redirected"}


def make_ingress(
    route: Json, traffic: Traffic, hosts: Mapping[str, Hosts], network: Network, tls: Sequence[Json] = ()
) -> Json:
    """What the ingress implementation must serve. `hosts` is by tag, the empty one for the Route itself."""
    meta = route["metadata"]
    notes = without(annotations_of(route), A_ROUTES)
    tags = sorted(hosts)
    rules = [rule for tag in tags for rule in _rules(meta["namespace"], tag, tags, traffic, hosts[tag])]
    return body(
        NETWORKING,
        "Ingress",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels_of(route), L_ROUTE: meta["name"], L_ROUTE_NAMESPACE: meta["namespace"]},
            "annotations": {
                **notes,
                A_ROLLOUT: dump(traffic.rollouts),
                A_INGRESS_CLASS: notes.get(A_INGRESS_CLASS) or network.ingress_class,
            },
        },
        spec={
            "httpOption": http_option(route, network),
            "rules": rules,
            **({"tls": list(tls)} if tls else {}),
        },
    )


def http_option(route: Json, network: Network) -> str:
    """What plain HTTP gets: its annotation, else config-network's `http-protocol`. Raises ValueError.

    Source: knative/serving pkg/networking/util.go, GetHTTPOption.
    """
    notes = annotations_of(route)
    asked = next((notes[key] for key in A_HTTP_PROTOCOL if notes.get(key)), "").lower()
    if not asked:
        return network.http_option
    if asked not in _HTTP_OPTIONS:
        raise ValueError(f"incorrect http-protocol annotation: {asked}")
    return _HTTP_OPTIONS[asked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Who gets which requests: targets, what is being rolled out, and whether a header may name a tag."""

    targets: Sequence[Target]
    rollouts: Sequence[Rollout]
    by_header: bool = False  # feature tag-header-based-routing

    def shares(self, tag: str) -> dict[str, int]:
        """Percent by revision, of the Route itself (`tag` empty) or under a tag."""
        found: dict[str, int] = {}
        rows = (
            [t for t in self.targets if t.tag == tag][:1] if tag else [t for t in self.targets if t.percent]
        )
        rolling = {row.key: row for row in self.rollouts if not row.is_done}
        for target in rows:
            row = rolling.get((tag, target.configuration)) if target.latest else None
            if row is not None:
                found |= {share.revision: share.percent for share in row.shares}
            else:
                found[target.revision] = found.get(target.revision, 0) + (100 if tag else target.percent or 0)
        return found


def at_once(targets: Sequence[Target]) -> Traffic:
    """Every target has its whole share."""
    return Traffic(targets=targets, rollouts=goals(targets))


def _rules(
    namespace: str, tag: str, tags: Sequence[str], traffic: Traffic, hosts: Hosts
) -> list[dict[str, Any]]:
    paths = _paths(namespace, tag, tags, traffic)
    rules: list[dict[str, Any]] = [
        {"hosts": list(hosts.local), "http": {"paths": paths}, "visibility": "ClusterLocal"}
    ]
    if hosts.external:
        external = {"hosts": [hosts.external], "http": {"paths": paths}, "visibility": "ExternalIP"}
        rules.append(external)
    return rules


def _paths(namespace: str, tag: str, tags: Sequence[str], traffic: Traffic) -> list[dict[str, Any]]:
    """Where requests to one host go; with the feature, the Route's own host has a path for each tag's header.

    Source: knative/serving pkg/reconciler/route/resources/ingress.go, makeTagBasedRoutingIngressPaths.
    """
    path = _path(namespace, traffic.shares(tag))
    if not traffic.by_header:
        return [path]
    if tag:
        return [{"appendHeaders": {TAG_HEADER: tag}, **path}]
    named = [
        {"headers": {TAG_HEADER: {"exact": name}}, **_path(namespace, traffic.shares(name))}
        for name in tags
        if name
    ]
    return [*named, {"appendHeaders": {DEFAULT_HEADER: "true"}, **path}]


def _path(namespace: str, shares: Mapping[str, int]) -> dict[str, Any]:
    return {"splits": [_split(namespace, revision, percent) for revision, percent in shares.items()]}


def _split(namespace: str, revision: str, percent: int) -> dict[str, Any]:
    return {
        "appendHeaders": {
            "Knative-Serving-Namespace": namespace,
            "Knative-Serving-Revision": revision,
        },
        "percent": percent,
        "serviceName": revision,
        "serviceNamespace": namespace,
        "servicePort": 80,
    }


def make_placeholder(route: Json, tag: str, hosts: Hosts, network: Network, balancer: str) -> Json:
    """The Service that makes the app's cluster-local name resolve to the local gateway.

    Until the gateway is known (`balancer` empty) it leads to the app's own external host.
    """
    meta = route["metadata"]
    name = fill_template(network.tag_template, {"Tag": tag, "Name": meta["name"]}) if tag else meta["name"]
    labels = {k: v for k, v in labels_of(route).items() if k == L_SERVICE or "visibility" in k}
    port: dict[str, Any] = {"name": "http2", "port": 80, "protocol": "TCP", "targetPort": 80}
    if balancer:
        port = {"appProtocol": "kubernetes.io/h2c", **port}
    return body(
        "v1",
        "Service",
        {
            "name": child_name(name, ""),
            "namespace": meta["namespace"],
            "labels": {**labels, L_ROUTE: meta["name"]},
            "annotations": without(annotations_of(route), A_ROUTES),
        },
        spec={
            "type": "ExternalName",
            "externalName": balancer or hosts.external or hosts.local[2],
            "sessionAffinity": "None",
            "ports": [port],
        },
    )
