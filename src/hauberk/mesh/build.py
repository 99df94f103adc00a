"""From stored objects to the mesh: `build(snapshot)`. Pure, and quick when little changed.

What depends on one object is kept by that object's identity, so a build after a change costs the
walk over the lists and the parts that changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec

from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.kinds.istio_networking import destination_rule, gateway, service_entry, virtual_service
from hauberk.kinds.istio_security import authorization_policy, peer_authentication
from hauberk.kinds.meta import Kind
from hauberk.mesh import policies as authz
from hauberk.mesh.gateways import Front, bind, front_of, is_tls
from hauberk.mesh.memo import Memo
from hauberk.mesh.model import Domain, Finding, Inbound, Mesh, Mode, Policy, Proxy, Service, Settings
from hauberk.mesh.policies import Modes, peer_modes
from hauberk.mesh.references import lost_references
from hauberk.mesh.registry import entry_services, kubernetes_service, protocol_of, slices_by_service
from hauberk.mesh.role_facts import READS as ROLE_READS
from hauberk.mesh.role_facts import RoleFacts, roles_of
from hauberk.mesh.routing import destination_of, routes_of, with_delegates
from hauberk.mesh.selectors import SELECTING, Selecting, empty_subsets, unmatched
from hauberk.mesh.settings import CONTROL_PLANE, MEMBER_ROLL, meshes
from hauberk.mesh.workloads import Workload, workload_of
from hauberk.ports import Snapshot

VIRTUAL_SERVICE = virtual_service.KIND.id
DESTINATION_RULE = destination_rule.KIND.id
GATEWAY = gateway.KIND.id
SERVICE_ENTRY = service_entry.KIND.id
PEER_AUTHENTICATION = peer_authentication.KIND.id
AUTHORIZATION_POLICY = authorization_policy.KIND.id
SLICE = "EndpointSlice.discovery.k8s.io"

READS: tuple[str, ...] = tuple(dict.fromkeys((
    "Pod", "Service", "Secret", SLICE, CONTROL_PLANE, MEMBER_ROLL, VIRTUAL_SERVICE, DESTINATION_RULE,
    GATEWAY, SERVICE_ENTRY, PEER_AUTHENTICATION, AUTHORIZATION_POLICY, *ROLE_READS,
)))  # fmt: skip
"""Kinds whose changes may change the mesh."""

_ENDED = ("Succeeded", "Failed")
_kept = Memo()
_NONE: Mapping[Ref, Json | None] = MappingProxyType({})


RULES = (VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY, SERVICE_ENTRY, AUTHORIZATION_POLICY)
"""Kinds of which Envoy resources are made that a proxy may refuse."""


def build(
    snapshot: Snapshot,
    *,
    paths: Paths | None = None,
    https_port: int = 443,
    stand_ins: Mapping[Ref, Json | None] = _NONE,
) -> Mesh:
    """The mesh as the stored objects describe it.

    `paths` names the unix sockets of roles; `https_port` is where clients reach the router's TLS socket.
    `stand_ins` take the place of stored rules; None leaves a rule out.
    """
    pods = _workloads(snapshot)
    findings: list[Finding] = []
    domains: dict[str, Domain] = {}
    proxies: dict[str, Proxy] = {}
    slices = slices_by_service(snapshot.list(SLICE))
    services = _by_namespace(snapshot.list("Service"))
    known = meshes(snapshot)
    outside = {w.namespace for w in pods} - {ns for _, names in known.values() for ns in names}
    known[""] = (Settings(root=""), frozenset(outside))
    modes: dict[str, Modes] = {}
    for root, (settings, names) in known.items():
        inside = [w for w in pods if w.namespace in names]
        world = _World(snapshot, settings, names, inside, services, slices, stand_ins)
        domains[root] = world.domain(findings)
        proxies |= world.proxies(findings)
        modes |= world.modes
    facts = RoleFacts(snapshot, {w.uid: w for w in pods}, modes, slices, paths, https_port)
    rolled = {
        w.uid: _kept.same(
            ("rolled", w.uid), replace(proxies[w.uid], roles=_kept.same(("roles", w.uid), roles_of(w, facts)))
        )
        for w in pods
        if w.role_containers
    }
    return Mesh(proxies={**proxies, **rolled}, domains=domains, findings=tuple(dict.fromkeys(findings)))


def _workloads(snapshot: Snapshot) -> list[Workload]:
    return [
        _kept.same(("pod", pod["metadata"]["uid"]), _kept.get(workload_of, pod))
        for pod in snapshot.list("Pod")
        if (pod.get("status") or {}).get("phase") not in _ENDED
    ]


def _by_namespace(objects: Sequence[Json]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    for obj in objects:
        found[obj["metadata"].get("namespace", "")].append(obj)
    return found


@dataclass
class _World:
    """What one mesh is built from."""

    snapshot: Snapshot
    settings: Settings
    names: frozenset[str]
    pods: list[Workload]
    services: dict[str, list[Json]]
    slices: dict[tuple[str, str], list[Json]]
    stand_ins: Mapping[Ref, Json | None]
    modes: dict[str, Modes] = field(default_factory=dict)
    binds: dict[str, Any] = field(default_factory=dict)

    def _parsed(self, kind: Kind[Any], findings: list[Finding]) -> list[tuple[Json, Any]]:
        """Objects of the mesh's namespaces, oldest first, with their typed views."""
        rows = [
            raw
            for raw in self.snapshot.list(kind.id)
            if raw["metadata"].get("namespace", "") in self.names and not is_deleting(raw)
        ]
        out = []
        if self.stand_ins:
            rows = [made for raw in rows if (made := self.stand_ins.get(ref_of(raw), raw)) is not None]
        for raw in sorted(rows, key=_age):
            view = _kept.get(_parse, kind, raw)
            if isinstance(view, Finding):
                findings.append(view)
            else:
                out.append((raw, view))
        return out

    def _takes(self, pod: Workload, port: int) -> bool:
        """Whether a pod takes mTLS on a port. A gateway does where its server says ISTIO_MUTUAL."""
        if pod.gateway:
            return any(
                b.port == port and is_tls(b.server) and b.server.tls and b.server.tls.mode == "ISTIO_MUTUAL"
                for b in self.binds.get(pod.uid, ())
            )
        # What was captured is what injection wrote on the pod, whatever the control plane says since.
        modes = self.modes.get(pod.uid)
        return (
            pod.sidecar
            and port not in pod.excluded_inbound
            and modes is not None
            and modes.of(port) != Mode.DISABLE
        )

    def domain(self, findings: list[Finding]) -> Domain:
        """What the mesh's proxies see. Fills `modes` and `binds`, which endpoints depend on."""
        peers = [view for _, view in self._parsed(peer_authentication.KIND, findings)]
        self.modes = {
            w.uid: _kept.same(("modes", w.uid), peer_modes(w, peers, self.settings))
            for w in self.pods
            if w.sidecar or w.gateway
        }
        fronts = [_kept.get(front_of, raw, view) for raw, view in self._parsed(gateway.KIND, findings)]
        self._bind(fronts, findings)
        roots = [_kept.get(routes_of, *row) for row in self._parsed(virtual_service.KIND, findings)]
        routes, lost = with_delegates(roots)
        findings += lost
        routes = tuple(_kept.same(("routes", str(r.ref)), r) for r in routes)
        rules = [_kept.get(destination_of, *row) for row in self._parsed(destination_rule.KIND, findings)]
        domain = Domain(
            settings=_kept.same(("settings", self.settings.root), self.settings),
            namespaces=self.names,
            services=(services := _kept.same(("services", self.settings.root), self._registry(findings))),
            shapes=_kept.same(("shapes", self.settings.root), tuple(_shape(s) for s in services)),
            routes=_kept.same(("virtual", self.settings.root), routes),
            destinations=_kept.same(("rules", self.settings.root), tuple(rules)),
        )
        findings += lost_references(domain, {f"{f.ref.namespace}/{f.ref.name}" for f in fronts})
        findings += (*unmatched(self._selecting(findings), self.pods), *empty_subsets(domain))
        return domain

    def _selecting(self, findings: list[Finding]) -> list[Selecting]:
        root = self.settings.root
        found = (_kept.get(of, *row, root) for kind, of in SELECTING for row in self._parsed(kind, findings))
        return [rule for rule in found if rule is not None]

    def _bind(self, fronts: Sequence[Front], findings: list[Finding]) -> None:
        for pod in self.pods:
            if pod.gateway:
                made, lost = bind(pod, fronts, self.services.get(pod.namespace, ()), self.snapshot)
                self.binds[pod.uid] = _kept.same(("binds", pod.uid), made)
                findings += lost

    def _registry(self, findings: list[Finding]) -> tuple[Any, ...]:
        by_uid = {w.uid: w for w in self.pods}
        out = []
        for namespace in sorted(self.names):
            for raw in self.services.get(namespace, ()):
                name = raw["metadata"]["name"]
                pieces = self.slices.get((namespace, name), ())
                pods = [by_uid.get(uid) for piece in pieces for uid in _kept.get(_uids_of, piece)]
                taking = [t for p in pods if p for t in (self.modes.get(p.uid), self.binds.get(p.uid))]
                made = _kept.keep(
                    ("registry",),
                    partial(kubernetes_service, raw, pieces, by_uid, self._takes),
                    raw, *pieces, *pods, *taking,
                )  # fmt: skip
                out.append(_known(made))
        hosts = {s.host: s.ref for s in out}
        for raw, view in self._parsed(service_entry.KIND, findings):
            for made in entry_services(raw, view, self.pods, self._takes):
                if made.host in hosts and hosts[made.host] != made.ref:
                    text = f"host {made.host} is also that of {hosts[made.host]}, which counts"
                    findings.append(Finding(made.ref, "HostConflict", text))
                    continue
                hosts[made.host] = made.ref
                out.append(_kept.same(("entry", made.host, str(made.ref)), made))
        return tuple(out)

    def proxies(self, findings: list[Finding]) -> dict[str, Proxy]:
        """Every pod that has an Envoy."""
        rows = [authz.policy_of(*row) for row in self._parsed(authorization_policy.KIND, findings)]
        for row in rows:
            if row.action in ("CUSTOM", "AUDIT"):
                text = f"action {row.action} does not act here; the policy is left out"
                findings.append(Finding(row.ref, "Unsupported", text))
        live = [_kept.same(("policy", str(r.ref)), r) for r in rows if r.action in ("ALLOW", "DENY")]
        ports = self._ports()
        return {
            w.uid: _kept.same(("proxy", w.uid), self._proxy(w, live, ports.get(w.uid, {})))
            for w in self.pods
            if w.sidecar or w.gateway or w.role_containers
        }

    def _ports(self) -> dict[str, dict[int, Any]]:
        """Pod uid → its ports that Services name → what they speak."""
        found: dict[str, dict[int, Any]] = defaultdict(dict)
        for namespace in self.names:
            pods = [w for w in self.pods if w.namespace == namespace and w.sidecar]
            for raw in self.services.get(namespace, ()) if pods else ():
                selector = (raw.get("spec") or {}).get("selector")
                for pod in pods if selector else ():
                    if pod.has_labels(selector):
                        _ports_of(raw, pod, found[pod.uid])
        self._selectorless(found)
        return found

    def _selectorless(self, found: dict[str, dict[int, Any]]) -> None:
        """Ports by which slices, such as those of a Revision's public Service, point at pods."""
        for (namespace, _), pieces in self.slices.items():
            for piece in pieces if namespace in self.names else ():
                for row in piece.get("endpoints") or ():
                    uid = (row.get("targetRef") or {}).get("uid", "")
                    for port in piece.get("ports") or () if uid in self.modes else ():
                        if port.get("port"):
                            spoken = protocol_of(port.get("name") or "", port.get("appProtocol") or "")
                            found[uid].setdefault(port["port"], spoken)

    def _proxy(self, pod: Workload, policies: Sequence[Policy], ports: dict[int, Any]) -> Proxy:
        modes = self.modes.get(pod.uid, Modes(Mode.PERMISSIVE))
        rows = {**{port: protocol_of("tcp") for port, _ in modes.ports}, **ports}
        in_mesh = pod.sidecar or pod.gateway
        return Proxy(
            uid=pod.uid,
            name=pod.name,
            namespace=pod.namespace,
            service_account=pod.service_account,
            ip=pod.ip,
            domain=self.settings.root if in_mesh else "",
            labels=pod.labels,
            identity=pod.identity,
            secret_life_s=pod.secret_life_s,
            sidecar=pod.sidecar,
            gateway=pod.gateway,
            dials=pod.dials,
            mode=modes.default,
            inbound=tuple(Inbound(n, rows[n], modes.of(n)) for n in sorted(rows)) if pod.sidecar else (),
            policies=authz.policies_for(pod, policies, self.settings.root) if in_mesh else (),
            binds=self.binds.get(pod.uid, ()),
            probes=pod.probes,
        )


def _uids_of(piece: Json) -> tuple[str, ...]:
    """The pods that a slice's endpoints are."""
    return tuple((row.get("targetRef") or {}).get("uid", "") for row in piece.get("endpoints") or ())


def _known(service: Service) -> Service:
    """The service with whom its endpoints are, also while it is scaled to zero.

    Every proxy's cluster has that list: without memory each would be replaced whenever a Revision goes to
    zero and comes back.
    Source: istio/istio pilot/pkg/model/endpointshards.go, UpdateServiceEndpoints (accounts stay).
    """
    name = (service.host, service.namespace)
    identities = _kept.last(("identities", *name), _kept.get(_identities_of, service))
    return _kept.keep(("named", *name), partial(_named, service, identities), service, identities)


def _named(service: Service, identities: tuple[str, ...]) -> Service:
    made = replace(service, identities=identities)
    return _kept.same(("service", service.host, service.namespace), made)


def _shape(service: Service) -> Service:
    """The service without its endpoints, as far as listeners and routes do not depend on them."""
    bare = _kept.get(_without_endpoints, service)
    return _kept.same(("shape", service.host, str(service.ref)), bare)


def _identities_of(service: Service) -> tuple[str, ...]:
    found = {row.identity for rows in service.endpoints.values() for row in rows if row.mtls and row.identity}
    return tuple(sorted(found))


def _without_endpoints(service: Service) -> Service:
    """A headless Service keeps those of its bare ports: their addresses are what clients dial."""
    bare = {p.number for p in service.ports if service.headless and not p.protocol.is_http}
    kept = {n: rows for n, rows in service.endpoints.items() if n in bare}
    return replace(service, endpoints=kept, identities=())


def _ports_of(service: Json, pod: Workload, found: dict[int, Any]) -> None:
    for port in service["spec"].get("ports") or ():
        target = pod.target_port(port.get("targetPort"), port["port"])
        if target and (port.get("protocol") or "TCP") == "TCP":
            found.setdefault(target, protocol_of(port.get("name") or "", port.get("appProtocol") or ""))


def _parse(kind: Kind[Any], raw: Json) -> Any:
    try:
        return kind.parse(raw)
    except msgspec.ValidationError as error:
        return Finding(ref_of(raw), "Invalid", f"{error}; it is left out")


def _age(raw: Json) -> tuple[str, str, str]:
    meta = raw["metadata"]
    return meta.get("creationTimestamp") or "", meta.get("namespace", ""), meta["name"]
