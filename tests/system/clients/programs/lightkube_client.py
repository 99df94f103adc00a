"""What programs do with lightkube."""

import threading

from harness import GATEWAY, NAMESPACE, config_map, deployment, run, same
from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.autoscaling_v1 import ScaleSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ConfigMap
from lightkube.types import PatchType

client = Client(namespace=NAMESPACE, field_manager="light")
Gateway = create_namespaced_resource("networking.istio.io", "v1", "Gateway", "gateways")


def refused(code, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiError as error:
        same(error.status.code, code)
        return
    raise AssertionError(f"not refused with {code}")


def create():
    same(client.create(ConfigMap.from_dict(config_map("one"))).data, {"k": "v"})
    refused(409, client.create, ConfigMap.from_dict(config_map("one")))
    client.create(Deployment.from_dict(deployment("web")))


def get():
    same(client.get(ConfigMap, "one").metadata.labels, {"set": "x"})
    refused(404, client.get, ConfigMap, "none")


def pages():
    for i in range(5):
        client.create(ConfigMap.from_dict(config_map(f"page-{i}")))
    found = client.list(ConfigMap, labels={"set": "x"}, chunk_size=2)
    same([o.metadata.name for o in found], ["one", *(f"page-{i}" for i in range(5))])


def select():
    same([o.metadata.name for o in client.list(ConfigMap, fields={"metadata.name": "one"})], ["one"])


def watch():
    listed = client.list(ConfigMap)
    list(listed)
    start = listed.resourceVersion
    client.create(ConfigMap.from_dict(config_map("seen")))
    threading.Timer(0.2, client.delete, (ConfigMap, "seen")).start()
    told = []
    for type_, obj in client.watch(ConfigMap, resource_version=start, server_timeout=10):
        told.append((type_, obj.metadata.name))
        if len(told) == 2:
            break
    same(told, [("ADDED", "seen"), ("DELETED", "seen")])


def update():
    one = client.get(ConfigMap, "one")
    one.data["more"] = "yes"
    same(client.replace(one).data["more"], "yes")


def conflict():
    one = client.get(ConfigMap, "one")
    client.patch(ConfigMap, "one", {"data": {"other": "1"}})
    refused(409, client.replace, one)


def merge_patch():
    found = client.patch(ConfigMap, "one", {"data": {"other": None}}, patch_type=PatchType.MERGE)
    assert "other" not in found.data


def json_patch():
    change = [{"op": "replace", "path": "/data/k", "value": "patched"}]
    same(client.patch(ConfigMap, "one", change, patch_type=PatchType.JSON).data["k"], "patched")


def strategic_patch():
    change = {"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "hauberk.local/sleep"}]}}}}
    found = client.patch(Deployment, "web", change)
    same([c.name for c in found.spec.template.spec.containers], ["a", "b"])


def apply():
    client.apply(ConfigMap.from_dict(config_map("applied")), field_manager="alice")
    mine = ConfigMap.from_dict(config_map("applied", data={"k": "bob's"}))
    refused(409, client.apply, mine, field_manager="bob")
    same(client.apply(mine, field_manager="bob", force=True).data["k"], "bob's")


def scale():
    found = client.get(Deployment.Scale, "web")
    found.spec = ScaleSpec(replicas=1)
    same(client.replace(found).spec.replicas, 1)


def custom():
    client.create(Gateway(**{k: v for k, v in GATEWAY.items() if k in ("metadata", "spec")}))
    same(client.get(Gateway, "gate").spec["servers"][0]["hosts"], ["a.example.com"])
    client.delete(Gateway, "gate")


def delete():
    client.delete(ConfigMap, "one")
    refused(404, client.delete, ConfigMap, "one")
    client.delete(Deployment, "web")


def delete_many():
    client.deletecollection(ConfigMap)
    same([o.metadata.name for o in client.list(ConfigMap, labels={"set": "x"})], [])


run({
    "create": create, "get": get, "pages": pages, "select": select, "watch": watch, "update": update,
    "conflict": conflict, "merge-patch": merge_patch, "json-patch": json_patch,
    "strategic-patch": strategic_patch, "apply": apply, "scale": scale, "custom": custom,
    "delete": delete, "delete-many": delete_many,
})  # fmt: skip
