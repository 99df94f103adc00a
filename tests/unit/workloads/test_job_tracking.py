"""Pods that a Job left behind lose the finalizer by which it counted them, while they are deleted, too."""

from __future__ import annotations

import asyncio
from typing import Any

from hauberk.base.refs import Ref
from hauberk.engine.reconcile import reconcile
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.stored import Stored
from hauberk.workloads.job.controller import CONTROLLERS, observe_left
from hauberk.workloads.job.world import TRACKING

Raw = dict[str, Any]
KEY = Ref("Pod", "a", "p")


def pod(**meta: Any) -> Raw:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "work", "uid": "u", "controller": True}
    about = {"name": "p", "namespace": "a", "uid": "p", "finalizers": [TRACKING], "ownerReferences": [owner]}
    spec = {"containers": [{"name": "c", "image": "a:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {**about, **meta}, "spec": spec}


def job(**meta: Any) -> Raw:
    about = {"name": "work", "namespace": "a", "uid": "u", **meta}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": about, "spec": {}}


def test_a_pod_is_left_when_its_job_is_gone_going_or_another_of_that_name() -> None:
    gone = "2026-01-01T00:00:00Z"
    assert observe_left(Stored(pod()).snapshot(), KEY) is not None
    assert observe_left(Stored(pod(), job(deletionTimestamp=gone)).snapshot(), KEY) is not None
    assert observe_left(Stored(pod(), job(uid="other")).snapshot(), KEY) is not None
    assert observe_left(Stored(pod(), job()).snapshot(), KEY) is None
    assert observe_left(Stored(pod(finalizers=[])).snapshot(), KEY) is None


def test_a_pod_that_is_being_deleted_can_go() -> None:
    api = MemoryApi()
    api.seed(pod(deletionTimestamp="2026-01-01T00:00:00Z", deletionGracePeriodSeconds=0))
    done = asyncio.run(reconcile(CONTROLLERS[1], api, KEY, now=0.0))
    assert done.writes == 1
    left = api.snapshot().get(KEY)
    assert left is None or not left["metadata"].get("finalizers")
