"""Pods on a real keeper: what users see when things go well and when they do not."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Cluster, make_pod

pytestmark = pytest.mark.system
Raw = dict[str, Any]


def ready(pod: Raw) -> bool:
    rows = (pod.get("status") or {}).get("conditions") or ()
    return any(c["type"] == "Ready" and c["status"] == "True" for c in rows)


def row_of(pod: Raw, name: str = "c") -> Raw:
    rows = [r for r in (pod.get("status") or {}).get("containerStatuses") or () if r["name"] == name]
    return rows[0] if rows else {"state": {}, "lastState": {}, "restartCount": 0}


HELLO = {
    "name": "c",
    "image": "hauberk.local/helloworld",
    "env": [{"name": "TARGET", "value": "Pods"}],
    "ports": [{"containerPort": 8080}],
    "readinessProbe": {"httpGet": {"path": "/", "port": 8080}},
}


def test_the_sample_becomes_ready_and_is_deleted(small: Cluster) -> None:
    small.create(make_pod("hello", HELLO))
    pod = small.when("hello", "ready", ready)
    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["podIP"].startswith("10.128.")
    small.delete("hello")
    small.eventually("gone", lambda: small.pod("hello") is None)
