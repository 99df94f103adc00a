"""The admin's `deployments`/`workloads` overrides, applied to Deployments. Pure.

Source: knative/operator pkg/reconciler/common/workload_override.go (OverridesTransform) and ha.go.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hauberk.kinds.knative_operator.overrides import EnvOverride, Override, ProbeOverride, ResourceOverride


def overridden(deployment: Mapping[str, Any], overrides: Iterable[Override]) -> dict[str, Any]:
    """The Deployment with every override of its name applied, in order.

    | override              | where it goes                                       |
    |-----------------------|-----------------------------------------------------|
    | labels, annotations   | the Deployment and its pods                         |
    | replicas              | spec.replicas                                       |
    | env                   | the named container; an entry replaces its namesake |
    | resources             | the named container, request by request             |
    | readiness-, livenessProbes | the named container's probe, field by field    |
    """
    out = copy.deepcopy(dict(deployment))
    for override in overrides:
        if override.name == out["metadata"]["name"]:
            _apply(out, override)
    return out


def _apply(deployment: dict[str, Any], override: Override) -> None:
    template = deployment["spec"]["template"]
    for where in (deployment["metadata"], template["metadata"]):
        for field, values in (("labels", override.labels), ("annotations", override.annotations)):
            if values:
                where[field] = {**(where.get(field) or {}), **values}
    if override.replicas is not None:
        deployment["spec"]["replicas"] = override.replicas
    for container in template["spec"]["containers"]:
        _apply_container(container, override)


def _apply_container(container: dict[str, Any], override: Override) -> None:
    name = container["name"]
    for env in override.env:
        if env.container == name:
            _apply_env(container, env)
    for resources in override.resources:
        if resources.container == name:
            _apply_resources(container, resources)
    _apply_probe(container, "readinessProbe", [p for p in override.readiness_probes if p.container == name])
    _apply_probe(container, "livenessProbe", [p for p in override.liveness_probes if p.container == name])


def _apply_env(container: dict[str, Any], override: EnvOverride) -> None:
    named = {e["name"]: e for e in container.get("env", ())}
    named.update({e["name"]: dict(e) for e in override.env_vars if "name" in e})
    container["env"] = list(named.values())


def _apply_resources(container: dict[str, Any], override: ResourceOverride) -> None:
    resources = container.setdefault("resources", {})
    for field, values in (("limits", override.limits), ("requests", override.requests)):
        if values:
            resources[field] = {**resources.get(field, {}), **values}


def _apply_probe(container: dict[str, Any], field: str, overrides: Sequence[ProbeOverride]) -> None:
    for override in overrides:
        if field not in container:
            continue
        wanted = {
            "initialDelaySeconds": override.initial_delay_seconds,
            "timeoutSeconds": override.timeout_seconds,
            "periodSeconds": override.period_seconds,
            "successThreshold": override.success_threshold,
            "failureThreshold": override.failure_threshold,
            "terminationGracePeriodSeconds": override.termination_grace_period_seconds,
        }
        container[field].update({k: v for k, v in wanted.items() if v is not None})
