"""Secrets as proxies ask for them: the workload's certificate, the roots, gateway credentials.

| name                       | is                                                             |
|----------------------------|----------------------------------------------------------------|
| `default`                  | certificate and key of the proxy's own SPIFFE identity          |
| `ROOTCA`                   | the mesh's trust bundle                                         |
| `kubernetes://NAME`        | certificate and key in Secret NAME of the proxy's namespace     |
| `kubernetes://NAME-cacert` | the client CA of the same (`ca.crt`, `cacert`, or Secret NAME-cacert) |
| another                    | what the control plane registered under that name               |

Who a proxy is comes from its configuration (`Resources`), never from the proxy.
Certificates are renewed at half of their life, spread by up to a tenth so that they do not all
come due together.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from envoy.extensions.transport_sockets.tls.v3.secret_pb2 import Secret

from hauberk.pki.inspect import facts_of
from hauberk.pki.issuing import DAY_S
from hauberk.ports import KeyPair, Signer
from hauberk.xds.translate.types import Resource, resource

Credentials: TypeAlias = Callable[[str, str], Mapping[str, bytes] | None]
"""The decoded `data` of a Secret, by namespace and name."""
Registered: TypeAlias = Mapping[str, Callable[[float], KeyPair] | bytes]
"""Further names → how to make a certificate at a time, or the PEM of roots to trust."""

_KUBERNETES = "kubernetes://"
_CA = "-cacert"
_SPREAD_RATIO = 0.1


@dataclass(frozen=True, slots=True)
class _Issued:
    made: Resource
    renew_at: float  # seconds since the epoch


class Secrets:
    """Every secret that any proxy was given, until it is due."""

    def __init__(self, signer: Signer, credentials: Credentials, registered: Registered) -> None:
        self._signer, self._credentials, self._registered = signer, credentials, registered
        self._issued: dict[tuple[str, str], _Issued] = {}  # (proxy, secret name)
        self.soonest = math.inf  # not later than any renewal, in seconds since the epoch

    def get(
        self, proxy: str, identity: str, namespace: str, name: str, now: float, life_s: float = DAY_S
    ) -> Resource | None:
        """The secret, or None when there is none by that name for this proxy. `life_s` is a certificate's."""
        if name == "ROOTCA":
            return roots_secret(name, self._signer.roots)
        if name.startswith(_KUBERNETES):
            return gateway_secret(namespace, name, self._credentials)
        maker = self._maker(identity, name, life_s)
        if maker is None:
            return None
        if isinstance(maker, bytes):
            return roots_secret(name, maker)
        held = self._issued.get((proxy, f"{name} {identity}"))
        if held is None or held.renew_at <= now:
            pair = maker(now)
            held = _Issued(pair_secret(name, pair), renewal(pair.chain, proxy, now))
            self._issued[proxy, f"{name} {identity}"] = held
            self.soonest = min(self.soonest, held.renew_at)
        return held.made

    def _maker(self, identity: str, name: str, life_s: float) -> Callable[[float], KeyPair] | bytes | None:
        if name == "default":
            return (lambda now: self._signer.issue(identity, now=now, life_s=life_s)) if identity else None
        return self._registered.get(name)

    def next_renewal(self) -> float | None:
        """When the first of them is due, in seconds since the epoch."""
        due = min((held.renew_at for held in self._issued.values()), default=None)
        self.soonest = math.inf if due is None else due
        return due

    def forget(self, proxy: str) -> None:
        """Drop what was issued to a proxy that is gone."""
        for key in [key for key in self._issued if key[0] == proxy]:
            del self._issued[key]


def renewal(chain: bytes, proxy: str, now: float) -> float:
    """When to renew, in seconds since the epoch: at half of the remaining life, less up to a tenth."""
    left = max(facts_of(chain)[0].not_after - now, 0.0)
    digest = hashlib.sha256(proxy.encode()).digest()
    return now + left / 2 * (1 - _SPREAD_RATIO * digest[0] / 255)


def pair_secret(name: str, pair: KeyPair) -> Resource:
    """A TLS certificate secret."""
    secret = Secret(name=name)
    secret.tls_certificate.certificate_chain.inline_bytes = pair.chain
    secret.tls_certificate.private_key.inline_bytes = pair.key
    return resource(secret)


def roots_secret(name: str, roots: bytes) -> Resource:
    """A validation context secret."""
    secret = Secret(name=name)
    secret.validation_context.trusted_ca.inline_bytes = roots
    return resource(secret)


def gateway_secret(namespace: str, name: str, credentials: Credentials) -> Resource | None:
    """The credential of a Gateway server, or None when the Secret or its keys are missing.

    Source: istio/istio pilot/pkg/credentials/kube/secrets.go (generic and tls keys, `-cacert`).
    """
    wanted = name.removeprefix(_KUBERNETES)
    data = credentials(namespace, wanted)
    if wanted.endswith(_CA):
        data = data or credentials(namespace, wanted.removesuffix(_CA)) or {}
        authority = data.get("ca.crt") or data.get("cacert")
        return roots_secret(name, authority) if authority else None
    for chain, key in (("tls.crt", "tls.key"), ("cert", "key")):
        if data and data.get(chain) and data.get(key):
            return pair_secret(name, KeyPair(data[chain], data[key]))
    return None
