"""Which ports gateway pods open: servers of Gateways, bound to pods. Pure.

A server that cannot work is left out and reported, so it never takes its port's other servers down.
Source: istio/istio pilot/pkg/model/gateway.go (MergeGateways), push_context.go (port translation).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.refs import Json, Ref, labels_of, ref_of
from hauberk.kinds.istio_networking.gateway import Gateway, Server
from hauberk.mesh.model import Bind, Finding
from hauberk.mesh.origins import Origin, origin_of
from hauberk.mesh.workloads import Workload
from hauberk.ports import Snapshot

NO_TRANSLATION = "experimental.istio.io/disable-gateway-port-translation"
_DEFAULT_TARGETS = {80: 8080, 443: 8443}
_TLS = ("HTTPS", "TLS")


@dataclass(frozen=True, slots=True)
class Front:
    """A Gateway with its name."""

    ref: Ref
    gateway: Gateway
    origin: Origin | None = None


def front_of(raw: Json, parsed: Gateway) -> Front:
    """The mesh's record of a Gateway."""
    return Front(ref_of(raw), parsed, origin_of(raw))


def bind(
    pod: Workload, fronts: Sequence[Front], services: Sequence[Json], snapshot: Snapshot
) -> tuple[tuple[Bind, ...], list[Finding]]:
    """What a gateway pod opens. `fronts` are oldest first: of two claims on a port and host the older counts.

    Source of the tie rule: MergeGateways walks gateways by creation time.
    """
    binds: list[Bind] = []
    findings: list[Finding] = []
    claims: dict[tuple[int, str], Bind] = {}
    kinds: dict[int, tuple[bool, Bind]] = {}  # per port: whether it is TLS, and who said so
    for front in fronts:
        if not pod.has_labels(front.gateway.spec.selector):
            continue
        for server in front.gateway.spec.servers:
            for made in _server_binds(pod, front, server, services):
                problem = _problem(made, pod, snapshot) or _conflict(made, claims, kinds)
                if problem:
                    findings.append(Finding(front.ref, problem[0], problem[1]))
                else:
                    binds.append(made)
    return tuple(binds), findings


def _server_binds(pod: Workload, front: Front, server: Server, services: Sequence[Json]) -> Iterator[Bind]:
    if server.port is None:
        return
    hosts = tuple(_scoped(host, front.ref.namespace) for host in server.hosts)
    for port in sorted(target_ports(pod, server.port.number, services)):
        yield Bind(gateway=front.ref, server=server, port=port, hosts=hosts, origin=front.origin)


def _scoped(host: str, home: str) -> tuple[str, str]:
    namespace, slash, name = host.rpartition("/")
    return (home if namespace == "." else namespace if slash else "*"), name


def target_ports(pod: Workload, number: int, services: Sequence[Json]) -> set[int]:
    """The pod's ports behind port `number` of the Services that select it, or the number itself.

    Without such a Service 80 and 443 become 8080 and 8443, which a pod may open without privileges.
    """
    found: set[int] = set()
    for service in services:
        spec = service.get("spec") or {}
        if labels_of(service).get(NO_TRANSLATION) == "true" or not spec.get("selector"):
            continue
        if service["metadata"]["namespace"] != pod.namespace or not pod.has_labels(spec["selector"]):
            continue
        for port in spec.get("ports") or ():
            target = pod.target_port(port.get("targetPort"), port["port"])
            if port["port"] == number and target:
                found.add(target)
    return found or {_DEFAULT_TARGETS.get(number, number)}


def is_tls(server: Server) -> bool:
    """Whether the server's connections begin with a TLS hello."""
    return server.port is not None and server.port.protocol.upper() in _TLS


def _problem(made: Bind, pod: Workload, snapshot: Snapshot) -> tuple[str, str] | None:
    tls = made.server.tls
    where = f"server {made.server.port.number if made.server.port else 0}"
    if tls is None or not is_tls(made.server):
        return None
    if tls.mode == "AUTO_PASSTHROUGH":
        return "Unsupported", f"{where}: TLS mode AUTO_PASSTHROUGH does not act here; the server is left out"
    if tls.mode in ("PASSTHROUGH", "ISTIO_MUTUAL"):
        return None
    if not tls.credential_name:
        text = f"{where}: certificates are taken from credentialName only, not from files of the gateway pod"
        return "Unsupported", f"{text}; the server is left out"
    name, namespace = tls.credential_name.removeprefix("kubernetes://"), pod.namespace
    lacking = _lacking(snapshot, namespace, name, client_ca=tls.mode in ("MUTUAL", "OPTIONAL_MUTUAL"))
    if lacking:
        return (
            "InvalidCertificateRef",
            f"{where}: {lacking} in the gateway's namespace {namespace}; it is left out",
        )
    return None


def _lacking(snapshot: Snapshot, namespace: str, name: str, *, client_ca: bool) -> str:
    secret = snapshot.get(Ref("Secret", namespace, name))
    if secret is None:
        return f"there is no Secret {name}"
    data = secret.get("data") or {}
    if not any(
        _pem(data, chain) and _pem(data, key) for chain, key in (("tls.crt", "tls.key"), ("cert", "key"))
    ):
        return f"there is no certificate and key (tls.crt, tls.key) in Secret {name}"
    if client_ca:
        other = (snapshot.get(Ref("Secret", namespace, f"{name}-cacert")) or {}).get("data") or {}
        if not any(_pem(rows, key) for rows in (data, other) for key in ("ca.crt", "cacert")):
            return f"there is no client CA (ca.crt in Secret {name} or {name}-cacert)"
    return ""


def _pem(data: Mapping[str, str], key: str) -> bool:
    try:
        return b"-----BEGIN " in base64.b64decode(data.get(key) or "", validate=True)
    except (binascii.Error, ValueError):
        return False


def _conflict(
    made: Bind, claims: dict[tuple[int, str], Bind], kinds: dict[int, tuple[bool, Bind]]
) -> tuple[str, str] | None:
    """Claim the port and hosts. Plain HTTP servers share hosts: their VirtualServices tell them apart."""
    tls = is_tls(made.server)
    known, first = kinds.setdefault(made.port, (tls, made))
    if known != tls:
        text = f"port {made.port} speaks {'TLS' if known else 'plaintext'} for Gateway {first.gateway_name}"
        return "PortConflict", f"{text}; the server is left out"
    if not tls:
        return None
    taken = [(host, claims[made.port, host]) for _, host in made.hosts if (made.port, host) in claims]
    if taken:
        host, owner = taken[0]
        text = f"host {host} on port {made.port} is taken by the older Gateway {owner.gateway_name}"
        return "HostConflict", f"{text}; the server is left out"
    claims.update({(made.port, host): made for _, host in made.hosts})
    return None
