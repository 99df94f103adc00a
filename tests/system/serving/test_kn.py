"""The API calls that `kn` makes, one after the other, as it makes them: plain HTTP verbs with JSON.

Source: knative/client pkg/serving/v1/client.go, pkg/commands/{service,revision,route,domain}.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from hauberk.base.times import rfc3339
from hauberk.engine.clock import SystemClock
from hauberk.testing.cluster import Cluster, eventually

V1 = "/apis/serving.knative.dev/v1/namespaces/default"
DOMAINS = "/apis/serving.knative.dev/v1beta1/namespaces/default/domainmappings"
ROUTES = "routes.route.openshift.io", "-A"
NAME = "by-kn"


def get(cluster: Cluster, path: str) -> Any:
    return json.loads(cluster.must("get", "--raw", path))


def send(cluster: Cluster, verb: str, path: str, body: Any) -> Any:
    """`create` is POST, `replace` is PUT."""
    return json.loads(cluster.must(verb, "--raw", path, "-f", "-", text=json.dumps(body)))


def service(mesh: Any) -> dict[str, Any]:
    image = "hauberk.local/helloworld"
    notes = {
        "client.knative.dev/user-image": image,
        "client.knative.dev/updateTimestamp": "2026-01-01T00:00:00Z",
    }
    container = {"image": image, "name": "", "env": [{"name": "TARGET", "value": "one"}], "resources": {}}
    template = {
        "metadata": {"annotations": {**mesh.template, **notes}, "creationTimestamp": None},
        "spec": {"containers": [container]},
    }
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": NAME,
            "namespace": "default",
            "creationTimestamp": None,
            "annotations": dict(mesh.annotations),
        },
        "spec": {"template": template},
        "status": {},
    }


@pytest.mark.must(
    "api-service-operations", "api-revision-operations", "api-route-operations",
    "api-configuration-operations", "api-cascade", "api-template-change",
)  # fmt: skip
def test_a_services_whole_life_as_kn_leads_it(mesh: Any, gone: Any) -> None:
    gone(NAME)
    cluster, own = mesh.cluster, f"{V1}/services/{NAME}"
    # kn service create
    made = send(cluster, "create", f"{V1}/services", service(mesh))
    assert made["metadata"]["generation"] == 1
    eventually(lambda: mesh.is_settled(NAME), within_s=20, what="kn waits for Ready")
    assert mesh.call(mesh.host(NAME)).text == "Hello one!"
    # kn service update --env TARGET=two: read, change, replace with the version that was read
    found = get(cluster, own)
    found["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "two"
    send(cluster, "replace", own, found)
    stale = cluster.run("replace", "--raw", own, "-f", "-", text=json.dumps(found))
    assert "the object has been modified" in stale.err
    eventually(lambda: mesh.is_settled(NAME), within_s=20, what="Ready again")
    assert mesh.call(mesh.host(NAME)).text == "Hello two!"
    # kn service list, kn revision list, kn route list, kn configuration of describe
    selector = f"labelSelector=serving.knative.dev%2Fservice%3D{NAME}"
    assert NAME in [s["metadata"]["name"] for s in get(cluster, f"{V1}/services")["items"]]
    revisions = get(cluster, f"{V1}/revisions?{selector}")["items"]
    assert {r["metadata"]["name"] for r in revisions} == {f"{NAME}-00001", f"{NAME}-00002"}
    assert get(cluster, f"{V1}/routes/{NAME}")["status"]["url"] == f"https://{mesh.host(NAME)}"
    assert get(cluster, f"{V1}/configurations?{selector}")["items"]
    # kn service update --traffic by-kn-00001=100 --tag by-kn-00001=old
    found = get(cluster, own)
    found["spec"]["traffic"] = [{"revisionName": f"{NAME}-00001", "percent": 100, "tag": "old"}]
    send(cluster, "replace", own, found)
    eventually(lambda: mesh.call(mesh.host(NAME)).text == "Hello one!", what="traffic goes back")
    eventually(lambda: mesh.call(f"old-{mesh.host(NAME)}").status == 200, what="the tag answers")
    # kn revision delete, which makes no new one
    cluster.must("delete", "--raw", f"{V1}/revisions/{NAME}-00002")
    # kn service delete: everything below goes, too
    cluster.must("delete", "--raw", own)
    for kind in ("services", "configurations", "routes", "revisions"):
        path = f"{V1}/{kind}?{selector}"
        eventually(lambda path=path: not get(cluster, path)["items"], what=f"no {kind} are left")


def test_a_domain_as_kn_leads_it(mesh: Any, gone: Any) -> None:
    gone("domained", "domained-b")
    cluster, name = mesh.cluster, "kn.example.org"
    for target in ("domained", "domained-b"):
        mesh.deploy(target, env={"TARGET": target})
    ref = {
        "kind": "Service",
        "apiVersion": "serving.knative.dev/v1",
        "name": "domained",
        "namespace": "default",
    }
    meta = {"name": name, "namespace": "default", "annotations": dict(mesh.annotations)}
    made = {
        "apiVersion": "serving.knative.dev/v1beta1",
        "kind": "DomainMapping",
        "metadata": meta,
        "spec": {"ref": ref},
    }
    # kn domain create, list, describe
    send(cluster, "create", DOMAINS, made)
    ready = lambda: mesh.condition(mesh.get("dm", name), "Ready").get("status") == "True"  # noqa: E731
    eventually(ready, what="the domain is Ready")
    assert [d["metadata"]["name"] for d in get(cluster, DOMAINS)["items"]] == [name]
    assert get(cluster, f"{DOMAINS}/{name}")["status"]["url"] == f"https://{name}"
    # kn domain update --ref ksvc:domained-b
    found = get(cluster, f"{DOMAINS}/{name}")
    found["spec"]["ref"]["name"] = "domained-b"
    send(cluster, "replace", f"{DOMAINS}/{name}", found)
    host = "domained-b.default.svc.cluster.local"

    def moved() -> bool:
        rule = mesh.get("king", name)["spec"]["rules"][0]
        return bool(rule["http"]["paths"][0]["rewriteHost"] == host) and ready()

    eventually(moved, what="the domain leads to the other service")
    # kn domain delete
    cluster.must("delete", "--raw", f"{DOMAINS}/{name}")
    eventually(lambda: not get(cluster, DOMAINS)["items"], what="the domain is gone")


@pytest.mark.must("api-unique-hosts")
def test_of_two_services_with_one_host_the_older_keeps_it_and_the_youngers_route_says_so(
    mesh: Any, gone: Any
) -> None:
    gone("twin-of")
    host = mesh.deploy("twin-of", env={"TARGET": "older"})
    (older,) = mesh.cluster.json(*ROUTES, "-l", "serving.knative.openshift.io/ingressName=twin-of")["items"]
    since = older["metadata"]["creationTimestamp"]  # whole seconds: in one second nobody is older
    eventually(lambda: rfc3339(SystemClock().now()) > since, what="a younger Route is younger")
    mesh.cluster.run("create", "namespace", "of-default")
    made = mesh.manifest("twin", env={"TARGET": "younger"})
    made["metadata"]["namespace"] = "of-default"
    try:
        assert mesh.host("twin", "of-default") == host
        mesh.cluster.apply(json.dumps(made))
        routes = *ROUTES, "-l", "serving.knative.openshift.io/ingressName=twin"

        def refused() -> bool:
            rows = [
                i
                for r in mesh.cluster.json(*routes)["items"]
                for i in (r.get("status") or {}).get("ingress", ())
            ]
            return any(c.get("reason") == "HostAlreadyClaimed" for i in rows for c in i["conditions"])

        eventually(refused, within_s=20, what="the younger is told")
        assert mesh.call(host).text == "Hello older!"
    finally:
        mesh.cluster.run("delete", "namespace", "of-default", "--wait=false")
