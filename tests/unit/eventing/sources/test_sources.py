"""What sources say, what they make, and what their processes are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.base.refs import Json
from hauberk.eventing.sources.apiserversource import plan as apiserver
from hauberk.eventing.sources.apiserversource.watched import (
    config_of,
    forbidden,
    namespaces_of,
    resource_of,
    selector_text,
)
from hauberk.eventing.sources.containersource import plan as container
from hauberk.eventing.sources.pingsource import plan as ping
from hauberk.eventing.sources.pingsource.contract import make_resource
from hauberk.events.roles import Acked
from hauberk.kinds.eventing.addressable import Address, Unresolved
from hauberk.kinds.testing import a
from hauberk.testing.memory_api import MemoryApi

SINK = Address("http://s.default.svc.cluster.local")
AVAILABLE = {"status": {"conditions": [{"type": "Available", "status": "True"}]}}
META = {"uid": "u", "generation": 2}


def states(plan: Any) -> dict[str, str]:
    return {c["type"]: c["status"] for c in plan.status["conditions"]}


def reasons(plan: Any) -> dict[str, str]:
    return {c["type"]: c.get("reason", "") for c in plan.status["conditions"]}


def a_ping(**spec: Any) -> Json:
    base = a("PingSource.sources.knative.dev", "p", metadata=META)
    return {**base, "spec": {**base["spec"], **spec}}


def ping_world(**parts: Any) -> ping.World:
    said: dict[str, Any] = {"sink": SINK, "adapter": AVAILABLE, "acked": Acked(2), "features": {}}
    return ping.World(source=a_ping(), **{**said, **parts})


@pytest.mark.parametrize(
    ("parts", "deployed", "reason"),
    [
        ({}, "True", ""),
        ({"adapter": None}, "Unknown", "DeploymentUnavailable"),
        ({"acked": None}, "Unknown", "NotYetServed"),
        ({"acked": Acked(1)}, "Unknown", "NotYetServed"),
        ({"acked": Acked(2, "no such zone")}, "False", "CannotBeServed"),
    ],
)
def test_a_ping_source_is_deployed_when_the_adapter_has_it(
    parts: dict[str, Any], deployed: str, reason: str
) -> None:
    found = ping.plan(ping_world(**parts), 0.0)
    assert states(found)["Deployed"] == states(found)["Ready"] == deployed
    assert reasons(found)["Deployed"] == reason


def test_a_source_without_a_sink_says_why_and_tells_an_event() -> None:
    found = ping.plan(ping_world(sink=Unresolved("broker not found")), 0.0)
    assert (states(found)["SinkProvided"], reasons(found)["SinkProvided"]) == ("False", "NotFound")
    assert found.notes[0].reason == "SinkNotFound"
    assert found.status is not None
    assert "sinkUri" not in found.status


def test_a_ping_source_names_its_events() -> None:
    status = ping.plan(ping_world(), 0.0).status
    assert status is not None
    assert status["sinkUri"] == SINK.url
    assert status["ceAttributes"] == [
        {"type": "dev.knative.sources.ping", "source": "/apis/v1/namespaces/default/pingsources/p"}
    ]


def test_oidc_is_not_claimed_when_it_is_enabled() -> None:
    found = ping.plan(ping_world(features={"authentication-oidc": "enabled"}), 0.0)
    assert states(found)["OIDCIdentityCreated"] == "False"


def test_the_adapter_is_told_schedule_data_and_attributes() -> None:
    source = a_ping(
        schedule="*/2 * * * * *",
        timezone="Europe/Berlin",
        data="x",
        ceOverrides={"extensions": {"who": "me", "type": "no"}},
    )
    resource = make_resource(source, SINK)
    assert resource.target is not None
    assert (resource.target.url, resource.generation) == (SINK.url, 2)
    assert resource.settings == {
        "schedule": "*/2 * * * * *",
        "timezone": "Europe/Berlin",
        "data": "x",
        "attributes": {
            "who": "me",
            "type": "dev.knative.sources.ping",
            "source": "/apis/v1/namespaces/default/pingsources/p",
        },
    }


def test_a_container_source_is_a_deployment_and_a_binding_for_it() -> None:
    base = a("ContainerSource.sources.knative.dev", "c", metadata=META)
    source = {**base, "spec": {**base["spec"], "ceOverrides": {"extensions": {"a": "b"}}}}
    found = container.plan(container.World(source=source, binding=None, deployment=None), 0.0)
    binding, deployment = found.children
    assert (deployment["metadata"]["name"], binding["metadata"]["name"]) == ("c-deployment", "c-sinkbinding")
    marks = deployment["spec"]["selector"]["matchLabels"]
    assert marks.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert binding["spec"]["subject"]["name"] == "c-deployment"
    assert binding["spec"]["ceOverrides"] == {"extensions": {"a": "b"}}
    ready = {"status": {"sinkUri": SINK.url, "conditions": [{"type": "Ready", "status": "True"}]}}
    found = container.plan(container.World(source=source, binding=ready, deployment=AVAILABLE), 0.0)
    assert set(states(found).values()) == {"True"}
    assert found.status is not None
    assert found.status["sinkUri"] == SINK.url


def an_api_source(**spec: Any) -> Json:
    base = a("ApiServerSource.sources.knative.dev", "api", metadata=META)
    return {**base, "spec": {**base["spec"], **spec}}


def api_world(**parts: Any) -> apiserver.World:
    said: dict[str, Any] = {
        "source": an_api_source(),
        "sink": SINK,
        "namespaces": ("default",),
        "forbidden": "",
        "deployment": AVAILABLE,
        "features": {},
    }
    return apiserver.World(**{**said, **parts})


def test_an_adapter_runs_only_with_permissions_and_says_which_are_missing() -> None:
    assert set(states(apiserver.plan(api_world(), 0.0)).values()) == {"True"}
    found = apiserver.plan(api_world(forbidden="User x cannot watch pods", deployment=None), 0.0)
    assert not found.children
    assert states(found)["SufficientPermissions"] == states(found)["Ready"] == "False"
    assert found.notes[-1].message == "insufficient permissions: User x cannot watch pods"
    unknown = apiserver.plan(api_world(forbidden=None, deployment=None), 0.0)
    assert states(unknown)["SufficientPermissions"] == "Unknown"


def test_a_running_adapter_stays_as_it_is_while_its_source_is_wrong() -> None:
    (made,) = apiserver.plan(api_world(), 0.0).children
    stored = {**made, **AVAILABLE}
    for parts in ({"forbidden": "no"}, {"sink": Unresolved("gone")}):
        (child,) = apiserver.plan(api_world(deployment=stored, **parts), 0.0).children
        assert child == made


def test_the_adapters_environment_says_what_to_watch_and_where_to_send() -> None:
    source = an_api_source(ceOverrides={"extensions": {"a": "b"}}, mode="Resource")
    (deployment,) = apiserver.plan(api_world(source=source), 0.0).children
    pod = deployment["spec"]["template"]["spec"]
    env = {e["name"]: e.get("value") for e in pod["containers"][0]["env"]}
    assert (pod["serviceAccountName"], env["K_SINK"]) == ("default", SINK.url)
    assert json.loads(env["K_CE_OVERRIDES"]) == {"extensions": {"a": "b"}}
    assert json.loads(env["K_SOURCE_CONFIG"])["mode"] == "Resource"


def test_missing_permissions_are_told_in_upstreams_words() -> None:
    def allows(user: str, verb: str, group: str, resource: str, namespace: str) -> bool:
        assert (user, group) == ("system:serviceaccount:default:bot", "")
        return (verb, namespace) == ("get", "a")

    source = an_api_source(serviceAccountName="bot")
    assert forbidden(source, ("a",), allows) == (
        "User system:serviceaccount:default:bot cannot list, watch "
        'resource "events" in API group "" in Namespace "a"'
    )
    assert forbidden(source, ("a",), lambda *_: True) == ""


def test_namespaces_come_from_the_selector() -> None:
    api = MemoryApi()
    for name, labels in (("b", {"env": "test"}), ("a", {"env": "test"}), ("c", {})):
        api.seed({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    snapshot = api.snapshot()
    assert namespaces_of(an_api_source(), snapshot) == ("default",)
    chosen = an_api_source(namespaceSelector={"matchLabels": {"env": "test"}})
    assert namespaces_of(chosen, snapshot) == ("a", "b")
    assert namespaces_of(an_api_source(namespaceSelector={}), snapshot) == ("",)
    assert config_of(an_api_source(), ("",))["allNamespaces"] is True


@pytest.mark.parametrize(
    ("version", "kind", "wanted"),
    [
        ("v1", "Event", ("", "v1", "events")),
        ("apps/v1", "Deployment", ("apps", "v1", "deployments")),
        ("x.example.com/v1", "Policy", ("x.example.com", "v1", "policies")),
        ("x.example.com/v1", "Class", ("x.example.com", "v1", "classes")),
    ],
)
def test_kinds_become_resources(version: str, kind: str, wanted: tuple[str, str, str]) -> None:
    assert resource_of({"apiVersion": version, "kind": kind}) == wanted


def test_a_selector_becomes_a_query() -> None:
    rows = [{"key": "b", "operator": "In", "values": ["y", "x"]}, {"key": "c", "operator": "DoesNotExist"}]
    assert selector_text({"matchLabels": {"a": "1"}, "matchExpressions": rows}) == "a=1,b in (x,y),!c"
