"""Meshes, their members, and who else stands at their gateways. Pure.

A Gateway's conflict is not a matter of its selector's text: `istio: ingressgateway` and
`knative: ingressgateway` choose the same pods in the document's layout. So it is resolved by the pods that a
selector matches, in the mesh that the Gateway's namespace is a member of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.integration.preflight.rows import Row

PORT = 443
INJECTED_LABELS = ("istio-injection", "istio.io/rev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A control plane. `members` is None when it has no roll: every namespace is in it."""

    ref: Ref
    namespace: str
    members: frozenset[str] | None

    def has(self, namespace: str) -> bool:
        """Whether the namespace is in the mesh."""
        return self.members is None or namespace == self.namespace or namespace in self.members


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Our ingress: the mesh it will be in, the labels its pods will have, the Gateways that are ours."""

    namespace: str
    mesh_namespace: str
    pod_labels: Mapping[str, str]
    ours: frozenset[Ref] = field(default_factory=frozenset)


def meshes_of(planes: Iterable[Json], rolls: Iterable[Json], istios: Iterable[Json]) -> tuple[Mesh, ...]:
    """The meshes of a cluster, from its control planes and member rolls."""
    members: dict[str, frozenset[str]] = {}
    for roll in rolls:
        told = (roll.get("status") or {}).get("configuredMembers") or ()
        asked = (roll.get("spec") or {}).get("members") or ()
        members[roll["metadata"]["namespace"]] = frozenset((*told, *asked))
    old = [
        Mesh(
            ref=ref_of(plane),
            namespace=plane["metadata"]["namespace"],
            members=members.get(plane["metadata"]["namespace"], frozenset()),
        )
        for plane in planes
    ]
    new = [
        Mesh(ref=ref_of(i), namespace=(i.get("spec") or {}).get("namespace", "istio-system"), members=None)
        for i in istios
    ]
    return (*old, *new)


def conflicting(
    gateways: Iterable[Json], pods: Iterable[Json], meshes: Sequence[Mesh], gate: Gate
) -> tuple[tuple[Ref, str], ...]:
    """Gateways that claim every host on port 443 of the pods that ours will stand before, and why.

    | Gateway's mesh | its selector matches our gateway's pods | 443 with `*` | conflict |
    |----------------|------------------------------------------|--------------|----------|
    | another        | -                                        | -            | no       |
    | ours or none   | no                                       | -            | no       |
    | ours or none   | yes                                      | no           | no       |
    | ours or none   | yes                                      | yes          | yes      |
    """
    standing = [p for p in pods if p["metadata"]["namespace"] == gate.namespace]
    labels = [labels_of(p) for p in standing if _chosen(gate.pod_labels, labels_of(p))]
    found = []
    for gateway in gateways:
        ref = ref_of(gateway)
        if ref in gate.ours or not claims_all(gateway) or _elsewhere(ref.namespace, meshes, gate):
            continue
        selector = (gateway.get("spec") or {}).get("selector") or {}
        if any(_chosen(selector, one) for one in labels):
            found.append((ref, f"its selector {_told(selector)} matches the pods of the ingress gateway"))
        elif _chosen(selector, gate.pod_labels):
            found.append((ref, f"its selector {_told(selector)} will match the ingress gateway's pods"))
    return tuple(found)


def claims_all(gateway: Json) -> bool:
    """Whether a server of the Gateway takes port 443 for every host."""
    servers = (gateway.get("spec") or {}).get("servers") or ()
    return any(
        (server.get("port") or {}).get("number") == PORT
        and any(host.rpartition("/")[2] == "*" for host in server.get("hosts") or ())
        for server in servers
    )


def judge_conflicts(found: Sequence[tuple[Ref, str]]) -> Row:
    """The row of conflicting Gateways."""
    title, wanted = "one owner of port 443", "no other Gateway with port 443 and host `*` at the same pods"
    if not found:
        return Row(title=title, level="ok", wanted=wanted, found="none")
    text = "; ".join(f"{ref}: {why}" for ref, why in found)
    first = found[0][0]
    fix = (
        f"kubectl delete gateway.networking.istio.io {first.name} -n {first.namespace}, or take another mesh"
    )
    return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)


def judge_meshes(meshes: Sequence[Mesh], ours: Ref, members: Sequence[str]) -> Row:
    """Other control planes: only one mesh can be used, and none may hold our namespaces.

    | other control plane                    | level |
    |----------------------------------------|-------|
    | none                                   | ok    |
    | in our namespace                       | fail  |
    | in another, with a roll                | warn  |
    | in another, without a roll (takes all) | fail  |
    """
    title, wanted = "no other mesh in the way", f"{ours} alone"
    others = [m for m in meshes if m.ref != ours]
    if not others:
        return Row(title=title, level="ok", wanted=wanted, found="no other control plane")
    text = ", ".join(f"{m.ref} (in {m.namespace})" for m in others)
    same = [m for m in others if m.members is None or m.namespace in _home(meshes, ours)]
    if same:
        fix = f"name it in hauberk.yaml (`mesh.name: {same[0].ref.name}`), or delete {same[0].ref}"
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)
    fix = f"see that none of {', '.join(members)} is meant to be in it"
    return Row(title=title, level="warn", wanted=wanted, found=text, fix=fix)


def judge_members(
    rolls: Iterable[Json], mesh_namespace: str, members: Sequence[str], namespaces: Mapping[str, Json]
) -> tuple[Row, ...]:
    """Whether the members are there and in no other roll."""
    title = "members are in one member roll only"
    wanted = f"none of {', '.join(members)} in the roll of another mesh"
    taken = [
        (member, roll["metadata"]["namespace"])
        for roll in rolls
        if roll["metadata"]["namespace"] != mesh_namespace
        for member in members
        if member in ((roll.get("spec") or {}).get("members") or ())
        or member in ((roll.get("status") or {}).get("members") or ())
    ]
    text = ", ".join(f"{member} is in the roll of {where}" for member, where in taken)
    fix = f"remove it there: kubectl edit servicemeshmemberroll default -n {taken[0][1]}" if taken else ""
    one = Row(title=title, level="fail" if taken else "ok", wanted=wanted, found=text or "none is", fix=fix)
    missing = [m for m in members if m not in namespaces and not m.startswith("knative-")]
    make = "; ".join(f"kubectl create namespace {m}" for m in missing)
    there = Row(
        title="members exist",
        level="fail" if missing else "ok",
        wanted="every member's Namespace",
        found=f"missing: {', '.join(missing)}" if missing else "they do",
        fix=make,
    )
    return one, there


def _home(meshes: Sequence[Mesh], ours: Ref) -> frozenset[str]:
    named = {m.namespace for m in meshes if m.ref == ours}
    return frozenset(named | ({ours.namespace} if ours.namespace else set()))


def _elsewhere(namespace: str, meshes: Sequence[Mesh], gate: Gate) -> bool:
    """Whether a Gateway in this namespace configures the gateways of another mesh, and not of ours."""
    of_ours = [m for m in meshes if m.namespace == gate.mesh_namespace and m.has(namespace)]
    others = [m for m in meshes if m.namespace != gate.mesh_namespace and m.has(namespace)]
    return bool(others) and not of_ours


def _chosen(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def _told(selector: Mapping[str, str]) -> str:
    return ",".join(f"{k}={v}" for k, v in sorted(selector.items())) or "(empty: every gateway)"
