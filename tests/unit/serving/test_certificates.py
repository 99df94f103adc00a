"""external-domain-tls: which certificates are wanted, what becomes of them, what hosts do meanwhile."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hauberk.app.serving_certificates import ServingCertificates
from hauberk.base.refs import Json, Ref
from hauberk.engine.clock import SystemClock
from hauberk.pki import inspect
from hauberk.pki.authority import Authority
from hauberk.serving.certificate import controller, wanted
from hauberk.serving.certificate.plan import World, plan
from hauberk.serving.config.network import parse_network
from hauberk.serving.route import plan as routes
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

NETWORK = parse_network({"external-domain-tls": "Enabled", "default-external-scheme": "http"})
HOST = "a.example.com"


def route(**notes: str) -> dict[str, Any]:
    return {"kind": "Route", "metadata": {"name": "a", "namespace": "n", "uid": "u", "annotations": notes}}


def stored(owner: str = "u", ready: str = "True", **spec: Any) -> dict[str, Any]:
    made = wanted.make_certificate(route(), "route-u", HOST, "example.com", NETWORK)
    owners = [{"uid": owner, "controller": True, "kind": "Route", "name": "a"}]
    return {
        **made,
        "metadata": {**made["metadata"], "uid": "c", "ownerReferences": owners},
        "spec": {**made["spec"], **spec},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("found", "option", "want", "tls", "https"),
    [
        (None, "Enabled", ("True", "HTTPDowngrade"), 0, False),
        (None, "Redirected", ("Unknown", "CertificateNotReady"), 0, True),
        (stored(ready="False"), "Enabled", ("True", "HTTPDowngrade"), 0, False),
        (stored(dnsNames=["old.example.com"]), "Enabled", ("True", "HTTPDowngrade"), 0, False),
        (stored(owner="x"), "Enabled", ("False", "NotOwned"), 0, False),
        (stored(), "Enabled", ("True", ""), 1, True),
    ],
)
def test_certificate_provisioned(
    found: Json | None, option: Any, want: tuple[str, str], tls: int, https: bool
) -> None:
    network = replace(NETWORK, http_option=option)
    made = wanted.make_certificate(route(), "route-u", HOST, "example.com", network)
    got = wanted.outcome(route(), [made], {"route-u": found} if found else {}, network)
    assert (got.condition.status, got.condition.reason) == want
    assert len(got.tls) == tls
    assert (HOST in got.secure) == https


LOCAL = parse_network({"cluster-local-domain-tls": "Enabled"})
TAG = f"-{zlib.adler32(b'blue')}"


def certified(name: str, names: list[str], ready: str) -> Json:
    """A Certificate of the Route, as it is stored."""
    made = wanted.make_local_certificate(route(), "", names, LOCAL)
    owners = [{"uid": "u", "controller": True, "kind": "Route", "name": "a"}]
    return {
        **made,
        "metadata": {**made["metadata"], "name": name, "ownerReferences": owners},
        "spec": {**made["spec"], "secretName": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("main", "tag", "want", "scheme"),
    [
        (None, None, ("Unknown", "CertificateNotReady"), "http"),
        ("False", "True", ("Unknown", "CertificateNotReady"), "http"),
        ("True", "False", ("Unknown", "CertificateNotReady"), "https"),
        ("True", "True", ("True", ""), "https"),
    ],
)
def test_local_names_are_https_only_once_their_certificate_is_there(
    main: str | None, tag: str | None, want: tuple[str, str], scheme: str
) -> None:
    suffixes = ("", ".svc", ".svc.cluster.local")
    rows = (("route-u-local", "a.n", main), (f"route-u{TAG}-local", "blue-a.n", tag))
    stored = {
        name: certified(name, [f"{host}{suffix}" for suffix in suffixes], ready)
        for name, host, ready in rows
        if ready
    }
    traffic = [{"percent": 100, "latestRevision": True, "tag": "blue", "configurationName": "a"}]
    world = routes.World(
        route={**route(), "spec": {"traffic": traffic}}, ingress=None, network=LOCAL, certificates=stored
    )
    got = routes.plan(world, 0.0)
    made = [child for child in got.children if child["kind"] == "Certificate"]
    assert [child["metadata"]["name"] for child in made] == [name for name, _, _ in rows]
    assert [child["spec"]["dnsNames"][0] for child in made] == ["a.n", "blue-a.n"]
    (row,) = [c for c in (got.status or {})["conditions"] if c["type"] == "CertificateProvisioned"]
    assert (row["status"], row.get("reason", "")) == want
    assert (got.status or {})["address"]["url"] == f"{scheme}://a.n.svc.cluster.local"


@pytest.mark.parametrize(
    ("notes", "network", "want"),
    [
        ({}, NETWORK, True),
        ({}, parse_network({}), False),
        ({"networking.knative.dev/disable-external-domain-tls": "true"}, NETWORK, False),
        ({"networking.knative.dev/disableAutoTLS": "true"}, NETWORK, False),
    ],
)
def test_who_wants_certificates(notes: dict[str, str], network: Any, want: bool) -> None:
    assert wanted.is_wanted(route(**notes), network) == want


def test_the_secret_is_filled_and_marked_so_that_net_istio_sees_it() -> None:
    got = plan(World(certificate=stored(), secret=None, data={"tls.crt": "x"}), 0.0)
    (secret,) = got.children
    assert secret["metadata"]["labels"] == {"networking.internal.knative.dev/certificate-uid": "c"}
    assert (secret["type"], secret["data"]) == ("kubernetes.io/tls", {"tls.crt": "x"})
    assert (got.status or {})["conditions"] == [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("secret", "issuer", "reason"),
    [({"metadata": {"name": "route-u"}}, True, "NotOwned"), (None, False, "NoIssuer")],
)
def test_why_a_certificate_is_not_issued(secret: Json | None, issuer: bool, reason: str) -> None:
    got = plan(World(certificate=stored(), secret=secret, has_issuer=issuer), 0.0)
    assert (got.status or {})["conditions"][0]["reason"] == reason
    assert not got.children


def test_a_stored_certificate_stays_until_its_hosts_change(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, SystemClock().now())
    issue = ServingCertificates(authority, SystemClock())
    first = issue([HOST], b"")
    assert first is not None
    assert issue([HOST], b"") == first, "asked again before it is stored"
    assert inspect.facts_of(first.pair.chain)[0].dns_names == (HOST,)
    assert issue([HOST], first.pair.chain) is None
    assert issue([HOST, "b.example.com"], first.pair.chain) is not None
    other = Authority.open(tmp_path / "other", SystemClock().now())
    assert ServingCertificates(other, SystemClock())([HOST], b"not PEM") is not None


def test_the_controller_asks_for_what_is_stored(tmp_path: Path) -> None:
    authority = Authority.open(tmp_path, SystemClock().now())
    api = MemoryApi(FakeClock())
    api.seed(stored())
    observe = controller.observer(ServingCertificates(authority, SystemClock()))
    ref = Ref("Certificate.networking.internal.knative.dev", "n", "route-u")
    world = observe(api.snapshot(), ref)
    assert world is not None
    assert world.data is not None
    assert {"tls.crt", "tls.key", "ca.crt"} == set(world.data)
    api.seed(dict(plan(world, 0.0).children[0]))
    again = observe(api.snapshot(), ref)
    assert again is not None
    assert again.data is None
