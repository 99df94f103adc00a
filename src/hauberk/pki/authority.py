"""The cluster's own authorities, kept in one directory.

| file          | is                                          | signs                                      |
|---------------|---------------------------------------------|--------------------------------------------|
| `mesh.*`      | the mesh CA, `O=cluster.local` as istiod's  | workload certificates (SPIFFE)              |
| `cluster.*`   | the Kubernetes CA                           | the API's certificate, kubeconfig clients   |
| `ingress.*`   | the router's CA                             | the router's default certificate            |
| `service.*`   | OpenShift's service serving signer          | serving certificates of Services            |
| `tokens.key`  | an EC key                                   | ServiceAccount tokens                       |

Keys are 0600 in a 0700 directory. A file appears whole or not at all, so a crash while creating
leaves either an authority or none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hauberk.base.files import write_whole
from hauberk.base.problems import Problem
from hauberk.pki import inspect
from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority, key_pem, new_key
from hauberk.ports import KeyPair

TRUST_DOMAIN = "cluster.local"
_CA_LIFE_S = 3650 * DAY_S
_SERVING_LIFE_S = 730 * DAY_S
_CLIENT_LIFE_S = 365 * DAY_S
_WORKLOAD_LIFE_S = DAY_S
_AUTHORITIES = {
    "mesh": ("", TRUST_DOMAIN),
    "cluster": ("hauberk-cluster-ca", ""),
    "ingress": ("ingress-operator", ""),
    "service": ("openshift-service-serving-signer", ""),
}


class Authority:
    """Every CA of one cluster. Is the mesh's `ports.Signer`."""

    def __init__(
        self, issuers: dict[str, Issuer], token_key: bytes, trust_domain: str = TRUST_DOMAIN
    ) -> None:
        self._issuers, self._token_key, self._trust_domain = issuers, token_key, trust_domain

    @classmethod
    def open(cls, directory: Path, now: float) -> Authority:
        """Load the authorities, making what is missing. Raises Problem when one is not usable."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        issuers = {name: Issuer(_load_or_make(directory, name, now)) for name in _AUTHORITIES}
        tokens = directory / "tokens.key"
        if not tokens.exists():
            write_whole(tokens, key_pem(new_key()), durable=True)
        return cls(issuers, tokens.read_bytes())

    @property
    def trust_domain(self) -> str:
        """The trust domain of every SPIFFE ID."""
        return self._trust_domain

    @property
    def roots(self) -> bytes:
        """The mesh's trust bundle, PEM: what `istio-ca-root-cert` holds."""
        return self._issuers["mesh"].chain

    @property
    def cluster_roots(self) -> bytes:
        """The API's CA, PEM: what a kubeconfig and `kube-root-ca.crt` hold; also verifies clients."""
        return self._issuers["cluster"].chain

    @property
    def ingress_roots(self) -> bytes:
        """The CA of the router's default certificate, PEM."""
        return self._issuers["ingress"].chain

    @property
    def service_roots(self) -> bytes:
        """The CA of Services' serving certificates, PEM: `openshift-service-ca.crt`."""
        return self._issuers["service"].chain

    @property
    def token_key(self) -> bytes:
        """The EC P-256 key that signs ServiceAccount tokens (ES256), PEM."""
        return self._token_key

    def issue(self, identity: str, *, now: float, life_s: float = _WORKLOAD_LIFE_S) -> KeyPair:
        """A workload certificate for one SPIFFE ID of the trust domain, with no other subject."""
        if not identity.startswith(f"spiffe://{self._trust_domain}/"):
            raise ValueError(f"not a SPIFFE ID of {self._trust_domain}: {identity!r}")
        return self._issuers["mesh"].issue(Wanted(uris=(identity,), life_s=life_s), now=now)

    def serving_certificate(
        self, hosts: Sequence[str], ips: Sequence[str] = (), *, now: float, by: str = "cluster"
    ) -> KeyPair:
        """A server certificate by `cluster` (the API), `ingress` (the router) or `service`."""
        wanted = Wanted(
            common_name=hosts[0][:64] if hosts else "",
            hosts=tuple(hosts),
            ips=tuple(ips),
            life_s=_SERVING_LIFE_S,
            client=False,
        )
        return self._issuers[by].issue(wanted, now=now)

    def router_secrets(self, domain: str) -> dict[str, Callable[[float], KeyPair] | bytes]:
        """What the router asks for by name: its default certificate, and whom reencrypt trusts.

        `domain` is the apps domain; the default certificate is for `*.DOMAIN`, as the ingress operator's.
        """

        def default(now: float) -> KeyPair:
            return self.serving_certificate([f"*.{domain}"], now=now, by="ingress")

        return {"router-default": default, "service-ca": self.service_roots}

    def client_certificate(self, user: str, groups: Sequence[str] = (), *, now: float) -> KeyPair:
        """A client certificate for a kubeconfig: CN is the user, O are the groups."""
        wanted = Wanted(common_name=user, organizations=tuple(groups), life_s=_CLIENT_LIFE_S, server=False)
        return self._issuers["cluster"].issue(wanted, now=now)


def _load_or_make(directory: Path, name: str, now: float) -> KeyPair:
    """The certificate is written last: a pair without one is made anew after a crash."""
    chain, key = directory / f"{name}.crt", directory / f"{name}.key"
    if not (chain.exists() and key.exists()):
        pair = authority(*_AUTHORITIES[name], now=now, life_s=_CA_LIFE_S)
        write_whole(key, pair.key, durable=True)
        write_whole(chain, pair.chain, durable=True)
    pair = KeyPair(chain.read_bytes(), key.read_bytes())
    if not inspect.key_matches(pair.chain, pair.key):
        raise Problem(
            f"the {name} CA is not usable",
            wanted=f"a certificate `{chain}` and its key `{key}`",
            found="a pair that does not belong together, or is not PEM",
            fix=f"rm {chain} {key}",
        )
    return pair
