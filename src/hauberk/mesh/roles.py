"""What a pod's one Envoy does besides the mesh: its roles, as plain records.

A role says what must happen on a pod's own ports. It knows no Envoy words and no Kubernetes
objects. Every record is frozen and compares by value, so a translation may be memoised by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTls:
    """How to speak the mesh's mTLS to a peer. Absent (None) means plaintext.

    Whoever builds the role decides: only an injected pod has a certificate to show, and only an
    injected peer wants one.
    """

    identities: tuple[str, ...] = ()  # accepted SPIFFE IDs; empty: any of the trust domain
    sni: str = ""
    trust_domain: str = "cluster.local"


@dataclass(frozen=True, slots=True, order=True)
class Backend:
    """One address that requests may be sent to."""

    address: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessProbe:
    """How the queue asks the user's container whether it is ready.

    Source: knative/serving pkg/queue/readiness/probe.go (http, tcp, grpc; exec is the kubelet's).
    """

    kind: Literal["http", "tcp", "grpc"] = "tcp"
    port: int = 0  # 0: the user port
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    service: str = ""  # grpc only
    timeout_s: float = 1.0
    period_s: float = 0.0  # 0: upstream's aggressive probing
    success_threshold: int = 1
    failure_threshold: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRole:
    """The queue-proxy of one Revision's pod. Durations of 0 mean: no such limit."""

    namespace: str
    service: str
    configuration: str
    revision: str
    pod: str  # the pod's name
    user_port: int = 8080
    protocol: Literal["http1", "h2c"] = "http1"  # what the user's container speaks
    container_concurrency: int = 0  # 0: no limit
    timeout_s: float = 300.0
    response_start_timeout_s: float = 0.0
    idle_timeout_s: float = 0.0
    readiness: ReadinessProbe = ReadinessProbe()
    drain_s: float = 30.0  # how long `/wait-for-drain` takes
    system_tls: bool = False  # 8112 is served with the certificate that SDS calls `queue`


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRoute:
    """What the activator knows of one revision.

    `backends` are the ready pods' queue ports. `spare` says that they have room now, so that
    requests may pass without asking the control plane first; otherwise each request is held until
    the control plane names a pod.
    """

    namespace: str
    name: str
    hosts: tuple[str, ...] = ()  # Hosts that mean this revision when no header names one
    protocol: Literal["http1", "h2c"] = "http1"
    backends: tuple[Backend, ...] = ()
    spare: bool = False
    container_concurrency: int = 0
    timeout_s: float = 300.0
    peer: PeerTls | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivatorRole:
    """The activator: it lets requests wait for a revision's first pod."""

    pod_uid: str
    revisions: tuple[RevisionRoute, ...] = ()
    hold_timeout_s: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoscalerRole:
    """The autoscaler's door: the control plane's calls leave as this pod.

    A request to `socket` names its target `IP:PORT` in `x-envoy-original-dst-host`, and with
    `x-hauberk-peer: mtls` that the target takes part in the mesh.
    """

    socket: str  # path of the unix socket
    peer: PeerTls | None = None  # what `x-hauberk-peer: mtls` uses; None when not injected
    timeout_s: float = 10.0


Termination: TypeAlias = Literal["passthrough", "edge", "reencrypt", "none"]
InsecurePolicy: TypeAlias = Literal["Allow", "Redirect", "None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterRoute:
    """One admitted OpenShift Route. Certificates are PEM text, empty when not given."""

    namespace: str
    name: str
    host: str
    path: str = ""
    wildcard: bool = False  # wildcardPolicy Subdomain: `*.` + what follows the host's first dot
    termination: Termination = "none"
    insecure: InsecurePolicy = "None"
    certificate: str = ""  # with CA certificates behind it
    key: str = ""
    destination_ca: str = ""  # reencrypt: whom to trust; empty: the cluster's serving CA
    service: str = ""  # the Service in `to`; its name is what reencrypt verifies
    backends: tuple[tuple[Backend, int], ...] = ()  # with weights
    http2: bool = False
    timeout_s: float = 30.0

    def __repr__(self) -> str:
        return f"RouterRoute({self.namespace}/{self.name} {self.host}{self.path} {self.termination})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterRole:
    """OpenShift's router: two unix sockets, one for TLS connections and one for plain HTTP."""

    https_socket: str
    http_socket: str
    routes: tuple[RouterRoute, ...] = ()
    default_certificate: str = ""  # PEM; both empty: the SDS secret `router-default`
    default_key: str = ""
    https_port: int = 443  # where redirects lead

    def __repr__(self) -> str:
        return f"RouterRole({len(self.routes)} routes)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSplit:
    """One share of a path's traffic, with the headers that travel with it."""

    backends: tuple[Backend, ...]
    weight: int  # percent
    cluster: str  # a stable name: `NAMESPACE/SERVICE/PORT`
    http2: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KourierRoute:
    """One rule path of an Ingress of class Kourier."""

    namespace: str
    name: str
    hosts: tuple[str, ...]
    path: str = ""
    match_headers: tuple[tuple[str, str], ...] = ()
    set_headers: tuple[tuple[str, str], ...] = ()
    rewrite_host: str = ""
    splits: tuple[HttpSplit, ...] = ()
    visibility: Literal["ExternalIP", "ClusterLocal"] = "ExternalIP"
    tls: bool = False  # its Ingress names certificates: served over TLS too
    probe_hash: str = ""  # K-Network-Hash of the Ingress this comes from


@dataclass(frozen=True, slots=True, kw_only=True)
class KourierCertificate:
    """A certificate of Kourier's TLS port, in PEM. Without hosts it is everybody's."""

    hosts: tuple[str, ...]
    chain: str
    key: str

    def __repr__(self) -> str:
        return f"KourierCertificate({', '.join(self.hosts) or '*'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class KourierRole:
    """A gateway without the mesh: 8080 for the world, 8081 inside the cluster.

    With certificates 8443 is open for the world over TLS, with those of cluster-local names 8444 inside.
    """

    routes: tuple[KourierRoute, ...] = ()
    certificates: tuple[KourierCertificate, ...] = ()
    local_certificates: tuple[KourierCertificate, ...] = ()
    external_port: int = 8080
    internal_port: int = 8081
    tls_port: int = 8443
    local_tls_port: int = 8444


Role: TypeAlias = QueueRole | ActivatorRole | AutoscalerRole | RouterRole | KourierRole
