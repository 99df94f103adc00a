"""The matrix of `hauberk verify` as a table, and what one run of it consists of. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["pass", "fail", "skip"]
LABEL = "hauberk.dev/verify"  # on everything that a run creates; its value is the run
INJECT = "sidecar.istio.io/inject"
REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One row: what is sent, and what must come of it."""

    id: str
    title: str
    wanted: str
    see: str  # what to look at when it does not hold


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a probe."""

    outcome: Outcome
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A probe with its verdict."""

    probe: Probe
    verdict: Verdict
    took_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The row of `-o json`."""
        probe, verdict = self.probe, self.verdict
        row = {"id": probe.id, "title": probe.title, "wanted": probe.wanted, "outcome": verdict.outcome}
        fix = {"see": probe.see} if verdict.outcome == "fail" else {}
        return {**row, "seen": verdict.seen, **fix, "seconds": round(self.took_s, 2)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person may choose about a run."""

    image: str  # answers HTTP on $PORT
    client_image: str  # has sh and curl
    event_image: str = ""  # prints the CloudEvents that it receives; empty: no probe of events
    namespace: str = ""  # a member; the first with services when empty
    only: tuple[str, ...] = ()  # ids of probes; all when empty
    within_s: float = 180.0  # for each thing that must become ready


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one run creates and sends."""

    run: str  # its mark, in names and labels
    namespace: str
    host: str  # of the probe service, from outside
    local_host: str  # from inside
    local_mtls: bool  # whether a client without the mesh's certificate must be refused there
    tenant_namespace: str  # of another tenant; empty when there is none
    why_no_tenant: str
    events: str  # empty, or why events are not probed
    kafka: str  # the same for Kafka
    wish: Wish

    @property
    def service(self) -> str:
        """The name of the probe service."""
        return f"hauberk-verify-{self.run}"

    def wants(self, probe: str) -> bool:
        """Whether the run has this probe."""
        return not self.wish.only or probe in self.wish.only


PROBES: tuple[Probe, ...] = (
    Probe(
        id="ready",
        title="a Knative service in a member namespace becomes ready",
        wanted="condition Ready=True, with a sidecar in its pod",
        see="hauberk doctor; kubectl describe ksvc",
    ),
    Probe(
        id="external",
        title="from outside, verified with the CA",
        wanted="200, and a certificate for the host that the CA signed",
        see="the gateway's Secret, and the Route: hauberk mesh describe route",
    ),
    Probe(
        id="other-ca",
        title="from outside, verified with another CA",
        wanted="the client refuses the certificate",
        see="the --ca that was given: it may hold more than the CA of the certificate",
    ),
    Probe(
        id="inside",
        title="a client in the mesh, through the local gateway",
        wanted="200",
        see="hauberk mesh trace; the Gateway knative-local-gateway and its Service",
    ),
    Probe(
        id="outside",
        title="a client outside the mesh, through the local gateway",
        wanted="refused: the gateway demands a certificate of the mesh",
        see="the Gateway knative-local-gateway: tls.mode ISTIO_MUTUAL",
    ),
    Probe(
        id="plaintext",
        title="plaintext to the service's pod, from outside the mesh",
        wanted="refused: the sidecar speaks mTLS only",
        see="spec.security.dataPlane.mtls of the control plane, and PeerAuthentications",
    ),
    Probe(
        id="tenant",
        title="a client of another tenant, through the local gateway",
        wanted="403",
        see="hauberk tenant list; kubectl get authorizationpolicies -A",
    ),
    Probe(
        id="rollout",
        title="a rollout under load",
        wanted="0 requests lost",
        see="terminationDrainDuration of the mesh, port 8022 in its excluded ports",
    ),
    Probe(
        id="scale-down",
        title="a scale-down under load",
        wanted="0 requests lost",
        see="terminationDrainDuration of the mesh, port 8022 in its excluded ports",
    ),
    Probe(
        id="from-zero",
        title="the first request after scaling to zero",
        wanted="200",
        see="the activator's and the autoscaler's sidecars: hauberk doctor",
    ),
    Probe(
        id="broker",
        title="an event through a Broker to a service",
        wanted="the service prints the event",
        see="kubectl describe broker,trigger",
    ),
    Probe(
        id="kafka",
        title="an event through a Kafka Broker to a service",
        wanted="the service prints the event",
        see="kubectl describe broker,trigger; the ServiceEntry kafka-cluster",
    ),
)
BY_ID = {probe.id: probe for probe in PROBES}
