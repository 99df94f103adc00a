"""DomainMappings: who may have a name, where it leads, which certificate it shows."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json, Ref
from hauberk.kinds import BY_ID
from hauberk.serving.config.istio import Istio
from hauberk.serving.config.network import Network
from hauberk.serving.domainmapping import plan as domainmapping
from hauberk.serving.domainmapping.target import Target, Unresolved, resolve
from hauberk.serving.ingress import copies, tls
from hauberk.serving.ingress.make import make_virtual_services
from hauberk.serving.ingress.plan import make_istio
from hauberk.testing.clock import FakeClock
from hauberk.testing.memory_api import MemoryApi

CLAIMING = Network(autocreate_claims=True)
TARGET = Target("hello.n.svc.cluster.local", "hello")
CLAIM = "ClusterDomainClaim.networking.internal.knative.dev"


def mapping(**spec: Any) -> dict[str, Any]:
    ref = {"kind": "Service", "apiVersion": "serving.knative.dev/v1", "name": "hello", "namespace": "n"}
    return {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": {"name": "shop.example.org", "namespace": "n", "uid": "u", "generation": 1},
        "spec": {"ref": ref, **spec},
    }


def claim(namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": "shop.example.org"}, "spec": {"namespace": namespace}}


def world(**more: Any) -> domainmapping.World:
    defaults: dict[str, Any] = {
        "mapping": mapping(),
        "claim": claim("n"),
        "ingress": None,
        "target": TARGET,
        "network": CLAIMING,
    }
    return domainmapping.World(**{**defaults, **more})


def row(status: Json | None, kind: str) -> tuple[str, str]:
    found = next(c for c in (status or {})["conditions"] if c["type"] == kind)
    return found["status"], found.get("reason", "")


@pytest.mark.parametrize(
    ("stored", "autocreate", "want", "made"),
    [
        (None, True, ("True", ""), 1),
        (None, False, ("False", "DomainAlreadyClaimed"), 0),
        (claim("n"), False, ("True", ""), 0),
        (claim("other"), True, ("False", "DomainAlreadyClaimed"), 0),
    ],
)
def test_a_name_belongs_to_one_namespace(
    stored: Json | None, autocreate: bool, want: tuple[str, str], made: int
) -> None:
    got = domainmapping.plan(world(claim=stored, network=Network(autocreate_claims=autocreate)), 0.0)
    assert row(got.status, "DomainClaimed") == want
    assert [o["kind"] for o in got.others] == ["ClusterDomainClaim"] * made
    assert bool(got.children) == (want[0] == "True")


@pytest.mark.parametrize(
    ("network", "gone"), [(CLAIMING, (Ref(CLAIM, "", "shop.example.org"),)), (Network(), ())]
)
def test_a_claim_made_for_the_mapping_ends_with_it(network: Network, gone: tuple[Ref, ...]) -> None:
    assert domainmapping.finalize(world(network=network), 0.0).gone == gone
    assert domainmapping.finalize(world(network=network, claim=claim("other")), 0.0).gone == ()


def addressed(url: str) -> dict[str, Any]:
    return {"status": {"address": {"url": url}}}


@pytest.mark.parametrize(
    ("found", "want"),
    [
        (addressed("http://hello.n.svc.cluster.local"), TARGET),
        (addressed("http://hello.n.svc.cluster.local/x"), "contains a path"),
        (addressed("http://example.com"), "must be of the form {name}.{namespace}.svc.cluster.local"),
        (addressed("http://a.other.svc.cluster.local"), "must be in same namespace as DomainMapping"),
        ({}, "address not set"),
        (None, 'services.serving.knative.dev "hello" not found'),
    ],
)
def test_where_a_reference_leads(found: Json | None, want: Target | str) -> None:
    got = resolve(mapping(), found, plural="services.serving.knative.dev")
    if isinstance(want, str):
        assert isinstance(got, Unresolved)
        assert want in got.why
        state = domainmapping.plan(world(target=got), 0.0).status
        assert row(state, "ReferenceResolved") == ("False", "ResolveFailed")
        assert row(state, "Ready") == ("False", "ResolveFailed")
    else:
        assert got == want


def test_the_ingress_asks_the_target_under_its_own_name() -> None:
    got = domainmapping.plan(world(mapping=mapping(tls={"secretName": "shop"})), 0.0)
    (ingress,) = got.children
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (rule["hosts"], rule["visibility"]) == (["shop.example.org"], "ExternalIP")
    assert path["rewriteHost"] == "hello.n.svc.cluster.local"
    assert path["splits"][0]["appendHeaders"] == {"K-Original-Host": "shop.example.org"}
    assert ingress["spec"]["tls"] == [
        {"hosts": ["shop.example.org"], "secretName": "shop", "secretNamespace": "n"}
    ]
    assert row(got.status, "CertificateProvisioned") == ("True", "CertificateNotRequired")
    assert (got.status or {})["url"] == "https://shop.example.org"


@pytest.mark.parametrize(
    ("name", "spec", "want"),
    [
        ("shop.example.org", {}, []),
        ("a.cluster.local", {}, ["metadata.name"]),
        ("shop", {}, ["metadata.name"]),
        ("shop.example.org", {"ref": {"namespace": "other"}}, ["spec.ref.namespace"]),
        ("shop.example.org", {"ref": {"name": ""}}, ["spec.ref.name"]),
        ("shop.example.org", {"ref": {"apiVersion": ""}}, ["spec.ref.apiVersion"]),
    ],
)
def test_what_is_refused(name: str, spec: dict[str, Any], want: list[str]) -> None:
    kind = BY_ID["DomainMapping.serving.knative.dev"]
    made = mapping()
    made["metadata"]["name"] = name
    made["spec"]["ref"] |= spec.get("ref", {})
    assert [e.path.partition("\n")[0] for e in kind.validate(kind.parse(made))] == want


# Certificates of an Ingress


def ingress() -> dict[str, Any]:
    return {
        "apiVersion": "networking.internal.knative.dev/v1alpha1",
        "kind": "Ingress",
        "metadata": {"name": "shop.example.org", "namespace": "n", "uid": "i"},
        "spec": {
            "tls": [{"hosts": ["shop.example.org"], "secretName": "shop", "secretNamespace": "n"}],
            "rules": [
                {
                    "hosts": ["shop.example.org"],
                    "visibility": "ExternalIP",
                    "http": {"paths": [{"splits": []}]},
                }
            ],
        },
    }


def secret(namespace: str = "n", name: str = "shop", **labels: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "uid": "s-1", "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": {}}


FRONT = {
    "metadata": {"name": "istio-ingressgateway", "namespace": "istio-system"},
    "spec": {"selector": {"knative": "ingressgateway"}},
}


def certificates(*, filtering: bool = False, **labels: str) -> tls.Tls:
    return tls.Tls(services=(FRONT,), secrets={("n", "shop"): secret(**labels)}, filtering=filtering)


def test_the_certificate_is_copied_beside_the_gateway_and_served_for_its_hosts() -> None:
    at_hand = certificates()
    assert tls.problem(ingress(), at_hand) == ""
    (gateway,) = tls.make_gateways(ingress(), at_hand)
    (copy,) = tls.make_copies(ingress(), at_hand)
    (server,) = gateway["spec"]["servers"]
    assert server["hosts"] == ["shop.example.org"]
    assert server["tls"]["credentialName"] == copy["metadata"]["name"] == "shop.example.org-s-1"
    assert copy["metadata"]["namespace"] == "istio-system"
    assert gateway["spec"]["selector"] == {"knative": "ingressgateway"}
    own = f"n/{gateway['metadata']['name']}"
    (service,) = make_virtual_services(ingress(), Istio(), [own])
    assert service["spec"]["gateways"] == ["knative-serving/knative-ingress-gateway", own]


def test_local_names_are_served_by_the_local_gateways_on_their_own_port() -> None:
    both = ingress()
    local = ["shop.n", "shop.n.svc", "shop.n.svc.cluster.local"]
    both["spec"]["rules"].append(
        {"hosts": local, "visibility": "ClusterLocal", "http": {"paths": [{"splits": []}]}}
    )
    both["spec"]["tls"].append({"hosts": local, "secretName": "inside", "secretNamespace": "n"})
    inner = {
        "metadata": {"name": "knative-local-gateway", "namespace": "istio-system"},
        "spec": {"selector": {"istio": "inner"}},
    }
    secrets = {("n", "shop"): secret(), ("n", "inside"): secret(name="inside")}
    assert "the local gateway" in tls.problem(both, tls.Tls(services=(FRONT,), secrets=secrets))
    at_hand = tls.Tls(services=(FRONT,), inside=(inner,), secrets=secrets)
    outside, inside = tls.make_gateways(both, at_hand)
    assert [s["port"]["number"] for s in outside["spec"]["servers"]] == [443]
    assert inside["spec"]["selector"] == {"istio": "inner"}
    (server,) = inside["spec"]["servers"]
    assert (server["port"]["number"], server["hosts"]) == (8444, local)
    (service, mesh, *_) = make_istio(both, Istio(), at_hand)
    assert mesh["spec"]["gateways"] == ["mesh"]
    by_host = {
        match["authority"]["prefix"]: match["gateways"]
        for row in service["spec"]["http"]
        for match in row["match"]
    }
    assert by_host["shop.n"][1:] == [f"n/{inside['metadata']['name']}"]
    assert by_host["shop.example.org"][1:] == [f"n/{outside['metadata']['name']}"]


@pytest.mark.parametrize(
    ("at_hand", "want"),
    [
        (tls.Tls(services=(FRONT,)), 'secret "shop" not found in namespace n'),
        (tls.Tls(), "config-istio"),
        (certificates(filtering=True), "networking.internal.knative.dev/certificate-uid"),
        (certificates(filtering=True, **{"networking.internal.knative.dev/certificate-uid": "x"}), ""),
    ],
)
def test_why_a_certificate_is_not_served(at_hand: tls.Tls, want: str) -> None:
    found = tls.problem(ingress(), at_hand)
    assert (want in found) if want else found == ""


@pytest.mark.parametrize("wanted", [True, False])
def test_a_copy_goes_when_no_ingress_names_its_origin(wanted: bool) -> None:
    api = MemoryApi(FakeClock())
    api.seed(secret())
    stored = api.snapshot().get(Ref("Secret", "n", "shop"))
    assert stored is not None
    labels = {
        "networking.internal.knative.dev/originSecretName": "shop",
        "networking.internal.knative.dev/originSecretNamespace": "n",
    }
    name = tls.copy_name(ingress(), stored)
    api.seed(secret("istio-system", name, **labels))
    if wanted:
        api.seed(ingress())
    ref = Ref("Secret", "istio-system", name)
    seen = copies.observe(api.snapshot(), ref)
    assert seen is not None
    assert copies.plan(seen, 0.0).gone == (() if wanted else (ref,))
    assert copies.observe(api.snapshot(), Ref("Secret", "n", "shop")) is None
