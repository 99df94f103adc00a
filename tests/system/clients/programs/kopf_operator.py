"""An operator that answers ConfigMaps labelled `kopf=please`, and the program that puts it to work."""

import asyncio
import contextlib
import threading
import time

import kopf
from harness import NAMESPACE, config_map, run, same
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

config.load_kube_config()
core = client.CoreV1Api()
SEEN: list[str] = []


@kopf.on.create("configmaps", labels={"kopf": "please"})
def created(name, patch, body, **_):
    """Mark it, and say so."""
    patch.metadata.annotations["answered"] = "created"
    kopf.info(body, reason="Answered", message=f"answered {name}")


@kopf.on.update("configmaps", labels={"kopf": "please"}, field="data")
def updated(new, patch, **_):
    """Tell what it was changed to."""
    patch.metadata.annotations["answered"] = str(new["k"])


@kopf.on.delete("configmaps", labels={"kopf": "please"})
def deleted(name, **_):
    """Its finalizer keeps the object until this ran."""
    SEEN.append(name)


def eventually(condition, what):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(ApiException, KeyError, TypeError):
            if condition():
                return
        time.sleep(0.05)
    raise AssertionError(f"not within 20 s: {what}")


def answered():
    return core.read_namespaced_config_map("asked", NAMESPACE).metadata.annotations["answered"]


def watch():
    body = config_map("asked")
    body["metadata"]["labels"] = {"kopf": "please"}
    core.create_namespaced_config_map(NAMESPACE, body)
    eventually(lambda: answered() == "created", "the answer to a new object")


def merge_patch():
    core.patch_namespaced_config_map("asked", NAMESPACE, {"data": {"k": "changed"}})
    eventually(lambda: answered() == "changed", "the answer to a change")


def finalizer():
    found = core.read_namespaced_config_map("asked", NAMESPACE).metadata.finalizers
    same(found, ["kopf.zalando.org/KopfFinalizerMarker"])


def events():
    def told():
        return any(e.reason == "Answered" for e in core.list_namespaced_event(NAMESPACE).items)

    eventually(told, "the Event")


def delete():
    core.delete_namespaced_config_map("asked", NAMESPACE)
    eventually(lambda: SEEN == ["asked"], "the deletion")

    def gone():
        found = core.list_namespaced_config_map(NAMESPACE, field_selector="metadata.name=asked")
        return not found.items

    eventually(gone, "the end of the object")


def operator(ready: threading.Event, stop: threading.Event) -> None:
    """Run until told to stop."""
    asyncio.run(kopf.operator(namespaces=[NAMESPACE], ready_flag=ready, stop_flag=stop, standalone=True))


ready_, stop_ = threading.Event(), threading.Event()
thread = threading.Thread(target=operator, args=(ready_, stop_), daemon=True)
thread.start()
ready_.wait(20)
run({
    "watch": watch, "merge-patch": merge_patch, "finalizer": finalizer, "events": events, "delete": delete,
})  # fmt: skip
stop_.set()
thread.join(10)
