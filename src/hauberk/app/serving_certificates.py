"""Certificates for the hosts of Knative services, signed by the router's authority.

Whoever trusts the router's default certificate trusts these, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from hauberk.engine.clock import SystemClock
from hauberk.pki import inspect
from hauberk.pki.authority import Authority
from hauberk.serving.certificate.controller import Issued

RENEW_BEFORE_S = 30 * 86_400.0


class ServingCertificates:
    """An `Issue`: a new pair where the stored one is missing, for other hosts, foreign, or ends soon."""

    def __init__(self, authority: Authority, clock: SystemClock) -> None:
        self._authority, self._clock = authority, clock
        self._made: dict[tuple[str, ...], Issued] = {}

    def __call__(self, hosts: Sequence[str], stored: bytes) -> Issued | None:
        """Answer for these hosts and the chain that is stored for them."""
        names = tuple(hosts)
        if self._serves(names, stored):
            self._made.pop(names, None)
            return None
        if names not in self._made or not self._serves(names, self._made[names].pair.chain):
            pair = self._authority.serving_certificate(names, now=self._clock.now(), by="ingress")
            self._made[names] = Issued(pair, self._authority.ingress_roots)
        return self._made[names]

    def _serves(self, hosts: tuple[str, ...], chain: bytes) -> bool:
        try:
            leaf = inspect.facts_of(chain)[0]
            signer = inspect.facts_of(self._authority.ingress_roots)[0]
        except ValueError:
            return False
        fresh = leaf.not_after > self._clock.now() + RENEW_BEFORE_S
        return set(hosts) <= set(leaf.dns_names) and fresh and leaf.issuer == signer.subject
