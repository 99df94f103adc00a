"""Reasons, messages and events, word for word: tools and people look for upstream's.

Source: knative/serving pkg/apis/serving/v1/{service,route,configuration,revision}_lifecycle.go,
pkg/apis/autoscaling/v1alpha1/pa_lifecycle.go, the reconcilers beside them, and knative/networking
pkg/apis/networking/v1alpha1/{ingress,serverlessservice}_lifecycle.go.
"""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.autoscaler import plan as autoscaler
from hauberk.autoscaler.collector import settings_for
from hauberk.autoscaler.config import Config
from hauberk.autoscaler.controller import Measured, plan_metric
from hauberk.base.refs import Json
from hauberk.engine.plan import Plan
from hauberk.kinds import BY_ID
from hauberk.serving.config.network import parse_network
from hauberk.serving.configuration import plan as configuration
from hauberk.serving.ingress import plan as ingress
from hauberk.serving.resolver import Unresolvable
from hauberk.serving.revision import plan as revision
from hauberk.serving.route import plan as route
from hauberk.serving.serverlessservice import plan as sks
from hauberk.serving.service import plan as service

OURS = "u-a"
KSVC, CONFIGURATION, ROUTE = (f"{k}.serving.knative.dev" for k in ("Service", "Configuration", "Route"))
REVISION, PA = "Revision.serving.knative.dev", "PodAutoscaler.autoscaling.internal.knative.dev"
SKS, INGRESS = (f"{k}.networking.internal.knative.dev" for k in ("ServerlessService", "Ingress"))


def obj(kind: str, name: str = "a", *, owner: str = "", status: Json | None = None, **more: Any) -> Any:
    row = BY_ID[kind]
    meta: dict[str, Any] = {"name": name, "namespace": "n", "uid": f"u-{name}", "generation": 1}
    if owner:
        meta["ownerReferences"] = [{"controller": True, "uid": owner}]
    meta |= more.pop("metadata", {})
    return {
        "apiVersion": row.api_version, "kind": row.name, "metadata": meta, "spec": {},
        "status": status or {}, **more,
    }  # fmt: skip


def says(status: str, reason: str = "", message: str = "", **more: Any) -> Any:
    row = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {"observedGeneration": 1, "conditions": [row], **more}


NAMED = {"template": {"metadata": {"name": "a-x"}, "spec": {"containers": [{"image": "i"}]}}}
TO_CONFIG = {"traffic": [{"configurationName": "a", "percent": 100}]}
TO_REVISION = {"traffic": [{"revisionName": "r", "percent": 100}]}
REV = obj(REVISION, spec={"containers": [{"name": "user-container", "image": "i"}]})


def ksvc(**world: Any) -> Plan:
    of = {"service": obj(KSVC, spec={"template": {}}), "configuration": None, "route": None, **world}
    return service.plan(service.World(**of), 0.0)


def routed(spec: Json = TO_CONFIG, **world: Any) -> Plan:
    own = world.pop("route", obj(ROUTE, spec=spec))
    ready = obj(CONFIGURATION, status=says("True", latestReadyRevisionName="a-00001"))
    of = {"ingress": None, "configurations": {"a": ready}, **world}
    return route.plan(route.World(route=own, **of), 0.0)


def revised(**world: Any) -> Plan:
    return revision.plan(
        revision.World(**{"revision": REV, "deployment": None, "autoscaler": None, **world}), 0.0
    )


def configured(latest: Any, **config: Any) -> Plan:
    own = obj(CONFIGURATION, spec={"template": {"spec": {}}}, **config)
    return configuration.plan(
        configuration.World(configuration=own, revisions=(), latest=latest, routes=()), 0.0
    )


def latest(generation: str = "1", **more: Any) -> Any:
    labels = {"serving.knative.dev/configurationGeneration": generation}
    return obj(REVISION, "a-00001", metadata={"labels": labels}, **{"owner": OURS, **more})


def scaled(**world: Any) -> Plan:
    pa = obj(PA, spec={"scaleTargetRef": {"name": "a-deployment"}})
    settings = settings_for(pa, Config())
    return autoscaler.plan(autoscaler.World(autoscaler=pa, settings=settings, **world), 0.0)


def plain_sks(**world: Any) -> Plan:
    return sks.plan(
        sks.World(**{"sks": obj(SKS), "selector": {}, "pods": (), "activators": (), **world}), 0.0
    )


def kingress(**world: Any) -> Plan:
    notes = {"networking.knative.dev/ingress.class": "istio.ingress.networking.knative.dev"}
    own = obj(INGRESS, metadata={"annotations": notes})
    return ingress.plan(ingress.World(ingress=own, **world), 0.0)


BEHIND = {"observedGeneration": 0}
ON_OLD = says("True", traffic=[{"latestRevision": True, "revisionName": "a-00001"}])
LATE = "Ingress has not yet been reconciled."
NOT_NOW = "Waiting for load balancer to be ready"


@pytest.mark.parametrize(
    ("got", "kind", "want"),
    [
        (ksvc(configuration=obj(CONFIGURATION)), "ConfigurationsReady",
         ("False", "NotOwned", 'There is an existing Configuration "a" that we do not own.')),
        (ksvc(configuration=obj(CONFIGURATION)), "RoutesReady", ("Unknown", "", "")),
        (ksvc(route=obj(ROUTE)), "RoutesReady",
         ("False", "NotOwned", 'There is an existing Route "a" that we do not own.')),
        (ksvc(configuration=obj(CONFIGURATION, owner=OURS, status=BEHIND)), "ConfigurationsReady",
         ("Unknown", "OutOfDate",
          "The Configuration is still working to reflect the latest desired specification.")),
        (ksvc(route=obj(ROUTE, owner=OURS, status=BEHIND)), "RoutesReady",
         ("Unknown", "OutOfDate", "The Route is still working to reflect the latest desired specification.")),
        (ksvc(configuration=obj(CONFIGURATION, owner=OURS, status=says("True", latestReadyRevisionName="b")),
              route=obj(ROUTE, owner=OURS, status=ON_OLD)), "RoutesReady",
         ("Unknown", "TrafficNotMigrated", "Traffic is not yet migrated to the latest revision.")),
        (ksvc(service=obj(KSVC, spec=NAMED), name_taken=True), "RoutesReady",
         ("False", "RevisionNameTaken",
          'The revision name "a-x" is taken by a conflicting Revision, so traffic will not be migrated')),
        (routed(configurations={}), "AllTrafficAssigned",
         ("False", "ConfigurationMissing", 'Configuration "a" referenced in traffic not found.')),
        (routed(configurations={"a": obj(CONFIGURATION)}), "AllTrafficAssigned",
         ("Unknown", "RevisionMissing", 'Configuration "a" is waiting for a Revision to become ready.')),
        (routed(configurations={"a": obj(CONFIGURATION, status=says("False"))}), "AllTrafficAssigned",
         ("False", "RevisionMissing", 'Configuration "a" does not have any ready Revision.')),
        (routed(TO_REVISION), "AllTrafficAssigned",
         ("False", "RevisionMissing", 'Revision "r" referenced in traffic not found.')),
        (routed(TO_REVISION, revisions={"r": REV}), "AllTrafficAssigned",
         ("Unknown", "RevisionMissing", 'Revision "r" is not yet ready.')),
        (routed(TO_REVISION, revisions={"r": {**REV, "status": says("False")}}), "AllTrafficAssigned",
         ("False", "RevisionMissing", 'Revision "r" failed to become ready.')),
        (routed(), "IngressReady", ("Unknown", "IngressNotConfigured", LATE)),
        (routed(), "CertificateProvisioned", ("True", "TLSNotEnabled", "external-domain-tls is not enabled")),
        (routed(foreign_service="a"), "IngressReady",
         ("False", "NotOwned", 'There is an existing placeholder Service "a" that we do not own.')),
        (configured(latest(status=says("False", "X", "it broke"))), "Ready",
         ("False", "RevisionFailed", 'Revision "a-00001" failed with message: it broke.')),
        (configured(latest(owner="other")), "Ready",
         ("False", "RevisionFailed",
          'Revision creation failed with message: revisions.serving.knative.dev "a-00001" already exists.')),
        (revised(digests={"i": Unresolvable("404")}), "ContainerHealthy",
         ("False", "ContainerMissing",
          'Unable to fetch image "i": failed to resolve image to digest: 404')),
        (revised(digests={"i": None}), "ResourcesAvailable", ("Unknown", "ResolvingDigests", "")),
        (revised(deployment=obj("Deployment.apps", "d")), "ResourcesAvailable",
         ("False", "NotOwned", 'There is an existing Deployment "d" that we do not own.')),
        (revised(autoscaler=obj(PA)), "ResourcesAvailable",
         ("False", "NotOwned", 'There is an existing PodAutoscaler "a" that we do not own.')),
        (revised(), "Active", ("Unknown", "Deploying", "")),
        (scaled(), "SKSReady", ("Unknown", "NotReady", "No Private Service Name")),
        (scaled(sks=obj(SKS, status=says("Unknown", "NoHealthyBackends", "K8s Service is not ready",
                                         privateServiceName="a-private"))), "SKSReady",
         ("Unknown", "NotReady", "K8s Service is not ready")),
        (scaled(foreign_sks=True), "Active",
         ("False", "NotOwned", 'There is an existing ServerlessService "a" that we do not own.')),
        (scaled(), "Active",
         ("Unknown", "Queued", "Requests to the target are being buffered as resources are provisioned.")),
        (plain_sks(), "EndpointsPopulated", ("Unknown", "NoHealthyBackends", "K8s Service is not ready")),
        (plain_sks(), "ActivatorEndpointsPopulated",
         ("True", "ActivatorEndpointsPopulated", "Revision is backed by Activator")),
        (plain_sks(foreign="Service a"), "EndpointsPopulated",
         ("False", "NotOwned", "Resource a of type Service is not owned by SKS")),
        (kingress(), "LoadBalancerReady", ("Unknown", "Uninitialized", NOT_NOW)),
        (plan_metric(Measured(obj(PA), "unsuccessful scrape, sampleSize=1: no route"), 0.0), "Ready",
         ("False", "CollectionFailed",
          "Failed to reconcile metric collection: unsuccessful scrape, sampleSize=1: no route")),
    ],
)  # fmt: skip
def test_a_condition(got: Plan, kind: str, want: tuple[str, str, str]) -> None:
    assert got.status is not None
    (row,) = [c for c in got.status["conditions"] if c["type"] == kind]
    assert (row["status"], row.get("reason", ""), row.get("message", "")) == want


BROKEN = latest(status=says("False", "X", "m"))


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (
            ksvc(configuration=obj(CONFIGURATION)),
            ['InternalError service: "a" does not own configuration: "a"'],
        ),
        (ksvc(route=obj(ROUTE)), ['InternalError service: "a" does not own route: "a"']),
        (routed(foreign_service="a"), ['InternalError route: "a" does not own Service: "a"']),
        (
            routed(
                route=obj(
                    ROUTE,
                    spec=TO_CONFIG,
                    metadata={"annotations": {"networking.knative.dev/http-protocol": "Never"}},
                )
            ),
            ["InternalError incorrect http-protocol annotation: never"],
        ),
        (
            revised(deployment=obj("Deployment.apps", "d")),
            ['InternalError revision: "a" does not own Deployment: "d"'],
        ),
        (
            revised(digests={"i": Unresolvable("404")}),
            ['InternalError Unable to fetch image "i": failed to resolve image to digest: 404'],
        ),
        (plain_sks(foreign="Endpoints a"), ["InternalError SKS: a does not own Endpoints: a"]),
        (scaled(foreign_sks=True), ["InternalError error reconciling SKS: PA: a does not own SKS: a"]),
        (configured(BROKEN), ['LatestCreatedFailed Latest created revision "a-00001" has failed']),
        (
            configured(BROKEN, status={"latestReadyRevisionName": "a-00001"}),
            ['LatestReadyFailed Latest ready revision "a-00001" has failed'],
        ),
    ],
)
def test_an_event(got: Plan, want: list[str]) -> None:
    said = [f"{note.reason} {note.message}" for note in got.notes]
    assert [text for text in said if not text.startswith("Created ")] == want


@pytest.mark.parametrize(
    ("got", "want"),
    [
        (ksvc(), ['Configuration "a"', 'Route "a"']),
        (ksvc(route=obj(ROUTE, owner=OURS)), ['Configuration "a"']),
        (ksvc(service=obj(KSVC, spec=NAMED)), ['Configuration "a"']),
        (routed(), ['Ingress "a"', 'placeholder service "a"']),
        (routed(ingress=obj(INGRESS), services=(obj("Service"),)), []),
        (configured(None), ['Revision "a-00001"']),
        (configured(latest()), []),
        (kingress(), ['VirtualService "a-ingress"']),
        (kingress(own=({"kind": "VirtualService", "metadata": {"name": "a-ingress"}},)), []),
    ],
)
def test_what_is_new_is_told(got: Plan, want: list[str]) -> None:
    said = [note.message for note in got.notes if note.reason == "Created"]
    assert said == [f"Created {text}" for text in want]


@pytest.mark.parametrize(
    ("notes", "config", "want"),
    [
        ({}, {}, "Enabled"),
        ({}, {"http-protocol": "Redirected"}, "Redirected"),
        ({"networking.knative.dev/http-protocol": "redirected"}, {}, "Redirected"),
        ({"networking.knative.dev/httpProtocol": "Enabled"}, {"http-protocol": "Redirected"}, "Enabled"),
    ],
)
def test_what_plain_http_gets(notes: dict[str, str], config: dict[str, str], want: str) -> None:
    own = obj(ROUTE, spec=TO_CONFIG, metadata={"annotations": notes})
    made = routed(route=own, network=parse_network(config)).children
    (got,) = [child for child in made if child["kind"] == "Ingress"]
    assert got["spec"]["httpOption"] == want


def test_traffic_stays_while_the_chosen_revision_name_is_not_settled() -> None:
    stored = obj(ROUTE, owner=OURS, spec={"traffic": [{"revisionName": "old", "percent": 100}]})
    config = obj(CONFIGURATION, owner=OURS, status=BEHIND)
    for world in ({"configuration": config}, {"name_taken": True}):
        got = ksvc(service=obj(KSVC, spec={**NAMED, **TO_CONFIG}), route=stored, **world)
        (kept,) = [child for child in got.children if child["kind"] == "Route"]
        assert kept["spec"] == stored["spec"]


@pytest.mark.parametrize(
    ("passthrough", "certificate", "spec", "warned"),
    [
        (True, False, {}, True),
        (True, True, {}, False),
        (True, False, {"tls": [{"secretName": "s"}]}, False),
        (False, False, {}, False),
    ],
)
def test_a_passthrough_route_to_kourier_without_a_certificate_is_told(
    passthrough: bool, certificate: bool, spec: Json, warned: bool
) -> None:
    notes = {"networking.knative.dev/ingress.class": "kourier.ingress.networking.knative.dev"}
    if passthrough:
        notes["serving.knative.openshift.io/enablePassthrough"] = "true"
    own = obj(INGRESS, metadata={"annotations": notes}, spec=spec)
    world = ingress.World(ingress=own, kourier_namespace="k", kourier_certificate=certificate)
    assert bool(ingress.plan(world, 0.0).notes) is warned
