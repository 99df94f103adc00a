"""Revision → Deployment, PodAutoscaler, Images; their state back into the Revision's status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json, controller_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.names import internal_error
from hauberk.serving.resolver import Digest, Unresolvable
from hauberk.serving.revision.make import (
    Settings,
    deployment_name,
    make_autoscaler,
    make_deployment,
    make_images,
    serving_container,
)

DEPLOYING = "Deploying"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Revision may depend on."""

    revision: Json
    deployment: Json | None
    autoscaler: Json | None
    pods: tuple[Json, ...] = ()
    digests: Mapping[str, Digest | Unresolvable | None] = field(default_factory=dict)  # by image
    settings: Settings = field(default_factory=Settings)


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one Revision, and what its status says.

    Source: knative/serving pkg/reconciler/revision/revision.go, ReconcileKind.
    """
    waiting = digest_conditions(world)
    if waiting is not None:
        failed = waiting[0].status == "False"
        said = (internal_error(waiting[0].message),) if failed else ()
        status = _status(world, *waiting, active(None))
        return Plan(status=status, children=_as_they_are(world), notes=said)
    taken = _foreign(world)
    if taken is not None:
        kind, name = taken
        row = Condition("ResourcesAvailable", "False", "NotOwned", not_owned(kind, name))
        status = _status(world, Condition("ContainerHealthy", "Unknown"), row, active(None))
        text = f'revision: "{world.revision["metadata"]["name"]}" does not own {kind}: "{name}"'
        return Plan(status=status, notes=(internal_error(text),))
    healthy, available = health(world)
    status = _status(world, healthy, available, active(world.autoscaler))
    notes: tuple[Note, ...] = ()
    if _became_ready(world, status):
        notes = (Note("RevisionReady", "Revision becomes ready upon all resources being ready"),)
    return Plan(children=_children(world), status=status, notes=notes)


def _children(world: World) -> tuple[Json, ...]:
    revision, settings = world.revision, world.settings
    return (
        make_deployment(revision, settings),
        *make_images(revision, settings),
        make_autoscaler(revision, settings),
    )


def _as_they_are(world: World) -> tuple[Json, ...]:
    """Nothing that exists is taken away while the image is being resolved."""
    return _children(world) if world.deployment is not None else ()


def _foreign(world: World) -> tuple[str, str] | None:
    """Kind and name of somebody else's object that has the name of one of ours."""
    uid = world.revision["metadata"]["uid"]
    for kind, child in (("Deployment", world.deployment), ("PodAutoscaler", world.autoscaler)):
        if child is not None and (controller_of(child) or {}).get("uid") != uid:
            return kind, str(child["metadata"]["name"])
    return None


def not_owned(kind: str, name: str) -> str:
    """Source: knative/serving pkg/apis/serving/v1/revision_lifecycle.go, ResourceNotOwnedMessage."""
    return f'There is an existing {kind} "{name}" that we do not own.'


def digest_conditions(world: World) -> tuple[Condition, Condition] | None:
    """(ContainerHealthy, ResourcesAvailable) while an image is not resolved; None when all are.

    | an image's digest | ContainerHealthy        | ResourcesAvailable        |
    |-------------------|-------------------------|---------------------------|
    | not asked yet     | Unknown, ResolvingDigests | Unknown, ResolvingDigests |
    | cannot be had     | False, ContainerMissing | Unknown, Deploying        |

    Source: knative/serving pkg/reconciler/revision/background.go; pkg/apis/serving/v1/revision_lifecycle.go,
    RevisionContainerMissingMessage.
    """
    for image, answer in world.digests.items():
        if isinstance(answer, Unresolvable):
            text = f'Unable to fetch image "{image}": failed to resolve image to digest: {answer.message}'
            missing = Condition("ContainerHealthy", "False", "ContainerMissing", text)
            return missing, Condition("ResourcesAvailable", "Unknown", DEPLOYING)
    if any(answer is None for answer in world.digests.values()):
        return (
            Condition("ContainerHealthy", "Unknown", "ResolvingDigests"),
            Condition("ResourcesAvailable", "Unknown", "ResolvingDigests"),
        )
    return None


def health(world: World) -> tuple[Condition, Condition]:
    """(ContainerHealthy, ResourcesAvailable), the first row that fits.

    | pods, Deployment, PodAutoscaler                | ContainerHealthy   | ResourcesAvailable              |
    |------------------------------------------------|--------------------|---------------------------------|
    | no Deployment yet                              | Unknown, Deploying | Unknown, Deploying              |
    | a pod that cannot be scheduled                 | Unknown, Deploying | False, the pod's reason         |
    | the app ended and no pod serves                | False, ExitCodeN   | as the Deployment says          |
    | the Deployment failed, a container waits       | Unknown, Deploying | False, the container's reason   |
    | the Deployment failed                          | Unknown, Deploying | False, the Deployment's reason  |
    | the first pods were never ready, and given up  | Unknown, Deploying | False, ProgressDeadlineExceeded |
    | the wanted first pods were ready once          | True               | True                            |
    | else                                           | Unknown, Deploying | Unknown, Deploying              |

    Once both are True they stay True while the revision is scaled to zero.
    Source: knative/serving pkg/apis/serving/v1/revision_lifecycle.go, PropagateAutoscalerStatus.
    """
    deploying = Condition("ContainerHealthy", "Unknown", DEPLOYING)
    waiting = Condition("ResourcesAvailable", "Unknown", DEPLOYING)
    if world.deployment is None:
        return deploying, waiting
    failed = deployment_failure(world.deployment)
    pod_health, pod_resources = _first_pod(world, timed_out=failed is not None)
    if pod_resources is not None:
        return pod_health or deploying, pod_resources
    if pod_health is not None:
        return pod_health, failed or waiting
    if failed is not None:
        return deploying, failed
    initialized = condition(world.autoscaler, "ScaleTargetInitialized") or {}
    scaled = condition(world.autoscaler, "Ready") or {}
    if initialized.get("status") == "True":
        return Condition("ContainerHealthy", "True"), Condition("ResourcesAvailable", "True")
    named = ((world.autoscaler or {}).get("status") or {}).get("serviceName")
    if (scaled.get("status"), scaled.get("reason")) == ("False", "TimedOut") and named:
        text = "Initial scale was never achieved"
        return deploying, Condition("ResourcesAvailable", "False", "ProgressDeadlineExceeded", text)
    return deploying, waiting


def deployment_failure(deployment: Json) -> Condition | None:
    """ResourcesAvailable False when the Deployment reports that it cannot go on.

    Source: knative/serving pkg/apis/serving/k8s_lifecycle.go, TransformDeploymentStatus.
    """
    for kind, bad in (("ReplicaFailure", "True"), ("Progressing", "False")):
        row = condition(deployment, kind)
        if row is not None and row["status"] == bad:
            return Condition("ResourcesAvailable", "False", row.get("reason", ""), row.get("message", ""))
    return None


def _first_pod(world: World, *, timed_out: bool) -> tuple[Condition | None, Condition | None]:
    """What the first pod says, when pods are wanted and none is available.

    Source: knative/serving pkg/reconciler/revision/reconcile_resources.go, reconcileDeployment.
    """
    assert world.deployment is not None, "asked only when it exists"
    wanted = (world.deployment.get("spec") or {}).get("replicas", 1)
    available = (world.deployment.get("status") or {}).get("availableReplicas") or 0
    if not wanted or available or not world.pods:
        return None, None
    pod = world.pods[0]
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        reason, message = scheduled.get("reason", ""), scheduled.get("message", "")
        return None, Condition("ResourcesAvailable", "False", reason, message)
    name = serving_container(world.revision["spec"]).get("name")
    for row in (pod.get("status") or {}).get("containerStatuses") or ():
        if row.get("name") == name:
            return _container_health(row, timed_out=timed_out)
    return None, None


def _container_health(row: Json, *, timed_out: bool) -> tuple[Condition | None, Condition | None]:
    """Source: revision_lifecycle.go, ExitCodeReason and RevisionContainerExitingMessage."""
    ended = (row.get("lastState") or {}).get("terminated")
    if ended:
        text = f"Container failed with: {ended.get('message', '')}"
        return Condition("ContainerHealthy", "False", f"ExitCode{ended.get('exitCode', 0)}", text), None
    waits = (row.get("state") or {}).get("waiting")
    if waits and timed_out:
        reason, message = waits.get("reason", ""), waits.get("message", "")
        return None, Condition("ResourcesAvailable", "False", reason, message)
    return None, None


def active(autoscaler: Json | None) -> Condition:
    """Active, for information: the PodAutoscaler's Ready.

    Source: knative/serving pkg/apis/serving/v1/revision_lifecycle.go, PropagateAutoscalerStatus.
    """
    row = condition(autoscaler, "Ready")
    if row is None:
        return Condition("Active", "Unknown", DEPLOYING, severity="Info")
    return Condition("Active", row["status"], row.get("reason", ""), row.get("message", ""), "Info")


def _status(world: World, healthy: Condition, available: Condition, is_active: Condition) -> dict[str, Any]:
    parts = [is_active, healthy, available]
    conditions = sorted([*parts, ready([healthy, available])], key=lambda c: c.type)
    status: dict[str, Any] = {"conditions": [c.as_json() for c in conditions]}
    scale = (world.autoscaler or {}).get("status") or {}
    for ours, theirs in (("actualReplicas", "actualScale"), ("desiredReplicas", "desiredScale")):
        if scale.get(theirs) is not None:
            status[ours] = scale[theirs]
    for ours, theirs in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        rows = world.revision["spec"].get(theirs) or ()
        if rows or ours == "containerStatuses":
            found = [_container_status(c, world.digests.get(c.get("image", ""))) for c in rows]
            status[ours] = found
    if world.settings.log_url:
        status["logUrl"] = world.settings.log_url
    return status


def _container_status(container: Json, answer: Digest | Unresolvable | None) -> dict[str, Any]:
    row = {"name": container.get("name", "")}
    if isinstance(answer, Digest) and answer.image:
        row["imageDigest"] = answer.image
    return row


def _became_ready(world: World, status: Json) -> bool:
    was = (condition(world.revision, "Ready") or {}).get("status")
    now = next(c for c in status["conditions"] if c["type"] == "Ready")["status"]
    return bool(now == "True" and was != "True")


__all__ = ["World", "active", "deployment_failure", "deployment_name", "digest_conditions", "health", "plan"]
