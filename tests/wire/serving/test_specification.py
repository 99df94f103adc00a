"""What the Knative Serving API specification demands of objects, on the whole line of controllers."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.wire.serving.test_line import Line, hello, line

from hauberk.base.refs import Json, Ref

SERVICE = "Service.serving.knative.dev"
CONFIGURATION = "Configuration.serving.knative.dev"
REVISION = "Revision.serving.knative.dev"
ROUTE = "Route.serving.knative.dev"
OURS = "serving.knative.dev/"


async def begin(at: Line, obj: dict[str, Any] | None = None) -> None:
    await at.api.create(obj or hello(), manager="admin")
    await at.settle()
    at.start_pod()
    await at.settle()


def conditions(obj: Json) -> dict[str, str]:
    return {c["type"]: c["status"] for c in obj["status"]["conditions"]}


async def change(at: Line, patch: Json) -> None:
    await at.api.patch(Ref(SERVICE, "demo", "hello"), patch, manager="admin")
    await at.settle()


@pytest.mark.must("api-service-children", "api-owner-reference", "api-service-label")
async def test_a_service_owns_a_configuration_and_a_route_of_its_name() -> None:
    async with line() as at:
        await begin(at)
        uid = at.get(SERVICE, "hello")["metadata"]["uid"]
        for kind in (CONFIGURATION, ROUTE):
            meta = at.get(kind, "hello")["metadata"]
            (owner,) = meta["ownerReferences"]
            assert (owner["uid"], owner["controller"], owner["name"]) == (uid, True, "hello")
            assert meta["labels"]["serving.knative.dev/service"] == "hello"


@pytest.mark.must("api-service-metadata", "api-service-extra-metadata")
async def test_labels_and_annotations_follow_the_service_and_nothing_else_stays() -> None:
    async with line() as at:
        obj = hello()
        obj["metadata"]["labels"] = {"team": "one", "gone": "soon"}
        await begin(at, obj)
        await change(
            at, {"metadata": {"labels": {"team": "two", "gone": None}, "annotations": {"note": "n"}}}
        )
        for kind in (CONFIGURATION, ROUTE):
            meta = at.get(kind, "hello")["metadata"]
            assert meta["labels"]["team"] == "two"
            assert "gone" not in meta["labels"]
            assert meta["annotations"]["note"] == "n"


@pytest.mark.must("api-service-spec", "api-default-traffic", "api-latest-revision")
async def test_template_and_traffic_become_the_childrens() -> None:
    async with line() as at:
        await begin(at)
        service = at.get(SERVICE, "hello")
        assert service["spec"]["traffic"] == [{"latestRevision": True, "percent": 100}]
        assert at.get(CONFIGURATION, "hello")["spec"]["template"] == service["spec"]["template"]
        assert at.get(ROUTE, "hello")["spec"]["traffic"] == [
            {"configurationName": "hello", "latestRevision": True, "percent": 100}
        ]
        rows = [{"revisionName": "hello-00001", "percent": 100, "tag": "one"}]
        await change(at, {"spec": {"traffic": rows}})
        assert at.get(ROUTE, "hello")["spec"]["traffic"] == [{**rows[0], "latestRevision": False}]


@pytest.mark.must(
    "api-service-status", "api-service-conditions", "api-ready-condition", "api-url", "api-tag-url"
)
async def test_the_status_of_the_service_is_made_of_its_childrens() -> None:
    async with line() as at:
        obj = hello()
        obj["spec"]["traffic"] = [{"latestRevision": True, "percent": 100, "tag": "now"}]
        await begin(at, obj)
        status = at.get(SERVICE, "hello")["status"]
        assert conditions(at.get(SERVICE, "hello")) == {
            "ConfigurationsReady": "True",
            "Ready": "True",
            "RoutesReady": "True",
        }
        route = at.get(ROUTE, "hello")["status"]
        for key in ("url", "address", "traffic"):
            assert status[key] == route[key]
        assert status["url"].startswith("https://")
        assert status["address"]["url"] == "http://hello.demo.svc.cluster.local"
        assert "now" in status["traffic"][0]["url"]
        for key in ("latestCreatedRevisionName", "latestReadyRevisionName"):
            assert status[key] == at.get(CONFIGURATION, "hello")["status"][key] == "hello-00001"
        for kind, name in ((ROUTE, "hello"), (CONFIGURATION, "hello"), (REVISION, "hello-00001")):
            assert conditions(at.get(kind, name))["Ready"] == "True"


@pytest.mark.must(
    "api-revision-from-configuration", "api-template-copied", "api-revision-labels", "api-container-statuses",
    "api-configuration-metadata",
)  # fmt: skip
async def test_a_revision_is_made_of_the_template_and_not_of_the_configurations_own_metadata() -> None:
    async with line() as at:
        obj = hello()
        obj["metadata"]["labels"] = {"of-the-service": "yes"}
        obj["spec"]["template"]["metadata"]["annotations"] = {"of-the-template": "yes"}
        await begin(at, obj)
        config, revision = at.get(CONFIGURATION, "hello"), at.get(REVISION, "hello-00001")
        labels = revision["metadata"]["labels"]
        assert "of-the-service" in config["metadata"]["labels"]
        assert "of-the-service" not in labels
        assert "serving.knative.openshift.io/enablePassthrough" not in revision["metadata"]["annotations"]
        assert revision["metadata"]["annotations"]["of-the-template"] == "yes"
        assert labels["sidecar.istio.io/inject"] == "true"
        assert labels["serving.knative.dev/configuration"] == "hello"
        assert labels["serving.knative.dev/configurationGeneration"] == "1"
        assert revision["spec"] == config["spec"]["template"]["spec"]
        assert revision["metadata"]["ownerReferences"][0]["uid"] == config["metadata"]["uid"]
        (row,) = revision["status"]["containerStatuses"]
        assert row["name"] == "user-container"


@pytest.mark.must("api-revision-immutable", "api-template-change")
async def test_a_change_of_the_services_metadata_makes_no_revision_and_changes_none() -> None:
    async with line() as at:
        await begin(at)
        before = copy.deepcopy(at.get(REVISION, "hello-00001"))
        await change(at, {"metadata": {"labels": {"team": "two"}, "annotations": {"note": "n"}}})
        after = at.get(REVISION, "hello-00001")
        assert after["spec"] == before["spec"]
        assert after["metadata"]["labels"] == before["metadata"]["labels"]
        assert len(at.api.snapshot().list(REVISION, "demo")) == 1
        await change(at, {"spec": {"template": {"metadata": {"annotations": {"note": "n"}}}}})
        assert len(at.api.snapshot().list(REVISION, "demo")) == 2


@pytest.mark.must("api-revision-not-created")
async def test_a_configuration_whose_revision_cannot_be_made_is_not_ready() -> None:
    async with line() as at:
        stranger = {"name": "hello-mine", "namespace": "demo", "uid": "not-ours"}
        spec = hello()["spec"]["template"]["spec"]
        at.api.seed(
            {"apiVersion": "serving.knative.dev/v1", "kind": "Revision", "metadata": stranger, "spec": spec}
        )
        obj = hello()
        obj["spec"]["template"]["metadata"]["name"] = "hello-mine"
        await at.api.create(obj, manager="admin")
        await at.settle()
        assert conditions(at.get(CONFIGURATION, "hello"))["Ready"] == "False"
        assert conditions(at.get(SERVICE, "hello"))["Ready"] == "False"


@pytest.mark.must("api-observed-generation")
async def test_conditions_are_always_those_of_the_observed_generation() -> None:
    async with line() as at:
        await begin(at)
        await change(at, {"spec": {"template": {"spec": {"timeoutSeconds": 9}}}})
        service = at.get(SERVICE, "hello")
        assert service["status"]["observedGeneration"] == service["metadata"]["generation"] == 2
        assert conditions(service)["Ready"] == "Unknown", "the new revision has no pod yet"
        at.start_pod("hello-00002", "10.128.0.10")
        await at.settle()
        assert conditions(at.get(SERVICE, "hello"))["Ready"] == "True"


@pytest.mark.must("api-log-url")
async def test_a_revision_leads_to_its_logs_where_a_template_says_how() -> None:
    async with line() as at:
        stored = at.api.snapshot().get(Ref("ConfigMap", "knative-serving", "config-observability"))
        assert stored is not None
        data = {
            **(stored.get("data") or {}),
            "logging.revision-url-template": "http://logs/?uid=${REVISION_UID}",
        }
        at.api.seed({**stored, "data": data})
        await begin(at)
        revision = at.get(REVISION, "hello-00001")
        assert revision["status"]["logUrl"] == f"http://logs/?uid={revision['metadata']['uid']}"


@pytest.mark.must("api-no-other-fields")
async def test_an_image_is_all_that_a_service_must_say() -> None:
    async with line() as at:
        image = "hauberk.local/helloworld"
        spec = {"template": {"spec": {"containers": [{"image": image}]}}}
        meta = {"name": "hello", "namespace": "demo"}
        await begin(
            at, {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": meta, "spec": spec}
        )
        assert conditions(at.get(SERVICE, "hello"))["Ready"] == "True"


@pytest.mark.must(
    "api-resources", "api-security-context", "api-container-fields", "api-env-from", "api-volumes"
)
async def test_what_a_container_says_reaches_the_pod() -> None:
    own: dict[str, Any] = {
        "command": ["run"],
        "args": ["fast"],
        "workingDir": "/work",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c", "optional": True}}],
        "resources": {"requests": {"cpu": "1", "memory": "1Mi"}, "limits": {"cpu": "2", "memory": "2Mi"}},
        "securityContext": {"runAsUser": 7, "runAsGroup": 8},
        "volumeMounts": [{"name": "v", "mountPath": "/etc/v", "subPath": "a"}],
    }
    items = [{"key": "k", "path": "a", "mode": 256}]
    sources = [{"secret": {"name": "s", "items": items, "optional": True}}]
    volumes = [{"name": "v", "projected": {"defaultMode": 288, "sources": sources}}]
    async with line() as at:
        obj = hello()
        spec = obj["spec"]["template"]["spec"]
        spec["containers"][0] |= own
        spec["volumes"] = volumes
        await at.api.create(obj, manager="admin")
        await at.settle()
        pod = at.get("Deployment.apps", "hello-00001-deployment")["spec"]["template"]["spec"]
        container = next(c for c in pod["containers"] if c["name"] == "user-container")
        for key in ("command", "args", "workingDir", "envFrom", "resources", "securityContext"):
            assert container[key] == own[key]
        assert own["env"][0] in container["env"]
        assert container["volumeMounts"] == [{**own["volumeMounts"][0], "readOnly": True}]
        assert pod["volumes"] == volumes
