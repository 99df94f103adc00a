"""A Job's next pod. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hauberk.base.refs import Json
from hauberk.workloads.job.world import INDEX, INDEX_FAILURES, TRACKING

_VARIABLE = "JOB_COMPLETION_INDEX"


def make_pod(job: Json, index: int | None = None, failures: int | None = None) -> Json:
    """A pod of the template; with an index its hostname, label, annotation and variable.

    Source: kubernetes pkg/controller/job/indexed_job_utils.go.
    """
    meta, template = job["metadata"], job["spec"]["template"]
    given = template.get("metadata") or {}
    labels, notes = dict(given.get("labels") or {}), dict(given.get("annotations") or {})
    spec = dict(template.get("spec") or {})
    prefix = f"{meta['name']}-"
    if index is not None:
        labels[INDEX] = notes[INDEX] = str(index)
        if failures is not None:
            notes[INDEX_FAILURES] = str(failures)
        spec = _indexed(spec, f"{meta['name']}-{index}")
        prefix = f"{meta['name']}-{index}-"
    made: dict[str, Any] = {"generateName": prefix, "namespace": meta["namespace"]}
    made |= {k: v for k, v in (("labels", labels), ("annotations", notes)) if v}
    made["finalizers"] = [*(given.get("finalizers") or ()), TRACKING]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": spec}


def _indexed(spec: dict[str, Any], hostname: str) -> dict[str, Any]:
    source = {"fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.labels['{INDEX}']"}}
    variable = {"name": _VARIABLE, "valueFrom": source}
    out = {**spec, "hostname": hostname}
    for section in ("initContainers", "containers"):
        if spec.get(section):
            out[section] = [_with(c, variable) for c in spec[section]]
    return out


def _with(container: Json, variable: Json) -> Json:
    env: Sequence[Json] = container.get("env") or ()
    if any(e.get("name") == _VARIABLE for e in env):
        return container
    return {**container, "env": [*env, variable]}
