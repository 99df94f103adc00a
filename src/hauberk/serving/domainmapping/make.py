"""The children of a DomainMapping: the claim of its name, and the internal Ingress.

Source: knative/serving pkg/reconciler/domainmapping/resources/{domainclaim,ingress}.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.base.names import child_name
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.config.network import Network
from hauberk.serving.domainmapping.target import Target
from hauberk.serving.names import (
    A_INGRESS_CLASS,
    L_MAPPING_NAMESPACE,
    L_MAPPING_UID,
    NETWORKING,
    body,
    without,
)
from hauberk.serving.route.make import http_option

ORIGINAL_HOST = "K-Original-Host"


def make_claim(mapping: Json) -> Json:
    """The cluster's note that this namespace has the host; without an owner, which a namespace would hold."""
    meta = mapping["metadata"]
    return body(
        NETWORKING, "ClusterDomainClaim", {"name": meta["name"]}, spec={"namespace": meta["namespace"]}
    )


def make_ingress(mapping: Json, target: Target, tls: Sequence[Json], network: Network) -> Json:
    """The host, led to the target under the target's own name. Raises ValueError for a wrong annotation."""
    meta, notes = mapping["metadata"], without(annotations_of(mapping))
    split = {
        "appendHeaders": {ORIGINAL_HOST: meta["name"]},
        "percent": 100,
        "serviceName": target.service,
        "serviceNamespace": meta["namespace"],
        "servicePort": 80,
    }
    rule = {
        "hosts": [meta["name"]],
        "http": {"paths": [{"rewriteHost": target.host, "splits": [split]}]},
        "visibility": "ExternalIP",
    }
    return body(
        NETWORKING,
        "Ingress",
        {
            "name": child_name(meta["name"], ""),
            "namespace": meta["namespace"],
            "labels": {
                **labels_of(mapping),
                L_MAPPING_UID: meta["uid"],
                L_MAPPING_NAMESPACE: meta["namespace"],
            },
            "annotations": {A_INGRESS_CLASS: network.ingress_class, **notes},
        },
        spec={
            "httpOption": http_option(mapping, network),
            "rules": [rule],
            **({"tls": list(tls)} if tls else {}),
        },
    )
