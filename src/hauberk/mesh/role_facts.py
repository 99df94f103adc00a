"""What the roles of a pod's Envoy are given, from API objects and from upstream's environment. Pure.

Source: knative/serving pkg/reconciler/revision/resources/queue.go (the queue-proxy's environment),
pkg/activator/net/revision_backends.go (a revision's backends are those of its private Service).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.paths import Paths
from hauberk.base.refs import Json, annotations_of, is_deleting, labels_of
from hauberk.mesh.ingress_roles import READS as INGRESS_READS
from hauberk.mesh.ingress_roles import SlicesByService, backends_of, kourier_role, router_role
from hauberk.mesh.memo import Memo
from hauberk.mesh.model import DOMAIN, Mode, spiffe
from hauberk.mesh.policies import Modes
from hauberk.mesh.roles import (
    ActivatorRole,
    AutoscalerRole,
    PeerTls,
    QueueRole,
    ReadinessProbe,
    RevisionRoute,
    Role,
)
from hauberk.mesh.workloads import Workload, env_of, seconds_of
from hauberk.ports import Snapshot

_kept = Memo()
REVISION = "Revision.serving.knative.dev"
READS = (REVISION, *INGRESS_READS)
_INJECT = "sidecar.istio.io/inject"
_QUEUE_H2C = 8013
_QUEUE_PORTS = (8012, _QUEUE_H2C)


@dataclass(frozen=True)
class RoleFacts:
    """What roles are made from."""

    snapshot: Snapshot
    pods: Mapping[str, Workload]  # by uid
    modes: Mapping[str, Modes]  # by uid, of pods in a mesh
    slices: SlicesByService
    paths: Paths | None
    https_port: int = 443


def roles_of(pod: Workload, facts: RoleFacts) -> tuple[Role, ...]:
    """The roles of one pod, in the order of its containers."""
    return tuple(
        role for name, container in pod.role_containers for role in _roles(name, container, pod, facts)
    )


def _roles(name: str, container: Json, pod: Workload, facts: RoleFacts) -> Iterator[Role]:
    if name == "queue":
        yield queue_role(env_of(container), pod)
    elif name == "activator":
        yield ActivatorRole(pod_uid=pod.uid, revisions=revision_routes(pod, facts))
    elif name == "kourier":
        yield kourier_role(facts.snapshot, facts.slices)
    elif facts.paths is None:
        return
    elif name == "autoscaler":
        peer = PeerTls() if pod.identity else None
        yield AutoscalerRole(socket=str(facts.paths.egress_socket(pod.uid)), peer=peer)
    elif name == "router":
        yield router_role(facts.snapshot, facts.slices, facts.paths, facts.https_port)


def queue_role(env: Mapping[str, str], pod: Workload) -> QueueRole:
    """The queue-proxy's role from its upstream environment."""
    port = _number(env.get("USER_PORT"), 8080)
    return QueueRole(
        namespace=env.get("SERVING_NAMESPACE", pod.namespace),
        service=env.get("SERVING_SERVICE", ""),
        configuration=env.get("SERVING_CONFIGURATION", ""),
        revision=env.get("SERVING_REVISION", ""),
        pod=pod.name,
        user_port=port,
        protocol=_user_protocol(env),
        container_concurrency=_number(env.get("CONTAINER_CONCURRENCY"), 0),
        timeout_s=seconds_of(env.get("REVISION_TIMEOUT_SECONDS", ""), 300.0),
        response_start_timeout_s=seconds_of(env.get("REVISION_RESPONSE_START_TIMEOUT_SECONDS", ""), 0.0),
        idle_timeout_s=seconds_of(env.get("REVISION_IDLE_TIMEOUT_SECONDS", ""), 0.0),
        readiness=readiness_of(env.get("SERVING_READINESS_PROBE", ""), port),
        system_tls=bool(env.get("ROOT_CA")),
    )


def _user_protocol(env: Mapping[str, str]) -> Literal["http1", "h2c"]:
    """The user's port is always called `user-port`; what it speaks shows in the port the queue serves.

    Deviation: upstream's queue speaks to the container as it was spoken to.
    """
    return "h2c" if env.get("QUEUE_SERVING_PORT") == str(_QUEUE_H2C) else "http1"


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default


def readiness_of(text: str, user_port: int) -> ReadinessProbe:
    """The user's probe from SERVING_READINESS_PROBE: JSON of one probe, or of a list (the first counts)."""
    try:
        probe: Any = json.loads(text) if text else {}
    except ValueError:
        probe = {}
    if isinstance(probe, list):
        probe = probe[0] if probe else {}
    kind: Literal["http", "tcp", "grpc"] = "tcp"
    action = probe.get("tcpSocket") or {}
    if probe.get("httpGet"):
        kind, action = "http", probe["httpGet"]
    elif probe.get("grpc"):
        kind, action = "grpc", probe["grpc"]
    port = action.get("port")
    return ReadinessProbe(
        kind=kind,
        port=_number(str(port or ""), user_port) or user_port,
        path=action.get("path") or "/",
        headers=tuple((h["name"], h["value"]) for h in action.get("httpHeaders") or ()),
        service=action.get("service") or "",
        timeout_s=float(probe.get("timeoutSeconds") or 1),
        period_s=float(probe.get("periodSeconds") or 0),
        success_threshold=int(probe.get("successThreshold") or 1),
        failure_threshold=int(probe.get("failureThreshold") or 3),
    )


def revision_routes(activator: Workload, facts: RoleFacts) -> tuple[RevisionRoute, ...]:
    """What an activator knows of every revision that can take requests."""
    rows = (r for r in facts.snapshot.list(REVISION) if not is_deleting(r))
    made = (revision_route(r, activator, facts) for r in rows)
    found = (_kept.same(("revision", activator.uid, r.namespace, r.name), r) for r in made)
    return tuple(sorted(found, key=lambda r: (r.namespace, r.name)))


def revision_route(revision: Json, activator: Workload, facts: RoleFacts) -> RevisionRoute:
    """One revision: its ready pods, and how to speak to them."""
    meta, spec = revision["metadata"], revision.get("spec") or {}
    namespace, name = meta["namespace"], meta["name"]
    pieces = facts.slices.get((namespace, f"{name}-private"), ())
    concurrency = int(spec.get("containerConcurrency") or 0)
    backends = backends_of(pieces, lambda _, number: number in _QUEUE_PORTS, first=True)
    return RevisionRoute(
        namespace=namespace,
        name=name,
        hosts=tuple(f"{name}.{namespace}{end}" for end in ("", ".svc", f".svc.{DOMAIN}")),
        protocol=_revision_protocol(spec),
        backends=backends,
        # Without a limit a ready pod always has room. With one, the control plane counts.
        spare=bool(backends) and concurrency == 0,
        container_concurrency=concurrency,
        timeout_s=float(spec.get("timeoutSeconds") or 300),
        peer=_peer(revision, pieces, activator, facts),
    )


def _revision_protocol(spec: Json) -> Literal["http1", "h2c"]:
    ports = [p for c in spec.get("containers") or () for p in c.get("ports") or ()]
    return "h2c" if any(p.get("name") == "h2c" for p in ports) else "http1"


def _peer(revision: Json, pieces: Sequence[Json], activator: Workload, facts: RoleFacts) -> PeerTls | None:
    """MTLS when both ends have a certificate. Before the first pod, what the revision asks for counts."""
    if not activator.identity:
        return None
    namespace, name = revision["metadata"]["namespace"], revision["metadata"]["name"]
    uids = [(row.get("targetRef") or {}).get("uid", "") for p in pieces for row in p.get("endpoints") or ()]
    pods = [facts.pods[uid] for uid in uids if uid in facts.pods]
    if pods:
        taking = [p for p in pods if _takes(p, facts)]
        if not taking:
            return None
        identities = {p.identity for p in taking}
    elif _wants_sidecar(revision):
        account = (revision.get("spec") or {}).get("serviceAccountName") or "default"
        identities = {spiffe(namespace, account)}
    else:
        return None
    sni = f"outbound_.80_._.{name}.{namespace}.svc.{DOMAIN}"
    return PeerTls(identities=tuple(sorted(identities)), sni=sni)


def _takes(pod: Workload, facts: RoleFacts) -> bool:
    modes = facts.modes.get(pod.uid)
    return pod.sidecar and modes is not None and modes.of(_QUEUE_PORTS[0]) != Mode.DISABLE


def _wants_sidecar(revision: Json) -> bool:
    asked = {**annotations_of(revision), **labels_of(revision)}
    return asked.get(_INJECT) == "true"
