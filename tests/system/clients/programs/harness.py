"""Runs the operations of one client in order; prints one JSON line for each."""

import json
import os
import traceback
from collections.abc import Callable

NAMESPACE = os.environ["CLIENT_NAMESPACE"]
GATEWAY = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "gate", "namespace": NAMESPACE},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["a.example.com"]}],
    },
}


def config_map(name: str, **more: object) -> dict:
    """An object to work with."""
    meta = {"name": name, "namespace": NAMESPACE, "labels": {"set": "x"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"k": "v"}, **more}


def deployment(name: str) -> dict:
    """A Deployment without pods."""
    meta = {"name": name, "namespace": NAMESPACE}
    containers = [
        {"name": "a", "image": "hauberk.local/curl", "env": [{"name": "ONE", "value": "1"}]},
        {"name": "b", "image": "hauberk.local/curl"},
    ]
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def same(found: object, wanted: object) -> None:
    """Fail with both when they differ."""
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def tell(name: str, error: str = "") -> None:
    """Say what an operation came to."""
    print(json.dumps({"operation": name, "error": error}), flush=True)


def run(operations: dict[str, Callable[[], None]]) -> None:
    """Run all of them, whatever fails."""
    for name, operation in operations.items():
        try:
            operation()
        except Exception:  # told, and the test fails with it
            tell(name, traceback.format_exc()[-2000:])
        else:
            tell(name)
