"""Rules whose selector matches no running pod: they have no effect, and say so. Pure.

| rule                           | pods that count                                        | upstream |
|--------------------------------|--------------------------------------------------------|----------|
| Gateway                        | gateway pods of the mesh                               | IST0101  |
| AuthorizationPolicy            | pods with a proxy: its namespace's, the root's: all    | IST0127  |
| PeerAuthentication             | pods of its namespace                                  | -        |
| ServiceEntry, workloadSelector | pods of its namespace                                  | -        |
| DestinationRule, subset        | ready endpoints of its host                            | IST0173  |

Source: istio/istio pkg/config/analysis/analyzers (gateway/gateway.go, authz/authorizationpolicies.go,
destinationrule/pod-not-selected.go), which upstream shows only to who runs `istioctl analyze`.
Deviation: rows without a number upstream are told too, and all of them on the object, live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, Ref, ref_of
from hauberk.kinds.istio_networking import gateway, service_entry
from hauberk.kinds.istio_networking.gateway import Gateway
from hauberk.kinds.istio_networking.service_entry import ServiceEntry
from hauberk.kinds.istio_security import authorization_policy, peer_authentication
from hauberk.kinds.istio_security.authorization_policy import AuthorizationPolicy
from hauberk.kinds.istio_security.peer_authentication import PeerAuthentication
from hauberk.kinds.meta import Kind
from hauberk.mesh.model import Destination, Domain, Finding
from hauberk.mesh.workloads import Workload

NO_PODS = "NoMatchingWorkloads"


@dataclass(frozen=True, slots=True)
class Selecting:
    """A rule with a selector. `namespace` empty: pods of the whole mesh."""

    ref: Ref
    labels: Mapping[str, str]
    namespace: str
    counts: Callable[[Workload], bool]
    whom: str  # such as `gateway pod`
    effect: str  # what follows


def has_proxy(pod: Workload) -> bool:
    """Whether the mesh's rules act on the pod."""
    return pod.sidecar or pod.gateway


def _is_gateway(pod: Workload) -> bool:
    return pod.gateway


def _any(pod: Workload) -> bool:
    return bool(pod.uid)


def _gateway(raw: Json, view: Gateway, root: str) -> Selecting | None:  # noqa: ARG001
    effect = "no port is opened for it (IST0101)"
    labels = view.spec.selector or {}
    return Selecting(ref_of(raw), labels, "", _is_gateway, "gateway pod of the mesh", effect)


def _policy(raw: Json, view: AuthorizationPolicy, root: str) -> Selecting | None:
    labels = view.spec.selector.match_labels if view.spec.selector else None
    where = view.metadata.namespace
    if not labels:
        return None
    effect = "it has no effect (IST0127)"
    return Selecting(
        ref_of(raw), labels, "" if where == root else where, has_proxy, "pod with a proxy", effect
    )


def _peers(raw: Json, view: PeerAuthentication, root: str) -> Selecting | None:  # noqa: ARG001
    labels = view.spec.selector.match_labels if view.spec.selector else None
    if not labels:
        return None
    where = view.metadata.namespace
    return Selecting(ref_of(raw), labels, where, _any, "pod", "it has no effect")


def _entry(raw: Json, view: ServiceEntry, root: str) -> Selecting | None:  # noqa: ARG001
    chosen = view.spec.workload_selector
    if chosen is None:
        return None
    where = view.metadata.namespace
    return Selecting(ref_of(raw), chosen.labels or {}, where, _any, "pod", "its hosts answer 503")


SELECTING: tuple[tuple[Kind[Any], Callable[[Json, Any, str], Selecting | None]], ...] = (
    (gateway.KIND, _gateway),
    (authorization_policy.KIND, _policy),
    (peer_authentication.KIND, _peers),
    (service_entry.KIND, _entry),
)
"""Kinds with a selector: from an object, its view and the mesh's root to what it selects."""


def unmatched(rules: Iterable[Selecting], pods: Sequence[Workload]) -> Iterator[Finding]:
    """One finding for each rule that selects nobody."""
    running = [pod for pod in pods if pod.ip]
    for rule in rules:
        if not any(
            rule.namespace in ("", pod.namespace) and rule.counts(pod) and pod.has_labels(rule.labels)
            for pod in running
        ):
            text = f"selector {_text(rule.labels)} matches no running {rule.whom}"
            yield Finding(rule.ref, NO_PODS, f"{text}: {rule.effect}")


def empty_subsets(domain: Domain) -> Iterator[Finding]:
    """One finding for each subset of a known host that has no endpoint."""
    for rule in domain.destinations:
        yield from _of_rule(rule, domain)


def _of_rule(rule: Destination, domain: Domain) -> Iterator[Finding]:
    service = domain.by_host.get(rule.host)
    if service is None or service.resolution != "ENDPOINTS":
        return
    for subset in rule.spec.subsets:
        rows = (row for found in service.endpoints.values() for row in found)
        if not any(row.matches(subset.labels) for row in rows):
            text = f"subset {subset.name} ({_text(subset.labels)}) has no ready pod of {rule.host}: 503"
            yield Finding(rule.ref, "SubsetHasNoPods", text)


def _text(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted((labels or {}).items())) or "(everything)"
