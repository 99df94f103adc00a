"""What programs do with kr8s."""

import threading

import kr8s
from harness import GATEWAY, NAMESPACE, config_map, deployment, run, same
from kr8s.objects import ConfigMap, Deployment, new_class

api = kr8s.api(namespace=NAMESPACE)
Gateway = new_class("Gateway", version="networking.istio.io/v1", namespaced=True, plural="gateways")


def discover():
    kinds = {(r["kind"], r["version"]) for r in api.api_resources()}
    assert ("Service", "serving.knative.dev/v1") in kinds
    assert api.version()["major"] == "1"


def create():
    ConfigMap(config_map("one")).create()
    Deployment(deployment("web")).create()


def get():
    same(dict(ConfigMap.get("one", namespace=NAMESPACE).data), {"k": "v"})
    try:
        ConfigMap.get("none", namespace=NAMESPACE)
    except kr8s.NotFoundError:
        return
    raise AssertionError("found what is not there")


def select():
    ConfigMap(config_map("two")).create()
    found = kr8s.get("configmaps", namespace=NAMESPACE, label_selector={"set": "x"})
    same(sorted(o.name for o in found), ["one", "two"])
    found = kr8s.get("configmaps", namespace=NAMESPACE, field_selector={"metadata.name": "one"})
    same([o.name for o in found], ["one"])


def watch():
    threading.Timer(0.3, lambda: ConfigMap(config_map("seen")).create()).start()
    for type_, obj in api.watch("configmaps", namespace=NAMESPACE):
        if obj.name == "seen":
            same(type_, "ADDED")
            return


def merge_patch():
    one = ConfigMap.get("one", namespace=NAMESPACE)
    one.patch({"data": {"more": "yes"}})
    one.label({"extra": "1"})
    one.annotate({"note": "n"})
    one.refresh()
    same((one.data["more"], one.labels["extra"], one.annotations["note"]), ("yes", "1", "n"))


def json_patch():
    one = ConfigMap.get("one", namespace=NAMESPACE)
    one.patch([{"op": "replace", "path": "/data/k", "value": "patched"}], type="json")
    same(one.data["k"], "patched")


def scale():
    web = Deployment.get("web", namespace=NAMESPACE)
    web.scale(0)
    same(web.replicas, 0)


def custom():
    gate = Gateway(GATEWAY)
    gate.create()
    same([g.name for g in kr8s.get("gateways.networking.istio.io", namespace=NAMESPACE)], ["gate"])
    gate.delete()


def delete():
    one = ConfigMap.get("one", namespace=NAMESPACE)
    one.delete()
    one.wait("delete", timeout=10)
    same(one.exists(), False)


run({
    "discover": discover, "create": create, "get": get, "select": select, "watch": watch,
    "merge-patch": merge_patch, "json-patch": json_patch, "scale": scale, "custom": custom, "delete": delete,
})  # fmt: skip
