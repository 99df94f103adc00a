"""The truth tables of the plans' docstrings, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.conditions import Condition
from hauberk.base.refs import Json
from hauberk.kinds import BY_ID
from hauberk.serving.config.gc import Retention
from hauberk.serving.configuration import plan as configuration
from hauberk.serving.configuration.retain import stale
from hauberk.serving.configuration.routing import routing
from hauberk.serving.ingress import plan as ingress
from hauberk.serving.resolver import Unresolvable
from hauberk.serving.revision import plan as revision
from hauberk.serving.route.traffic import resolve
from hauberk.serving.serverlessservice import plan as sks
from hauberk.serving.serverlessservice.make import Address
from hauberk.serving.service import plan as service

UID = "u-1"


def owned(kind: str, name: str, *, owner: str = UID, **more: Any) -> dict[str, Any]:
    row = BY_ID[kind]
    meta = {
        "name": name,
        "namespace": "n",
        "uid": f"uid-{name}",
        "generation": 1,
        "ownerReferences": [{"controller": True, "uid": owner, "kind": "x", "name": "x", "apiVersion": "v1"}],
        **more.pop("metadata", {}),
    }
    return {"apiVersion": row.api_version, "kind": row.name, "metadata": meta, "spec": {}, **more}


def is_ready(
    status: str, reason: str = "", message: str = "", *, observed: int = 1, **more: Any
) -> dict[str, Any]:
    row = {"type": "Ready", "status": status, "reason": reason, "message": message}
    return {"observedGeneration": observed, "conditions": [row], **more}


def found(status: Json | None, kind: str) -> tuple[str, str]:
    assert status is not None
    (row,) = [c for c in status["conditions"] if c["type"] == kind]
    return row["status"], row.get("reason", "")


SERVICE = owned(
    "Service.serving.knative.dev", "a", metadata={"uid": UID, "ownerReferences": []}, spec={"template": {}}
)
CONFIGURATION = "Configuration.serving.knative.dev"
ROUTE = "Route.serving.knative.dev"
REVISION = "Revision.serving.knative.dev"


@pytest.mark.parametrize(
    ("situation", "stored", "want"),
    [
        ("absent", None, ("Unknown", "")),
        ("behind", owned(ROUTE, "a", status=is_ready("True", observed=0)), ("Unknown", "OutOfDate")),
        ("failed", owned(ROUTE, "a", status=is_ready("False", "R")), ("False", "R")),
        ("ready", owned(ROUTE, "a", status=is_ready("True")), ("True", "")),
        (
            "ready, on an older revision",
            owned(
                ROUTE,
                "a",
                status=is_ready("True", traffic=[{"latestRevision": True, "revisionName": "a-00001"}]),
            ),
            ("Unknown", "TrafficNotMigrated"),
        ),
        ("somebody else's", owned(ROUTE, "a", owner="other"), ("False", "NotOwned")),
    ],
)
def test_service_routes_ready(situation: str, stored: Json | None, want: tuple[str, str]) -> None:
    config = owned(CONFIGURATION, "a", status=is_ready("True", latestReadyRevisionName="a-00002"))
    got = service.plan(service.World(service=SERVICE, configuration=config, route=stored), 0.0)
    assert found(got.status, "RoutesReady") == want, situation
    assert found(got.status, "Ready") == want, situation


CONFIG = owned(
    CONFIGURATION,
    "a",
    metadata={"uid": UID, "ownerReferences": []},
    spec={"template": {"spec": {"containers": [{"image": "x"}]}}},
)


def rev(
    name: str, generation: int, *, owner: str = UID, status: Json | None = None, **notes: str
) -> dict[str, Any]:
    labels = {
        "serving.knative.dev/configuration": "a",
        "serving.knative.dev/configurationGeneration": str(generation),
    }
    meta = {"labels": {**labels, **notes}, "creationTimestamp": "2020-01-01T00:00:00Z"}
    return owned(REVISION, name, owner=owner, status=status or {}, metadata=meta)


@pytest.mark.parametrize(
    ("situation", "latest", "want"),
    [
        ("absent", None, ("Unknown", "")),
        ("not ready yet", rev("a-00001", 1, status=is_ready("Unknown")), ("Unknown", "")),
        ("ready", rev("a-00001", 1, status=is_ready("True")), ("True", "")),
        ("failed", rev("a-00001", 1, status=is_ready("False", "X", "m")), ("False", "RevisionFailed")),
        ("somebody else's", rev("a-00001", 1, owner="other"), ("False", "RevisionFailed")),
    ],
)
def test_configuration_ready(situation: str, latest: Json | None, want: tuple[str, str]) -> None:
    own = (latest,) if latest and latest["metadata"]["ownerReferences"][0]["uid"] == UID else ()
    world = configuration.World(configuration=CONFIG, revisions=own, latest=latest, routes=())
    assert found(configuration.plan(world, 0.0).status, "Ready") == want, situation


def test_an_older_revision_stays_the_latest_ready_one_until_the_newer_is_ready() -> None:
    old = rev("a-00001", 1, status=is_ready("True"))
    new = rev("a-00002", 2, status=is_ready("Unknown"))
    config = {**CONFIG, "metadata": {**CONFIG["metadata"], "generation": 2}}
    got = configuration.plan(
        configuration.World(configuration=config, revisions=(old, new), latest=new, routes=()), 0.0
    )
    assert got.status is not None
    assert got.status["latestReadyRevisionName"] == "a-00001"
    assert {c["metadata"]["name"] for c in got.children} == {"a-00001", "a-00002"}


@pytest.mark.parametrize(
    ("routes", "before", "want"),
    [
        (("r",), None, "active"),
        (("r",), "reserve", "active"),
        ((), None, "pending"),
        ((), "pending", "pending"),
        ((), "active", "reserve"),
        ((), "reserve", "reserve"),
    ],
)
def test_routing_state(routes: tuple[str, ...], before: str | None, want: str) -> None:
    stored = rev("a-00001", 1, **({"serving.knative.dev/routingState": before} if before else {}))
    got = routing(stored, routes, 0.0)
    assert got.labels == {"serving.knative.dev/routingState": want}
    assert got.annotations.get("serving.knative.dev/routes", "") == ",".join(routes)


def test_old_revisions_go_but_the_minimum_and_the_used_ones_stay() -> None:
    old = [rev(f"a-{i:05d}", i) for i in range(5)]
    rule = Retention(min_non_active=2)
    assert stale(old, {"a-00004"}, rule, 2e9) == {"a-00000", "a-00001"}
    assert stale(old, set(), Retention(since_create_s=None, since_last_active_s=None), 2e9) == set()
    assert stale(old, set(), rule, 1577836800 + 60) == set()


REV = rev("a-00001", 1)
REV["spec"] = {"containers": [{"name": "user-container", "image": "reg/x"}]}


def deployment(replicas: int = 1, *conditions: Json) -> dict[str, Any]:
    own = owned("Deployment.apps", "a-00001-deployment", owner=REV["metadata"]["uid"])
    return {**own, "spec": {"replicas": replicas}, "status": {"conditions": list(conditions)}}


def scaled(initialized: str, status: str, reason: str = "NoTraffic") -> dict[str, Any]:
    ready = {"type": "Ready", "status": status, "reason": reason}
    rows = [{"type": "ScaleTargetInitialized", "status": initialized}, ready]
    own = owned("PodAutoscaler.autoscaling.internal.knative.dev", "a-00001", owner=REV["metadata"]["uid"])
    return {**own, "status": {"conditions": rows, "serviceName": "a-00001"}}


def pod(*conditions: Json, **container: Any) -> dict[str, Any]:
    rows = [{"name": "user-container", **container}]
    return {"metadata": {"name": "p"}, "status": {"conditions": list(conditions), "containerStatuses": rows}}


FAILED = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "late"}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
ENDED = {"lastState": {"terminated": {"exitCode": 3, "message": "boom"}}}
PULLING = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no image"}}}


@pytest.mark.parametrize(
    ("situation", "more", "healthy", "available"),
    [
        ("nothing", {}, ("Unknown", "Deploying"), ("Unknown", "Deploying")),
        ("deploying", {"deployment": deployment()}, ("Unknown", "Deploying"), ("Unknown", "Deploying")),
        (
            "unschedulable",
            {"deployment": deployment(), "pods": (pod(UNSCHEDULABLE),)},
            ("Unknown", "Deploying"),
            ("False", "Unschedulable"),
        ),
        (
            "the app ended",
            {"deployment": deployment(), "pods": (pod(**ENDED),)},
            ("False", "ExitCode3"),
            ("Unknown", "Deploying"),
        ),
        (
            "no image, too late",
            {"deployment": deployment(1, FAILED), "pods": (pod(**PULLING),)},
            ("Unknown", "Deploying"),
            ("False", "ImagePullBackOff"),
        ),
        (
            "no image, in time",
            {"deployment": deployment(), "pods": (pod(**PULLING),)},
            ("Unknown", "Deploying"),
            ("Unknown", "Deploying"),
        ),
        (
            "too late",
            {"deployment": deployment(1, FAILED)},
            ("Unknown", "Deploying"),
            ("False", "ProgressDeadlineExceeded"),
        ),
        (
            "given up",
            {"deployment": deployment(0), "autoscaler": scaled("Unknown", "False", "TimedOut")},
            ("Unknown", "Deploying"),
            ("False", "ProgressDeadlineExceeded"),
        ),
        (
            "nobody asked for it yet",
            {"deployment": deployment(0), "autoscaler": scaled("Unknown", "False")},
            ("Unknown", "Deploying"),
            ("Unknown", "Deploying"),
        ),
        (
            "served once, now at zero",
            {"deployment": deployment(0), "autoscaler": scaled("True", "False")},
            ("True", ""),
            ("True", ""),
        ),
        (
            "image not resolved yet",
            {"digests": {"reg/x": None}},
            ("Unknown", "ResolvingDigests"),
            ("Unknown", "ResolvingDigests"),
        ),
        (
            "image missing",
            {"digests": {"reg/x": Unresolvable("404")}},
            ("False", "ContainerMissing"),
            ("Unknown", "Deploying"),
        ),
    ],
)
def test_revision_health(
    situation: str, more: dict[str, Any], healthy: tuple[str, str], available: tuple[str, str]
) -> None:
    world = revision.World(**{"revision": REV, "deployment": None, "autoscaler": None, **more})
    got = revision.plan(world, 0.0)
    assert found(got.status, "ContainerHealthy") == healthy, situation
    assert found(got.status, "ResourcesAvailable") == available, situation


def test_an_idle_revision_is_ready_and_says_that_it_gets_no_traffic() -> None:
    world = revision.World(revision=REV, deployment=deployment(0), autoscaler=scaled("True", "False"))
    got = revision.plan(world, 0.0).status
    assert found(got, "Ready") == ("True", "")
    assert found(got, "Active")[0] == "False"


BY_CONFIGURATION = {"configurationName": "a", "percent": 100}
BY_REVISION = {"revisionName": "a-00001", "percent": 100}


@pytest.mark.parametrize(
    ("situation", "target", "configurations", "revisions", "want"),
    [
        ("no configuration", BY_CONFIGURATION, {}, {}, ("False", "ConfigurationMissing")),
        (
            "configuration without a revision",
            BY_CONFIGURATION,
            {"a": {"status": is_ready("Unknown")}},
            {},
            ("Unknown", "RevisionMissing"),
        ),
        (
            "configuration failed",
            BY_CONFIGURATION,
            {"a": {"status": is_ready("False")}},
            {},
            ("False", "RevisionMissing"),
        ),
        (
            "configuration ready",
            BY_CONFIGURATION,
            {"a": {"status": {"latestReadyRevisionName": "a-00001"}}},
            {"a-00001": rev("a-00001", 1)},
            ("True", ""),
        ),
        ("no revision", BY_REVISION, {}, {}, ("False", "RevisionMissing")),
        ("revision waits", BY_REVISION, {}, {"a-00001": rev("a-00001", 1)}, ("Unknown", "RevisionMissing")),
        (
            "revision failed",
            BY_REVISION,
            {},
            {"a-00001": rev("a-00001", 1, status=is_ready("False"))},
            ("False", "RevisionMissing"),
        ),
        (
            "revision ready",
            BY_REVISION,
            {},
            {"a-00001": rev("a-00001", 1, status=is_ready("True"))},
            ("True", ""),
        ),
    ],
)
def test_all_traffic_assigned(
    situation: str,
    target: Json,
    configurations: dict[str, Json],
    revisions: dict[str, Json],
    want: tuple[str, str],
) -> None:
    targets, got = resolve([target], configurations, revisions)
    assert (got.status, got.reason) == want, situation
    assert bool(targets) == (got.status == "True")


POD, ACTIVATOR = Address("10.0.0.1"), Address("10.0.0.2")


@pytest.mark.parametrize(
    ("mode", "pods", "leads_to"),
    [
        ("Serve", (POD,), "10.0.0.1"),
        ("Serve", (), "10.0.0.2"),
        ("Proxy", (POD,), "10.0.0.2"),
        ("Proxy", (), "10.0.0.2"),
    ],
)
def test_where_the_public_service_leads(mode: str, pods: tuple[Address, ...], leads_to: str) -> None:
    made = owned("ServerlessService.networking.internal.knative.dev", "a-00001")
    made["spec"] = {"mode": mode, "numActivators": 3}
    got = sks.plan(sks.World(sks=made, selector={}, pods=pods, activators=(ACTIVATOR,)), 0.0)
    endpoints = next(c for c in got.children if c["kind"] == "Endpoints")
    assert endpoints["subsets"][0]["addresses"] == [{"ip": leads_to}]
    assert found(got.status, "Ready") == (("True", "") if pods else ("Unknown", "NoHealthyBackends"))


def kingress(cls: str) -> dict[str, Any]:
    made = owned("Ingress.networking.internal.knative.dev", "a")
    made["metadata"]["annotations"] = {"networking.knative.dev/ingress.class": cls}
    made["spec"] = {"rules": []}
    return made


SERVED = {"served": True, "exposed": True}


@pytest.mark.parametrize(
    ("situation", "cls", "more", "want"),
    [
        ("all serve", "istio.ingress.networking.knative.dev", SERVED, ("True", "")),
        (
            "the router does not lead there yet",
            "istio.ingress.networking.knative.dev",
            {"served": True},
            ("Unknown", "Uninitialized"),
        ),
        ("istio does not yet", "istio.ingress.networking.knative.dev", {}, ("Unknown", "Uninitialized")),
        (
            "no gateway",
            "istio.ingress.networking.knative.dev",
            {"missing_gateways": ("a/b",), "served": True},
            ("Unknown", "ReconcileIngressFailed"),
        ),
        (
            "kourier serves",
            "kourier.ingress.networking.knative.dev",
            {"kourier_namespace": "k", **SERVED},
            ("True", ""),
        ),
        (
            "no kourier",
            "kourier.ingress.networking.knative.dev",
            {"served": True},
            ("Unknown", "ReconcileIngressFailed"),
        ),
    ],
)
def test_load_balancer_ready(situation: str, cls: str, more: dict[str, Any], want: tuple[str, str]) -> None:
    got = ingress.plan(ingress.World(ingress=kingress(cls), **more), 0.0)
    assert found(got.status, "LoadBalancerReady") == want, situation
    assert ("publicLoadBalancer" in (got.status or {})) == (
        more.get("served", False) and want[1] != "ReconcileIngressFailed"
    )


def test_another_ingress_class_is_left_alone() -> None:
    got = ingress.plan(ingress.World(ingress=kingress("contour.ingress.networking.knative.dev")), 0.0)
    assert got.status is None
    assert not got.children


def test_conditions_without_a_reason_have_none() -> None:
    assert "reason" not in Condition("Ready", "True").as_json()


def test_load_balancers_are_named_before_the_router_leads_there() -> None:
    """Its Routes are made from these names."""
    world = ingress.World(ingress=kingress("istio.ingress.networking.knative.dev"), served=True)
    got = ingress.plan(world, 0.0)
    assert "publicLoadBalancer" in (got.status or {})
    assert got.retry_after


def test_load_balancers_stay_named_while_a_change_is_on_its_way() -> None:
    """Routes lead there: a second revision must not take them away for a moment."""
    named = {"ingress": [{"domainInternal": "kourier.k.svc.cluster.local"}]}
    stored = {**kingress("kourier.ingress.networking.knative.dev"), "status": {"publicLoadBalancer": named}}
    got = ingress.plan(ingress.World(ingress=stored, kourier_namespace="k", served=False), 0.0)
    assert (got.status or {})["publicLoadBalancer"] == named
