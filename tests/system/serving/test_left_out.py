"""Each setting of the document left out: it fails as the real system does, and the product says why."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
SERVING = ("knativeserving", "knative-serving", "-n", "knative-serving")
PRE = "autoscaling.knative.dev/"


def patch(site: Any, *ref: str, spec: Any) -> None:
    site.cluster.must("patch", *ref, "--type=merge", "-p", json.dumps({"spec": spec}))


def status_of(site: Any, host: str) -> int:
    """The answer's status; 0 while the router does not know the host."""
    try:
        return int(site.call(host).status)
    except OSError:
        return 0


def installed(site: Any) -> Any:
    return site.get("knativeserving", "knative-serving", "knative-serving")


@contextlib.contextmanager
def serving(site: Any, **spec: Any) -> Iterator[None]:
    """KnativeServing with other settings; afterwards as before, with everything ready."""
    before = {key: installed(site)["spec"].get(key) for key in spec}
    patch(site, *SERVING, spec=spec)
    try:
        yield
    finally:
        patch(site, *SERVING, spec=before)
        eventually(lambda: complete(site), what="Serving as before")


def complete(site: Any) -> bool:
    """Whether all of Serving runs, inside the mesh."""
    rows = {kind: site.condition(installed(site), kind).get("status") for kind in ("Ready", "SidecarsReady")}
    pods = site.cluster.json("pods", "-n", "knative-serving")["items"]
    return set(rows.values()) == {"True"} and all(
        site.condition(p, "Ready").get("status") == "True" and "deletionTimestamp" not in p["metadata"]
        for p in pods
    )


def only(name: str) -> list[dict[str, Any]]:
    """The document's overrides for one of the two components."""
    return [{"name": name, "labels": {"sidecar.istio.io/inject": "true"}}]


def runs_bare(site: Any, app: str) -> bool:
    pods = site.cluster.json("pods", "-n", "knative-serving", "-l", f"app={app}")["items"]
    return all(len(p["spec"]["containers"]) == 1 for p in pods) and any(
        site.condition(p, "Ready").get("status") == "True" for p in pods
    )


def test_an_activator_outside_the_strict_mesh_fails_requests_and_the_status_says_why(
    mesh: Any, gone: Gone
) -> None:
    gone("bare-activator")
    host = mesh.deploy("bare-activator", notes={f"{PRE}min-scale": "1"})
    with serving(mesh, deployments=only("autoscaler")):
        eventually(lambda: runs_bare(mesh, "activator"), what="an activator without a sidecar")
        eventually(lambda: mesh.call(host).status == 503, what="503")
        row = eventually(
            lambda: (r := mesh.condition(installed(mesh), "SidecarsReady"))["status"] == "False" and r
        )
        assert row["reason"] == "SidecarMissing"
        assert "activator (requests that pass it fail with 503)" in row["message"]
        assert mesh.condition(installed(mesh), "Ready")["status"] == "True"
    eventually(lambda: mesh.call(host).text == "Hello World!", what="an answer again")


def test_an_autoscaler_outside_the_strict_mesh_scrapes_nothing_and_nothing_shrinks(
    mesh: Any, gone: Gone
) -> None:
    gone("unmeasured")
    with serving(mesh, deployments=only("activator")):
        eventually(lambda: runs_bare(mesh, "autoscaler"), what="an autoscaler without a sidecar")
        mesh.deploy("unmeasured", notes={f"{PRE}window": "6s"})
        row = eventually(
            lambda: (
                (r := mesh.condition(mesh.get("metric", "unmeasured-00001"), "Ready"))["status"] == "False"
                and r
            ),
            what="the Metric's verdict",
        )
        assert row["reason"] == "CollectionFailed"
        assert row["message"].startswith("Failed to reconcile metric collection: unsuccessful scrape")
        assert "autoscaler (it cannot scrape" in mesh.condition(installed(mesh), "SidecarsReady")["message"]
        assert mesh.pods("unmeasured")
    eventually(lambda: not mesh.pods("unmeasured"), within_s=30, what="scale to zero once it is measured")


def test_a_service_without_the_inject_annotation_answers_outside_the_mesh(mesh: Any, gone: Gone) -> None:
    """Its pod takes plaintext from anyone: the document says to set the annotation on every service."""
    gone("uninjected")
    bare = mesh.__class__(mesh.cluster, mesh.roots, mesh.annotations, {})
    bare.cluster.apply(json.dumps(bare.manifest("uninjected", notes={f"{PRE}min-scale": "1"})))
    eventually(lambda: mesh.pods("uninjected"), what="a pod")
    (pod,) = mesh.pods("uninjected")
    assert "istio-proxy" not in [c["name"] for c in pod["spec"]["containers"]]
    ran = mesh.cluster.stage.from_pod_network("curl", "-sS", f"http://{pod['status']['podIP']}:8012/")
    assert ran.out.strip() == "Hello World!"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "gateway.knative-serving.knative-ingress-gateway",
            {"gateway.knative-serving.nowhere": "istio-ingressgateway.istio-system.svc.cluster.local"},
            "Gateway knative-serving/nowhere does not exist",
        ),
        (
            "local-gateway.knative-serving.knative-local-gateway",
            {"local-gateway.knative-serving.nolocal": "knative-local-gateway.istio-system.svc.cluster.local"},
            "Gateway knative-serving/nolocal does not exist",
        ),
    ],
)
def test_a_wrong_gateway_in_config_istio_keeps_new_services_from_ready(
    mesh: Any, gone: Gone, key: str, value: dict[str, str], said: str
) -> None:
    name = "misled-" + key.partition(".")[0]
    gone(name)
    config = installed(mesh)["spec"]["config"]
    rest = {k: v for k, v in config["istio"].items() if k != key}
    with serving(mesh, config={"istio": {key: None, **rest, **value}}):
        eventually(
            lambda: set(value) <= set(mesh.get("cm", "config-istio", "knative-serving")["data"]),
            what="config",
        )
        mesh.deploy(name, wait=False)
        row = eventually(
            lambda: (
                said in (r := mesh.condition(mesh.get("ksvc", name), "RoutesReady")).get("message", "") and r
            ),
            what=said,
        )
        assert (row["status"], row["reason"]) == ("Unknown", "ReconcileIngressFailed")
        patch(mesh, *SERVING, spec={"config": {"istio": dict.fromkeys(value)}})


def test_a_namespace_outside_the_roll_gets_no_sidecar_and_the_writer_is_told(mesh: Any) -> None:
    mesh.cluster.must("create", "namespace", "unrolled")
    try:
        made = mesh.manifest("alone", notes={f"{PRE}min-scale": "1"})
        made["metadata"]["namespace"] = "unrolled"
        said = mesh.cluster.run("apply", "-f", "-", text=json.dumps(made))
        assert "belongs to no mesh" in said.err
        pods = eventually(lambda: mesh.cluster.json("pods", "-n", "unrolled")["items"], what="a pod")
        assert "istio-proxy" not in [c["name"] for c in pods[0]["spec"]["containers"]]
        host = mesh.host("alone", "unrolled")
        eventually(lambda: status_of(mesh, host) == 404, what="its Route, to a gateway that does not know it")
    finally:
        mesh.cluster.run("delete", "namespace", "unrolled", "--wait=false")
