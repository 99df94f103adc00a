"""ResourceQuota: its status, and the refusal of what would exceed it. Pure.

The refusal counts what is stored in this very moment, so writes that come together cannot exceed a quota.

Source: kubernetes/apiserver pkg/admission/plugin/resourcequota/controller.go (checkRequest);
pkg/controller/resourcequota/resource_quota_controller.go (syncResourceQuota).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hauberk.base.apierrors import Forbidden
from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Controller, Plan
from hauberk.kinds import BY_ID, KINDS
from hauberk.kinds.core.resourcequota import KIND, QuotaSpec
from hauberk.ports import Snapshot
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.quota.amounts import Amounts, written
from hauberk.workloads.quota.usage import COUNTED, in_scopes, kinds_of, use_of, used

_AGAIN_S = 30.0  # for counts of kinds whose changes wake nobody
_COMPUTE = ("cpu", "memory", "ephemeral-storage")
_WAKING = (*COUNTED, "Deployment.apps", "StatefulSet.apps", "Job.batch", "CronJob.batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A quota, and what its namespace uses."""

    spec: QuotaSpec
    used: Amounts


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read a quota and count."""
    raw = snapshot.get(ref)
    if raw is None:
        return None
    spec = KIND.parse(raw).spec
    return World(spec=spec, used=used(snapshot, ref.namespace, spec.hard or {}, spec.scopes))


def plan(world: World, _now: float) -> Plan:
    """The status."""
    hard = world.spec.hard or {}
    said = {name: world.used.text(name, binary=str(text).endswith("i")) for name, text in hard.items()}
    far = set(kinds_of(hard)) - set(_WAKING)
    status = {"observedGeneration": None, "hard": {k: str(v) for k, v in hard.items()}, "used": said}
    return Plan(status=status, retry_after=_AGAIN_S if far else None)


def wake(obj: Json, snapshot: Snapshot) -> Sequence[Ref]:
    """From an object to the quotas of its namespace."""
    return [ref_of(q) for q in snapshot.list(KIND.id, obj["metadata"].get("namespace", ""))]


CONTROLLER = Controller(
    name="resource-quota",
    kind=KIND.id,
    wakes={kind: wake for kind in _WAKING if kind != KIND.id},
    observe=observe,
    plan=plan,
)
"""The status of a quota."""


def admit(request: Request) -> Outcome:
    """Refuse a new object that would exceed a quota. Forbidden."""
    if request.obj is None or request.subresource or not request.namespace:
        return Outcome()
    for raw in request.snapshot.list(KIND.id, request.namespace):
        spec = KIND.parse(raw).spec
        if in_scopes(request.obj, spec.scopes):
            _check(request, raw["metadata"]["name"], spec)
    return Outcome()


def _check(request: Request, quota: str, spec: QuotaSpec) -> None:
    assert request.obj is not None, "a new object"
    hard, asked = spec.hard or {}, use_of(request.obj)
    if request.kind == "Pod":
        _refuse_silence(request, quota, hard)
    touched = [name for name in sorted(hard) if asked.values.get(name)]
    if not touched:
        return
    now = used(request.snapshot, request.namespace, {k: hard[k] for k in touched}, spec.scopes)
    over = [n for n in touched if now.values.get(n, Decimal(0)) + asked.values[n] > _number(hard[n])]
    if not over:
        return

    def listed(amounts: Amounts) -> str:
        return ",".join(f"{n}={amounts.text(n, binary=str(hard[n]).endswith('i'))}" for n in over)

    limited = ",".join(f"{n}={written(_number(hard[n]), binary=str(hard[n]).endswith('i'))}" for n in over)
    _refuse(
        request,
        f"exceeded quota: {quota}, requested: {listed(asked)}, used: {listed(now)}, limited: {limited}",
    )


def _refuse_silence(request: Request, quota: str, hard: Json) -> None:
    """A pod under a bound of CPU or memory must say what it wants, in every container.

    Source: kubernetes pkg/quota/v1/evaluator/core/pods.go, Constraints.
    """
    assert request.obj is not None, "a new object"
    spec = request.obj.get("spec") or {}
    missing: dict[str, list[str]] = {}
    for name in sorted(hard):
        section, _, resource = name.rpartition(".")
        section = section or "requests"
        if resource not in _COMPUTE or section not in ("requests", "limits"):
            continue
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            if resource not in ((container.get("resources") or {}).get(section) or {}):
                missing.setdefault(name, []).append(container["name"])
    if missing:
        text = "; ".join(f"{name} for: {','.join(sorted(who))}" for name, who in missing.items())
        _refuse(request, f"failed quota: {quota}: must specify {text}")


def _refuse(request: Request, text: str) -> None:
    assert request.obj is not None, "a new object"
    kind, name = BY_ID[request.kind], request.obj["metadata"].get("name", "")
    plural = f"{kind.plural}.{kind.group}" if kind.group else kind.plural
    raise Forbidden(f'{plural} "{name}" is forbidden: {text}', ref=ref_of(request.obj))


def _number(text: Any) -> Decimal:
    return Decimal(str(parse_quantity(str(text))))


ADMISSION = Admission(
    name="resource-quota",
    kinds=tuple(k.id for k in KINDS if k.namespaced),
    operations=("CREATE",),
    admit=admit,
)
