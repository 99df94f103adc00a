"""What goes, in which order, and what stays."""

from __future__ import annotations

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration import marks
from hauberk.integration.inhabitants import counts, shown
from hauberk.integration.leftovers import LEFTOVERS, Places, is_orphan, webhook_services
from hauberk.integration.preflight import Row
from hauberk.integration.stages import Stage
from hauberk.integration.uninstall import check_dependents, plan_uninstall
from hauberk.integration.upgrade import (
    is_admitted,
    older_than,
    plan_upgrade,
    profile_of,
    rows_that_count,
    stale_routes,
)

PLACES = Places(
    mesh="istio-system",
    gateway="istio-system",
    knative=("knative-serving", "knative-eventing"),
    members=("shop",),
)


def thing(
    kind: str, name: str, namespace: str = "", *, api: str = "v1", created: bool = True, **meta: object
) -> Json:
    marked = {"labels": {marks.STAGE: "10-x", **dict(meta.pop("labels", {}))}}  # type: ignore[call-overload]
    if created:
        marked["annotations"] = {marks.CREATED: "by-install"}
    place = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api, "kind": kind, "metadata": {**place, **marked, **meta}}


NS = thing("Namespace", "istio-system")
SMCP = thing("ServiceMeshControlPlane", "basic", "istio-system", api="maistra.io/v2")
SMMR = thing("ServiceMeshMemberRoll", "default", "istio-system", api="maistra.io/v1")
OLD = thing("ConfigMap", "old", "istio-system")
STAGES = (
    Stage(name="10-x", title="", why="", objects=(NS,)),
    Stage(name="20-y", title="", why="", objects=(SMCP,)),
    Stage(name="30-z", title="", why="", objects=(SMMR,)),
)


def test_removal_is_backwards_and_namespaces_come_last():
    member = thing("Namespace", "shop")
    later = Stage(name="40", title="", why="", objects=(member,))
    planned = plan_uninstall((*STAGES, later), (NS, SMCP, OLD, SMMR, member), adopted=False)
    assert [c.ref.name for c in planned] == ["old", "default", "basic", "shop", "istio-system"]
    assert {c.action for c in planned} == {"delete"}


@pytest.mark.parametrize(("adopted", "action"), [(False, "release"), (True, "delete")])
def test_what_was_there_before_goes_only_when_asked(adopted: bool, action: str):
    foreign = thing("ServiceMeshControlPlane", "basic", "istio-system", api="maistra.io/v2", created=False)
    (change,) = plan_uninstall(STAGES, (foreign,), adopted=adopted)
    assert change.action == action


def test_namespaces_of_others_stay_even_when_asked():
    member = thing("Namespace", "shop", created=False)
    stages = (Stage(name="s", title="", why="", objects=(member,), shared=frozenset({ref_of(member)})),)
    (change,) = plan_uninstall(stages, (member,), adopted=True)
    assert change.action == "release"


def test_services_in_use_refuse_it():
    check_dependents(())
    with pytest.raises(Problem, match="2 objects") as told:
        check_dependents((Ref("Service.serving.knative.dev", "shop", "a"), Ref("Broker", "shop", "b")))
    assert "shop/a" in told.value.found
    assert "--leave-services" in told.value.fix


def leftovers_of(kind: str, name: str, **meta: object) -> list[str]:
    obj = thing(kind, name, "istio-system", **meta)
    return [row.why for row in LEFTOVERS if row.kind.partition(".")[0] == kind and row.matches(obj)]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ConfigMap", "istio-ca-root-cert"),
        ("ConfigMap", "istio-namespace-controller-election"),
        ("ConfigMap", "istio-leader"),
        ("Secret", "istio-ca-secret"),
        ("ConfigMap", "kafka-broker-brokers-triggers"),
        ("Lease", "controller.knative.dev.serving.pkg.reconciler.route.reconciler.00-of-01"),
        ("Secret", "routing-serving-certs"),
    ],
)
def test_what_operators_leave_behind_is_known(kind: str, name: str):
    assert leftovers_of(kind, name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ConfigMap", "istio"),
        ("Secret", "cacerts"),
        ("Secret", "my-certs"),
        ("Lease", "mine"),
        ("Route", "mine"),
    ],
)
def test_what_people_made_is_no_leftover(kind: str, name: str):
    assert not leftovers_of(kind, name)


def test_routes_of_knative_are_recognised_by_their_label():
    assert leftovers_of("Route", "r", labels={"serving.knative.openshift.io/ingressName": "hello"})


def hooks(*services: tuple[str, str]) -> Json:
    rows = [{"clientConfig": {"service": {"namespace": ns, "name": name}}} for ns, name in services]
    return {**thing("ValidatingWebhookConfiguration", "w"), "webhooks": rows}


@pytest.mark.parametrize(
    ("configuration", "services", "orphan"),
    [
        (hooks(("knative-serving", "webhook")), (), True),
        (hooks(("knative-serving", "webhook")), (Ref("Service", "knative-serving", "webhook"),), False),
        (hooks(("kyverno", "webhook")), (), False),
        (hooks(("knative-serving", "webhook"), ("kyverno", "webhook")), (), False),
        (hooks(), (), False),
    ],
)
def test_webhooks_without_a_service_of_ours_are_orphans(configuration: Json, services: tuple, orphan: bool):
    assert is_orphan(configuration, PLACES, services) is orphan


def test_services_of_webhooks_are_named_once():
    assert webhook_services(hooks(("a", "b"), ("a", "b"))) == (Ref("Service", "a", "b"),)


@pytest.mark.parametrize(
    ("kind", "obj", "counted"),
    [
        ("ConfigMap", thing("ConfigMap", "kube-root-ca.crt", "n"), False),
        ("ServiceAccount", thing("ServiceAccount", "default", "n"), False),
        ("Event", thing("Event", "x", "n"), False),
        ("Pod", thing("Pod", "x", "n", ownerReferences=[{}]), False),
        ("Pod", thing("Pod", "x", "n", deletionTimestamp="t"), False),
        ("Pod", thing("Pod", "x", "n"), True),
        ("ConfigMap", thing("ConfigMap", "mine", "n"), True),
        ("Secret", thing("Secret", "mine", "n"), True),
    ],
)
def test_who_lives_in_a_namespace(kind: str, obj: Json, counted: bool):
    assert counts(kind, obj) is counted


def test_inhabitants_are_named_and_counted():
    refs = tuple(Ref("Pod", "n", str(i)) for i in range(5))
    assert shown(refs) == "Pod n/0, Pod n/1, Pod n/2 and 2 more"


def route(namespace: str, service: str = "istio-ingressgateway", *, knative: bool = True) -> Json:
    labels = {"serving.knative.openshift.io/ingressName": "hello"} if knative else {}
    obj = thing("Route", "route-1", namespace, api="route.openshift.io/v1", labels=labels)
    return {**obj, "spec": {"host": "hello", "to": {"name": service}}}


ADOPTED = thing("ServiceMeshControlPlane", "basic", "istio-system", api="maistra.io/v2", created=False)
MESH_ROW = "no other mesh in the way"
GATEWAY = Ref("Service", "istio-system", "istio-ingressgateway")


@pytest.mark.parametrize(
    ("found", "services", "stale"),
    [
        (route("istio-system"), (), True),
        (route("istio-system"), (GATEWAY,), False),
        (route("knative-serving-ingress"), (), False),
        (route("istio-system", knative=False), (), False),
    ],
)
def test_routes_to_a_gateway_that_is_gone_are_stale(found: Json, services: tuple, stale: bool):
    assert bool(stale_routes([found], services, "knative-serving-ingress")) is stale


@pytest.mark.parametrize(
    ("status", "admitted"),
    [
        ({}, False),
        ({"ingress": [{"conditions": [{"type": "Admitted", "status": "False"}]}]}, False),
        ({"ingress": [{"conditions": [{"type": "Admitted", "status": "True"}]}]}, True),
    ],
)
def test_a_route_is_served_when_a_router_admits_it(status: Json, admitted: bool):
    assert is_admitted({**route("n"), "status": status}) is admitted


@pytest.mark.parametrize(
    ("ours", "profile"),
    [((SMCP,), "sm2"), ((thing("Istio", "default", api="sailoperator.io/v1"),), "sail"), ((OLD,), "")],
)
def test_the_installed_profile_is_read_from_the_control_plane(ours: tuple[Json, ...], profile: str):
    assert profile_of(ours) == profile


def test_between_meshes_the_old_one_goes_first_and_namespaces_stay(integration_sm3):
    istio = thing("Istio", "default", api="sailoperator.io/v1")
    stages = (Stage(name="20-y", title="", why="", objects=(istio,)),)
    planned = plan_upgrade(integration_sm3, stages, (NS, SMCP, SMMR))
    assert planned.changes_mesh
    assert {c.ref.name for c in planned.removals} == {"basic", "default"}
    assert not plan_upgrade(integration_sm3, stages, (istio,)).changes_mesh


@pytest.mark.parametrize(
    ("ours", "counted"), [((SMCP,), ["kinds"]), ((), ["kinds", MESH_ROW]), ((ADOPTED,), ["kinds", MESH_ROW])]
)
def test_the_mesh_to_be_exchanged_is_not_in_the_way_of_its_exchange(integration_sm3, ours, counted):
    rows = [Row(title=title, level="fail", wanted="", found="") for title in ("kinds", MESH_ROW)]
    planned = plan_upgrade(integration_sm3, (), ours)
    assert [row.title for row in rows_that_count(planned, rows)] == counted


def test_pods_from_before_the_control_plane_have_the_sidecar_of_another():
    plane = {**SMCP, "metadata": {**SMCP["metadata"], "creationTimestamp": "2026-01-02T00:00:00Z"}}
    old = thing("Pod", "old", "n", creationTimestamp="2026-01-01T00:00:00Z")
    new = thing("Pod", "new", "n", creationTimestamp="2026-01-03T00:00:00Z")
    assert older_than(plane, (old, new)) == (old,)
    assert older_than(None, (old, new)) == ()
