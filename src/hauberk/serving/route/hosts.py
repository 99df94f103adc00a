"""The host names of a Route and of its tags. Pure.

Source: knative/serving pkg/reconciler/route/domains/domains.go.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.serving.config.domain import LOCAL_SUFFIX, Domains
from hauberk.serving.config.network import Network, fill_template
from hauberk.serving.names import L_VISIBILITY

CLUSTER_LOCAL = "cluster-local"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Names of one Route or tag; `external` is empty when it is cluster-local."""

    local: tuple[str, str, str]
    external: str

    def address(self, scheme: str) -> str:
        """The cluster-local URL: plain HTTP, which the mesh encrypts, unless the name has a certificate."""
        return f"{scheme}://{self.local[2]}"


def hosts_of(route: Json, tag: str, domains: Domains, network: Network) -> Hosts:
    """The names of the Route itself (`tag` empty) or of one of its tags."""
    meta, labels = route["metadata"], labels_of(route)
    name = fill_template(network.tag_template, {"Tag": tag, "Name": meta["name"]}) if tag else meta["name"]
    namespace = meta["namespace"]
    local = (f"{name}.{namespace}", f"{name}.{namespace}.svc", f"{name}.{namespace}.{LOCAL_SUFFIX}")
    domain = domains.choose(labels)
    if labels.get(L_VISIBILITY) == CLUSTER_LOCAL or domain == LOCAL_SUFFIX:
        return Hosts(local, "")
    values = {
        "Name": name,
        "Namespace": namespace,
        "Domain": domain,
        "Tag": tag,
        "Annotations": annotations_of(route),
        "Labels": labels,
    }
    return Hosts(local, fill_template(network.domain_template, values))
