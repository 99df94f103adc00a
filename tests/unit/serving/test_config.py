from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.operators.knative_serving.settings import config_maps
from hauberk.serving.config.deployment import parse_deployment
from hauberk.serving.config.domain import parse_domains
from hauberk.serving.config.gc import Retention, parse_retention
from hauberk.serving.config.istio import EXTERNAL, LOCAL, Gateway, parse_istio, problem
from hauberk.serving.config.network import fill_template, parse_network
from hauberk.serving.route.hosts import hosts_of
from hauberk.serving.route.make import at_once, make_ingress
from hauberk.serving.route.traffic import Target


def test_both_formats_of_gateways_mean_the_same() -> None:
    dotted = {
        "gateway.knative-serving.knative-ingress-gateway": "istio-ingressgateway.m.svc.cluster.local",
        "local-gateway.knative-serving.knative-local-gateway": "knative-local-gateway.m.svc.cluster.local",
    }
    listed = {
        "external-gateways": "- name: knative-ingress-gateway\n  namespace: knative-serving\n"
        "  service: istio-ingressgateway.m.svc.cluster.local\n",
        "local-gateways": "- name: knative-local-gateway\n  namespace: knative-serving\n"
        "  service: knative-local-gateway.m.svc.cluster.local\n",
    }
    assert parse_istio(dotted) == parse_istio(listed)
    assert parse_istio(dotted).external == (
        Gateway("knative-serving", "knative-ingress-gateway", "istio-ingressgateway.m.svc.cluster.local"),
    )


@pytest.mark.parametrize(
    "data", [{}, {"_example": "x"}, {"external-gateways": "["}, {"external-gateways": "7"}]
)
def test_gateways_default_to_those_of_istio_system(data: dict[str, str]) -> None:
    assert parse_istio(data).external == (EXTERNAL,)
    assert parse_istio(data).local == (LOCAL,)


GATEWAYS = """
- {name: all, namespace: n, service: all.n.svc.cluster.local}
- name: inner
  namespace: n
  service: inner.n.svc.cluster.local
  labelSelector: {matchExpressions: [{key: zone, operator: In, values: [inner]}]}
"""


@pytest.mark.parametrize(
    ("labels", "want"), [({}, "n/all"), ({"zone": "outer"}, "n/all"), ({"zone": "inner"}, "n/inner")]
)
def test_a_gateways_selector_chooses_its_ingresses(labels: dict[str, str], want: str) -> None:
    chosen = parse_istio({"external-gateways": GATEWAYS}).of(labels)
    assert [g.qualified for g in chosen.external] == [want]
    assert chosen.local == (LOCAL,)


ROW = "- {name: a, namespace: n, service: a.n}"


@pytest.mark.parametrize(
    ("data", "want"),
    [
        ({}, ""),
        ({"external-gateways": GATEWAYS}, ""),
        ({"external-gateways": ROW, "gateway.n.a": "a.n"}, "can not be defined simultaneously"),
        ({"external-gateways": f"{ROW}\n{ROW}"}, "exactly one external gateway with no selector"),
        ({"local-gateways": "- {name: a, namespace: n}"}, "invalid gateway n/a: missing service"),
        ({"local-gateways": "["}, "failed to unmarshal"),
        ({"local-gateways": "7"}, "failed to unmarshal"),
    ],
)
def test_gateways_that_net_istio_refuses(data: dict[str, str], want: str) -> None:
    found = problem(data)
    assert (want in found) if want else found == ""


def test_the_domain_with_the_most_matching_labels_wins() -> None:
    domains = parse_domains({"a.com": "", "b.com": "selector:\n  app: x\n", "_example": "no"})
    assert domains.choose({}) == "a.com"
    assert domains.choose({"app": "x"}) == "b.com"
    assert parse_domains({}).choose({}) == "svc.cluster.local"


def route(**labels: str) -> dict[str, Any]:
    return {"metadata": {"name": "hello", "namespace": "default", "labels": labels}, "spec": {}}


def test_hosts_on_openshift() -> None:
    maps = config_maps("apps.openshift.example.com", istio=True)
    network, domains = parse_network(maps["config-network"]), parse_domains(maps["config-domain"])
    hosts = hosts_of(route(), "", domains, network)
    assert hosts.external == "hello-default.apps.openshift.example.com"
    assert hosts.address("http") == "http://hello.default.svc.cluster.local"
    tagged = hosts_of(route(), "v1", domains, network)
    assert tagged.external == "v1-hello-default.apps.openshift.example.com"


def test_a_cluster_local_route_has_no_external_host() -> None:
    local = route(**{"networking.knative.dev/visibility": "cluster-local"})
    hosts = hosts_of(local, "", parse_domains({"a.com": ""}), parse_network({}))
    assert not hosts.external


def test_templates() -> None:
    values = {"Name": "a", "Labels": {"x": "y"}, "Tag": ""}
    assert fill_template('{{.Name}}-{{index .Labels "x"}}', values) == "a-y"
    assert fill_template("{{if .Tag}}t{{else}}{{.Name}}{{end}}", values) == "a"


def test_retention() -> None:
    assert parse_retention({}) == Retention()
    off = parse_retention({"retain-since-create-time": "disabled", "max-non-active-revisions": "disabled"})
    assert off.since_create_s is None
    assert off.max_non_active is None


def test_deployment() -> None:
    got = parse_deployment({"progress-deadline": "120s", "queue-sidecar-cpu-limit": "1"})
    assert (got.progress_deadline_s, got.queue_image) == (120, "hauberk.local/queue")
    assert got.queue_limits == {"cpu": "1"}


@given(st.lists(st.integers(1, 100), min_size=1, max_size=5))
def test_splits_of_an_ingress_sum_to_100(shares: list[int]) -> None:
    total = sum(shares)
    percents = [s * 100 // total for s in shares]
    percents[0] += 100 - sum(percents)
    targets = [
        Target(revision=f"a-{i}", configuration="a", latest=False, percent=p) for i, p in enumerate(percents)
    ]
    hosts = {"": hosts_of(route(), "", parse_domains({"a.com": ""}), parse_network({}))}
    for rule in make_ingress(route(), at_once(targets), hosts, parse_network({}))["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            assert sum(s["percent"] for s in path["splits"]) == 100
