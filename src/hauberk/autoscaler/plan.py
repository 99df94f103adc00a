"""PodAutoscaler → ServerlessService, Metric and the Deployment's size. Pure.

Source: knative/serving pkg/reconciler/autoscaling/kpa/{kpa,scaler}.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hauberk.autoscaler.config import Settings, num_activators
from hauberk.autoscaler.facts import Wanted
from hauberk.autoscaler.hpa.make import make_hpa
from hauberk.autoscaler.last_pod import AskActivator, Drop, GoInactive, Idle, Keep, Phase, next_step
from hauberk.autoscaler.make import Mode, make_metric, make_scale, make_sks
from hauberk.autoscaler.pods import Counts
from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json
from hauberk.base.times import epoch
from hauberk.engine.plan import Note, Plan

UNKNOWN = -1
BUFFER_S = 10.0  # an activation may last this much longer than the Deployment's progress deadline
ASK_AGAIN_S = 1.0
NO_TRAFFIC = ("NoTraffic", "The target is not receiving traffic.")
QUEUED = ("Queued", "Requests to the target are being buffered as resources are provisioned.")
NO_PRIVATE_SERVICE = "No Private Service Name"
TIMED_OUT = ("TimedOut", "The target could not be activated.")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one PodAutoscaler may depend on."""

    autoscaler: Json
    settings: Settings
    kpa: bool = True  # False: the class that goes by CPU or memory
    hpa: Json | None = None
    deployment: Json | None = None
    sks: Json | None = None
    pods: Counts = field(default_factory=Counts)
    wanted: Wanted | None = None  # None: no data
    held: int = 0  # requests that wait for the first pod
    activator_in_path: bool = False
    foreign_sks: bool = False  # somebody else's ServerlessService has the name


@dataclass(frozen=True, slots=True)
class Scale:
    """`want` is what the status and the mode go by, `apply` what the Deployment gets (None: as it is)."""

    want: int
    apply: int | None
    retry_after: float | None = None


def plan(world: World, now: float) -> Plan:
    """Decide size, mode and status."""
    if world.foreign_sks:
        name = world.autoscaler["metadata"]["name"]
        text = f'There is an existing ServerlessService "{name}" that we do not own.'
        rows = [Condition("Active", "False", "NotOwned", text), _sks_ready(None), _initialized(world)]
        said = Note("InternalError", f"error reconciling SKS: PA: {name} does not own SKS: {name}", "Warning")
        return Plan(status={"conditions": [c.as_json() for c in (*rows, ready(rows))]}, notes=(said,))
    if not world.kpa:
        return _by_resources(world)
    scale = decide_scale(world, now)
    mode = choose_mode(world, scale.want)
    sks = make_sks(world.autoscaler, mode, num_activators(world.settings, world.pods.ready))
    resize = scale.apply is not None and world.deployment is not None
    others = (make_scale(world.autoscaler, scale.apply),) if resize and scale.apply is not None else ()
    return Plan(
        children=(sks, make_metric(world.autoscaler, world.settings)),
        others=others,
        status=_status(world, scale),
        retry_after=scale.retry_after,
    )


def _by_resources(world: World) -> Plan:
    """The class that leaves the pods to a HorizontalPodAutoscaler: never to zero, never by the activator.

    Source: pkg/reconciler/autoscaling/hpa/hpa.go, ReconcileKind.
    """
    backed = _sks_ready(world.sks)
    begun = is_initialized(world) or backed.status == "True"
    rows = (Condition("Active", "True"), Condition("ScaleTargetInitialized", "True" if begun else "Unknown"))
    seen = (world.hpa or {}).get("status") or {}
    status = _named({"conditions": [c.as_json() for c in (*rows, ready([*rows, backed]), backed)]}, world.sks)
    for ours, theirs in (("desiredScale", "desiredReplicas"), ("actualScale", "currentReplicas")):
        if theirs in seen:
            status[ours] = seen[theirs]
    hpa = make_hpa(world.autoscaler, world.settings)
    return Plan(children=(make_sks(world.autoscaler, "Serve", 0), hpa), status=status)


def _named(status: dict[str, Any], sks: Json | None) -> dict[str, Any]:
    """The status with the names of the revision's Services."""
    found = (sks or {}).get("status") or {}
    for ours, theirs in (("metricsServiceName", "privateServiceName"), ("serviceName", "serviceName")):
        if found.get(theirs):
            status[ours] = found[theirs]
    return status


def _phase(world: World, now: float) -> tuple[Phase, float]:
    """Active's state and its age in seconds."""
    row = condition(world.autoscaler, "Active")
    names: dict[str, Phase] = {"True": "active", "False": "inactive"}
    phase = names.get(row["status"], "activating") if row else "activating"
    since = (row or {}).get("lastTransitionTime") or world.autoscaler["metadata"].get("creationTimestamp")
    return phase, max(0.0, now - epoch(since)) if since else 0.0


def is_initialized(world: World) -> bool:
    """Whether the first pods were ready once."""
    row = condition(world.autoscaler, "ScaleTargetInitialized")
    return row is not None and row["status"] == "True"


def demand(world: World) -> int:
    """Pods wanted by measurement and by requests that wait; UNKNOWN without either.

    A request that waits for a revision without pods counts at once: nobody waits for the next measurement.
    """
    wanted = world.wanted.pods if world.wanted else UNKNOWN
    if world.held and not world.pods.ready:
        first = math.ceil(world.held / world.settings.spec.target)
        return max(wanted, first, world.settings.spec.activation_scale)
    return max(wanted, 1) if world.held else wanted


def decide_scale(world: World, now: float) -> Scale:
    """The Deployment's size.

    | demand             | state       | want                     | the Deployment gets      |
    |--------------------|-------------|--------------------------|--------------------------|
    | unknown            | not activating | unknown               | nothing                  |
    | > 0 after bounds   | any         | it                       | it                       |
    | 0 after bounds     | any         | what `next_step` says    | what `next_step` says    |

    Source: pkg/reconciler/autoscaling/kpa/scaler.go, scaler.scale.
    """
    phase, age = _phase(world, now)
    wanted = demand(world)
    if wanted < 0 and phase != "activating":
        return Scale(UNKNOWN, None)
    pods = bounded(world, wanted)
    if pods > 0:
        return Scale(pods, pods)
    return _idle(world, phase, age, now)


def bounded(world: World, pods: int) -> int:
    """Within min, max and, until the first pods were ready, the initial scale."""
    s = world.settings
    least = s.min_scale if is_initialized(world) else max(s.min_scale, s.initial_scale)
    most = s.max_scale or max(pods, least)
    return max(0, least, min(pods, max(most, least)))


def _idle(world: World, phase: Phase, age: float, now: float) -> Scale:
    settings = world.settings
    step = next_step(
        Idle(
            allowed=settings.scale_to_zero,
            phase=phase,
            phase_age=age,
            activation_timeout=_deadline_s(world) + BUFFER_S,
            stable_window=settings.spec.stable_window,
            grace=settings.grace_s,
            retention=settings.retention_s,
            proxied_for=_proxied_s(world, now),
            activator_answers=world.activator_in_path,
        )
    )
    match step:
        case Drop():
            return Scale(0, 0)
        case GoInactive():
            return Scale(0, None, ASK_AGAIN_S)
        case AskActivator():
            return Scale(0, None, ASK_AGAIN_S)
        case Keep(None):
            return Scale(1, 1)
        case Keep(seconds):
            if phase == "activating":
                return Scale(UNKNOWN, None, seconds)
            return Scale(1, 1, seconds) if phase == "active" else Scale(0, None, seconds)


def _deadline_s(world: World) -> float:
    return float(((world.deployment or {}).get("spec") or {}).get("progressDeadlineSeconds") or 600)


def _proxied_s(world: World, now: float) -> float:
    row = condition(world.sks, "ActivatorEndpointsPopulated")
    if row is None or row["status"] != "True":
        return 0.0
    return max(0.0, now - epoch(row["lastTransitionTime"])) if row.get("lastTransitionTime") else 0.0


def choose_mode(world: World, want: int) -> Mode:
    """Whether the activator is in the path.

    | wanted pods | excess burst capacity | mode            |
    |-------------|-----------------------|-----------------|
    | 0           | any                   | Proxy           |
    | any         | negative              | Proxy           |
    | unknown     | unknown               | as it is, Proxy |
    | > 0         | not negative          | Serve           |
    """
    if want == 0:
        return "Proxy"
    if world.wanted is not None:
        return "Proxy" if world.wanted.excess < 0 else "Serve"
    before = ((world.sks or {}).get("spec") or {}).get("mode")
    return "Serve" if before == "Serve" and want != UNKNOWN else "Proxy"


def _status(world: World, scale: Scale) -> dict[str, Any]:
    initialized = _initialized(world)
    active = active_condition(world, scale.want)
    backed = _sks_ready(world.sks)
    status: dict[str, Any] = {
        "conditions": [
            c.as_json() for c in (active, ready([active, initialized, backed]), backed, initialized)
        ],
        "actualScale": world.pods.ready,
    }
    if scale.want != UNKNOWN:
        status["desiredScale"] = scale.want
    elif ((world.autoscaler.get("status") or {}).get("desiredScale")) is not None:
        status["desiredScale"] = world.autoscaler["status"]["desiredScale"]
    return _named(status, world.sks)


def _min_ready(world: World) -> int:
    """Ready pods that make the revision active.

    Source: pkg/reconciler/autoscaling/kpa/kpa.go, activeThreshold.
    """
    s = world.settings
    least = s.min_scale if is_initialized(world) else max(s.min_scale, s.initial_scale)
    if s.max_scale:
        least = min(least, s.max_scale)
    return least if not is_initialized(world) else max(1, least)


def _initialized(world: World) -> Condition:
    named = bool(((world.sks or {}).get("status") or {}).get("serviceName"))
    if is_initialized(world) or (world.pods.ready >= _min_ready(world) and named):
        return Condition("ScaleTargetInitialized", "True")
    return Condition("ScaleTargetInitialized", "Unknown")


def active_condition(world: World, want: int) -> Condition:
    """Active, by the first row that fits.

    | want    | ready pods       | Active now | Active           |
    |---------|------------------|------------|------------------|
    | 0       | any              | Unknown    | False, TimedOut  |
    | 0       | any              | else       | False, NoTraffic |
    | unknown | any              | False      | as it is         |
    | else    | fewer than least | any        | Unknown, Queued  |
    | else    | enough           | any        | True             |

    Source: pkg/reconciler/autoscaling/kpa/kpa.go, computeActiveCondition.
    """
    row = condition(world.autoscaler, "Active")
    before = row["status"] if row else "Unknown"
    least = _min_ready(world)
    if want == 0 or least == 0:
        gave_up = before == "Unknown" and least > 0 and row is not None
        return Condition("Active", "False", *(TIMED_OUT if gave_up else NO_TRAFFIC))
    if want == UNKNOWN and before == "False":
        return Condition("Active", "False", *_kept(row))
    if world.pods.ready < least:
        return Condition("Active", "Unknown", *QUEUED)
    return Condition("Active", "True")


def _kept(row: Json | None) -> tuple[str, str]:
    return (row.get("reason", ""), row.get("message", "")) if row else NO_TRAFFIC


def _sks_ready(sks: Json | None) -> Condition:
    """Source: pkg/reconciler/autoscaling/kpa/kpa.go, ReconcileKind; pa_lifecycle.go, MarkSKSNotReady."""
    row = condition(sks, "Ready") or {}
    if row.get("status") == "True":
        return Condition("SKSReady", "True")
    named = ((sks or {}).get("status") or {}).get("privateServiceName")
    message = row.get("message", "") if named else NO_PRIVATE_SERVICE
    return Condition("SKSReady", "Unknown", "NotReady", message)
