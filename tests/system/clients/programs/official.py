"""What programs do with the official Python client."""

from harness import GATEWAY, NAMESPACE, config_map, deployment, run, same
from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException

config.load_kube_config()
core, apps, custom = client.CoreV1Api(), client.AppsV1Api(), client.CustomObjectsApi()
ISTIO = ("networking.istio.io", "v1", NAMESPACE, "gateways")


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiException as error:
        same(error.status, code)
        return
    raise AssertionError(f"not refused with {code}")


def discover():
    found = dynamic.DynamicClient(client.ApiClient())
    same(found.resources.get(api_version="apps/v1", kind="Deployment").namespaced, True)
    assert any(g.name == "serving.knative.dev" for g in client.ApisApi().get_api_versions().groups)
    assert client.VersionApi().get_code().major == "1"


def create():
    same(core.create_namespaced_config_map(NAMESPACE, config_map("one")).metadata.labels, {"set": "x"})
    generated = {"metadata": {"generateName": "gen-"}}
    assert core.create_namespaced_config_map(NAMESPACE, generated).metadata.name.startswith("gen-")
    refused(409, core.create_namespaced_config_map, NAMESPACE, config_map("one"))
    apps.create_namespaced_deployment(NAMESPACE, deployment("web"))


def get():
    same(core.read_namespaced_config_map("one", NAMESPACE).data, {"k": "v"})
    refused(404, core.read_namespaced_config_map, "none", NAMESPACE)


def pages():
    for i in range(5):
        core.create_namespaced_config_map(NAMESPACE, config_map(f"page-{i}"))
    names, token = [], None
    while token != "":
        found = core.list_namespaced_config_map(NAMESPACE, label_selector="set=x", limit=2, _continue=token)
        names += [o.metadata.name for o in found.items]
        token = found.metadata._continue or ""
    same(names, ["one", *(f"page-{i}" for i in range(5))])


def select():
    found = core.list_namespaced_config_map(NAMESPACE, field_selector="metadata.name=one")
    same([o.metadata.name for o in found.items], ["one"])
    same(core.list_namespaced_config_map(NAMESPACE, label_selector="set notin (x),set").items, [])


def watch_():
    start = core.list_namespaced_config_map(NAMESPACE).metadata.resource_version
    core.create_namespaced_config_map(NAMESPACE, config_map("seen"))
    core.patch_namespaced_config_map("seen", NAMESPACE, {"data": {"k": "w"}})
    core.delete_namespaced_config_map("seen", NAMESPACE)
    told = []
    for event in watch.Watch().stream(
        core.list_namespaced_config_map, NAMESPACE, resource_version=start, timeout_seconds=10
    ):
        told.append((event["type"], event["object"].metadata.name))
        if len(told) == 3:
            break
    same(told, [("ADDED", "seen"), ("MODIFIED", "seen"), ("DELETED", "seen")])


def update():
    one = core.read_namespaced_config_map("one", NAMESPACE)
    one.data["more"] = "yes"
    same(core.replace_namespaced_config_map("one", NAMESPACE, one).data["more"], "yes")


def conflict():
    one = core.read_namespaced_config_map("one", NAMESPACE)
    core.patch_namespaced_config_map("one", NAMESPACE, {"data": {"other": "1"}})
    refused(409, core.replace_namespaced_config_map, "one", NAMESPACE, one)


def merge_patch():
    api = client.ApiClient()
    api.set_default_header("Content-Type", "application/merge-patch+json")
    found = client.CoreV1Api(api).patch_namespaced_config_map("one", NAMESPACE, {"data": {"other": None}})
    assert "other" not in found.data


def json_patch():
    found = core.patch_namespaced_config_map(
        "one", NAMESPACE, [{"op": "replace", "path": "/data/k", "value": "patched"}]
    )
    same(found.data["k"], "patched")


def strategic_patch():
    change = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "hauberk.local/sleep"}]}}}}
    found = apps.patch_namespaced_deployment("web", NAMESPACE, change)
    same([c.name for c in found.spec.template.spec.containers], ["a", "b"])
    same(found.spec.template.spec.containers[1].image, "hauberk.local/sleep")


def apply():
    maps = dynamic.DynamicClient(client.ApiClient()).resources.get(api_version="v1", kind="ConfigMap")
    wanted = config_map("applied")
    maps.server_side_apply(wanted, field_manager="alice")
    wanted["data"] = {"k": "bob's"}
    refused(409, maps.server_side_apply, wanted, field_manager="bob")
    same(maps.server_side_apply(wanted, field_manager="bob", force_conflicts=True).data["k"], "bob's")


def scale():
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 1}})
    same(apps.read_namespaced_deployment_scale("web", NAMESPACE).spec.replicas, 1)
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 0}})


def status():
    body = {"status": {"conditions": [{"type": "Tested", "status": "True"}]}, "spec": {"paused": True}}
    found = apps.patch_namespaced_deployment_status("web", NAMESPACE, body)
    assert "Tested" in [c.type for c in found.status.conditions]
    same(bool(found.spec.paused), False)


def custom_():
    custom.create_namespaced_custom_object(*ISTIO, GATEWAY)
    for _ in range(10):  # its controller writes a status meanwhile
        found = custom.get_namespaced_custom_object(*ISTIO, "gate")
        found["spec"]["servers"][0]["hosts"] = ["b.example.com"]
        try:
            custom.replace_namespaced_custom_object(*ISTIO, "gate", found)
        except ApiException as error:
            same(error.status, 409)
        else:
            break
    same(
        custom.get_namespaced_custom_object(*ISTIO, "gate")["spec"]["servers"][0]["hosts"], ["b.example.com"]
    )
    same(len(custom.list_namespaced_custom_object(*ISTIO)["items"]), 1)
    del found["metadata"]["resourceVersion"]
    refused(422, custom.replace_namespaced_custom_object, *ISTIO, "gate", found)
    custom.delete_namespaced_custom_object(*ISTIO, "gate")


def dry_run():
    core.create_namespaced_config_map(NAMESPACE, config_map("dry"), dry_run="All")
    core.delete_namespaced_config_map("one", NAMESPACE, dry_run="All")
    refused(404, core.read_namespaced_config_map, "dry", NAMESPACE)
    core.read_namespaced_config_map("one", NAMESPACE)


def delete():
    wrong = client.V1DeleteOptions(preconditions=client.V1Preconditions(uid="another"))
    refused(409, core.delete_namespaced_config_map, "one", NAMESPACE, body=wrong)
    told = core.delete_namespaced_config_map("one", NAMESPACE)
    same(told["status"] if isinstance(told, dict) else told.status, "Success")
    refused(404, core.delete_namespaced_config_map, "one", NAMESPACE)
    apps.delete_namespaced_deployment("web", NAMESPACE, propagation_policy="Foreground")


def delete_many():
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="set=x")
    same(core.list_namespaced_config_map(NAMESPACE, label_selector="set=x").items, [])


run({
    "discover": discover, "create": create, "get": get, "pages": pages, "select": select, "watch": watch_,
    "update": update, "conflict": conflict, "merge-patch": merge_patch, "json-patch": json_patch,
    "strategic-patch": strategic_patch, "apply": apply, "scale": scale, "status": status,
    "custom": custom_, "dry-run": dry_run, "delete": delete, "delete-many": delete_many,
})  # fmt: skip
