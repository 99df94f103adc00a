"""The children of a Route: the internal Ingress and the placeholder Services.

Source: knative/serving pkg/reconciler/route/resources/{ingress,service}.go.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
from hauberk.serving.route.traffic import Target

_HTTP_OPTIONS = {"enabled": "Enabled", "redirected": "Redirected"}


def make_ingress(
    route: Json, targets: Sequence[Target], hosts: Mapping[str, Hosts], network: Network
) -> Json:
    """What the ingress implementation must serve. `hosts` is by tag, the empty one for the Route itself."""
    meta = route["metadata"]
    notes = without(annotations_of(route), A_ROUTES)
    rules = [rule for tag in sorted(hosts) for rule in _rules(meta["namespace"], tag, targets, hosts[tag])]
    return body(
        NETWORKING,
        "Ingress",
        {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": {**labels_of(route), L_ROUTE: meta["name"], L_ROUTE_NAMESPACE: meta["namespace"]},
            "annotations": {
                **notes,
                A_ROLLOUT: rollout(targets),
                A_INGRESS_CLASS: notes.get(A_INGRESS_CLASS) or network.ingress_class,
            },
        },
        spec={"httpOption": http_option(route, network), "rules": rules},
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


def _rules(namespace: str, tag: str, targets: Sequence[Target], hosts: Hosts) -> list[dict[str, Any]]:
    if tag:
        shares = [(t, 100) for t in targets if t.tag == tag][:1]
    else:
        shares = [(t, t.percent) for t in targets if t.percent]
    paths = [{"splits": [_split(namespace, t, percent) for t, percent in shares]}]
    rules: list[dict[str, Any]] = [
        {"hosts": list(hosts.local), "http": {"paths": paths}, "visibility": "ClusterLocal"}
    ]
    if hosts.external:
        external = {"hosts": [hosts.external], "http": {"paths": paths}, "visibility": "ExternalIP"}
        rules.append(external)
    return rules


def _split(namespace: str, target: Target, percent: int) -> dict[str, Any]:
    return {
        "appendHeaders": {
            "Knative-Serving-Namespace": namespace,
            "Knative-Serving-Revision": target.revision,
        },
        "percent": percent,
        "serviceName": target.revision,
        "serviceNamespace": namespace,
        "servicePort": 80,
    }


def rollout(targets: Sequence[Target]) -> str:
    """The state of gradual rollouts, as JSON: here every change is made at once.

    Source: knative/serving pkg/reconciler/route/traffic/rollout.go.
    """
    rows: list[dict[str, Any]] = []
    for target in targets:
        if not target.latest:
            continue
        share = 100 if target.tag else target.percent or 0
        row: dict[str, Any] = {"configurationName": target.configuration}
        if target.tag:
            row["tag"] = target.tag
        revisions = [{"revisionName": target.revision, "percent": share}]
        rows.append({**row, "percent": share, "revisions": revisions, "stepParams": {}})
    return json.dumps({"configurations": rows}, separators=(",", ":"))


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
