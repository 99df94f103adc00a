"""Every child that Serving makes, against the same object on a real cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hauberk.autoscaler.collector import settings_for
from hauberk.autoscaler.config import Config, num_activators
from hauberk.autoscaler.make import make_metric, make_sks
from hauberk.base.refs import Json, kind_of
from hauberk.serving.config.deployment import parse_deployment
from hauberk.serving.config.domain import parse_domains
from hauberk.serving.config.istio import Istio
from hauberk.serving.config.network import parse_network
from hauberk.serving.config.observability import queue_config
from hauberk.serving.configuration.make import make_revision
from hauberk.serving.ingress.make import make_virtual_services
from hauberk.serving.revision.make import Settings, make_autoscaler, make_deployment
from hauberk.serving.route.hosts import hosts_of
from hauberk.serving.route.make import at_once, make_ingress, make_placeholder
from hauberk.serving.route.traffic import Target
from hauberk.serving.serverlessservice.make import make_private, make_public
from hauberk.serving.service.make import make_configuration, make_route

OBSERVED = {
    (kind_of(o), o["metadata"]["name"]): o
    for o in yaml.safe_load_all((Path(__file__).parent / "observed.yaml").read_text())
}
SERVICE = OBSERVED["Service.serving.knative.dev", "mesh"]
CONFIGURATION = OBSERVED["Configuration.serving.knative.dev", "mesh"]
REVISION = OBSERVED["Revision.serving.knative.dev", "mesh-00001"]
ROUTE = OBSERVED["Route.serving.knative.dev", "mesh"]
AUTOSCALER = OBSERVED["PodAutoscaler.autoscaling.internal.knative.dev", "mesh-00001"]
SKS = OBSERVED["ServerlessService.networking.internal.knative.dev", "mesh-00001"]
INGRESS = OBSERVED["Ingress.networking.internal.knative.dev", "mesh"]
DEPLOYMENT = OBSERVED["Deployment.apps", "mesh-00001-deployment"]

NETWORK = parse_network(
    {
        "default-external-scheme": "https",
        "domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}",
    }
)
HOSTS = hosts_of(ROUTE, "", parse_domains({"example.com": ""}), NETWORK)
TARGET = Target(revision="mesh-00001", configuration="mesh", latest=True, percent=100)
LATER_BY_OTHERS = {
    "serving.knative.dev/routes",
    "serving.knative.dev/routingStateModified",
    "deployment.kubernetes.io/revision",
}
OWN_VALUES = {"serving.knative.dev/deployment-hash"}


def children() -> list[Json]:
    settings = Settings(
        deployment=parse_deployment(
            {"progress-deadline": "120s", "queue-sidecar-image": "peers.local/queue:v1"}
        ),
        observability=queue_config(
            {"logging.enable-request-log": "true", "logging.enable-probe-request-log": "true"}
        ),
        replicas=0,
    )
    scaling = settings_for(AUTOSCALER, Config())
    selector = DEPLOYMENT["spec"]["selector"]["matchLabels"]
    balancer = INGRESS["status"]["privateLoadBalancer"]["ingress"][0]["domainInternal"]
    return [
        make_configuration(SERVICE),
        make_route(SERVICE),
        make_revision(CONFIGURATION, {"serving.knative.dev/routingState": "active"}, {}),
        make_deployment(REVISION, settings),
        make_autoscaler(REVISION, settings),
        make_sks(AUTOSCALER, "Proxy", num_activators(scaling, 0)),
        make_metric(AUTOSCALER, scaling),
        make_ingress(ROUTE, at_once([TARGET]), {"": HOSTS}, NETWORK),
        make_placeholder(ROUTE, "", HOSTS, NETWORK, balancer),
        make_public(SKS),
        make_private(SKS, selector),
        *make_virtual_services(INGRESS, Istio()),
    ]


CHILDREN = {(kind_of(c), c["metadata"]["name"]): c for c in children()}


def said(made: Any, observed: Any, where: str = "") -> list[str]:
    """What `made` says and `observed` does not; the cluster's own defaults on top do not matter."""
    if isinstance(made, dict):
        if not isinstance(observed, dict):
            return [f"{where}: {made!r} != {observed!r}"]
        return [line for k, v in made.items() for line in said(v, observed.get(k), f"{where}.{k}")]
    if isinstance(made, list):
        if not isinstance(observed, list) or len(made) != len(observed):
            return [f"{where}: {made!r} != {observed!r}"]
        return [
            line
            for i, (m, o) in enumerate(zip(made, observed, strict=True))
            for line in said(m, o, f"{where}[{i}]")
        ]
    if where.endswith("K-Network-Hash") and isinstance(made, str):
        return []
    return [] if made == observed else [f"{where}: {made!r} != {observed!r}"]


@pytest.mark.parametrize("key", CHILDREN, ids=" ".join)
def test_a_child_says_nothing_that_the_observed_one_does_not(key: tuple[str, str]) -> None:
    made = CHILDREN[key]
    assert said(made["spec"], OBSERVED[key]["spec"]) == []


@pytest.mark.parametrize("key", CHILDREN, ids=" ".join)
def test_a_child_has_the_observed_labels_and_annotations(key: tuple[str, str]) -> None:
    made, observed = CHILDREN[key]["metadata"], OBSERVED[key]["metadata"]
    for part, ignored in (("labels", OWN_VALUES), ("annotations", LATER_BY_OTHERS)):
        mine = {k: v for k, v in (made.get(part) or {}).items() if k not in ignored}
        theirs = {k: v for k, v in (observed.get(part) or {}).items() if k not in ignored}
        assert mine == theirs, part


def test_the_queue_gets_the_observed_environment_in_the_observed_order() -> None:
    def queue(deployment: Json) -> list[Json]:
        containers = deployment["spec"]["template"]["spec"]["containers"]
        return next(c["env"] for c in containers if c["name"] == "queue-proxy")  # type: ignore[no-any-return]

    assert queue(CHILDREN["Deployment.apps", "mesh-00001-deployment"]) == queue(DEPLOYMENT)


def test_pods_get_the_observed_labels_and_annotations() -> None:
    made = CHILDREN["Deployment.apps", "mesh-00001-deployment"]["spec"]["template"]["metadata"]
    assert made == DEPLOYMENT["spec"]["template"]["metadata"]


def test_the_probe_route_comes_before_the_one_for_everyone() -> None:
    spec = CHILDREN["VirtualService.networking.istio.io", "mesh-ingress"]["spec"]
    assert [sorted(r) for r in spec["http"]] == [
        sorted(r) for r in OBSERVED["VirtualService.networking.istio.io", "mesh-ingress"]["spec"]["http"]
    ]
