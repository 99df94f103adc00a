"""The traffic policy that counts for one port and subset of a service. Pure.

Source: istio/istio pilot/pkg/networking/util (MergeTrafficPolicy): a subset's fields replace the host's,
a port's replace those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hauberk.base.quantities import parse_duration_s
from hauberk.kinds.istio_networking.destination_rule import (
    ClientTLS,
    ConnectionPool,
    LoadBalancer,
    OutlierDetection,
    PortPolicy,
    Subset,
    TrafficPolicy,
)
from hauberk.mesh.model import Destination, Protocol


@dataclass(frozen=True, slots=True)
class Effective:
    """How to talk to one port of a service."""

    tls: ClientTLS | None = None
    balancer: LoadBalancer | None = None
    pool: ConnectionPool | None = None
    outlier: OutlierDetection | None = None

    def upgrades(self, spoken: Protocol, *, multiplexed: bool = False) -> bool:
        """Whether requests go out as HTTP/2: where the port or the rule says so.

        To `multiplexed` endpoints HTTP/1.1 is upgraded too, unless a rule says anything about connections:
        its limits count what HTTP/1.1 counts.
        """
        if spoken == Protocol.HTTP2:
            return True
        if spoken != Protocol.HTTP:
            return False
        if self.pool is None:
            return multiplexed
        return self.pool.http is not None and self.pool.http.h2_upgrade_policy == "UPGRADE"

    @staticmethod
    def seconds(text: str) -> timedelta:
        """A Go duration; what is not one counts as 0."""
        try:
            return timedelta(seconds=parse_duration_s(text))
        except ValueError:
            return timedelta(0)

    def over(self, below: Effective) -> Effective:
        """This policy, with what it does not set taken from `below`."""
        return Effective(
            self.tls or below.tls,
            self.balancer or below.balancer,
            self.pool or below.pool,
            self.outlier or below.outlier,
        )


def effective(rule: Destination | None, port: int, subset: Subset | None = None) -> Effective:
    """The policy for a port, of the whole host or of a subset."""
    if rule is None:
        return Effective()
    host = _at(rule.spec.traffic_policy, port)
    return _at(subset.traffic_policy, port).over(host) if subset is not None else host


def _at(policy: TrafficPolicy | None, port: int) -> Effective:
    if policy is None:
        return Effective()
    own = next((p for p in policy.port_level_settings if p.port is not None and p.port.number == port), None)
    return _plain(own).over(_plain(policy)) if own is not None else _plain(policy)


def _plain(policy: TrafficPolicy | PortPolicy) -> Effective:
    return Effective(policy.tls, policy.load_balancer, policy.connection_pool, policy.outlier_detection)
