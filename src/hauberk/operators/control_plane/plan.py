"""From one ServiceMeshControlPlane to its children and its status. Pure.

Source: maistra/istio-operator pkg/controller/servicemesh/controlplane/{controller,reconciler,readiness}.go.
Deviation: mTLS objects that somebody deletes are made again at once; upstream with the next change of the
control plane's resource.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, is_true
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.engine.plan import Note, Plan
from hauberk.kinds.maistra.control_plane import DEFAULT_VERSION, KIND
from hauberk.operators.control_plane.gateways import make_gateway, workloads
from hauberk.operators.control_plane.make import (
    DISCOVERY,
    MESH_CONFIG,
    common_labels,
    make_config_maps,
    make_istiod,
    make_mtls,
)
from hauberk.operators.mesh_settings import PROFILES, settings_of
from hauberk.operators.names import SMCP_CHARTS
from hauberk.operators.objects import is_available

ADDONS = "grafana, jaeger, kiali, prometheus"
OPERATOR_VERSION = "2.6.6"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one control plane may depend on."""

    smcp: Json
    first: Json  # the oldest control plane of the namespace; only that one is installed
    deployments: Mapping[str, Json]  # by name, of the control plane's namespace
    stored: Mapping[Ref, Json] = field(default_factory=dict)  # the mTLS objects as they stand


def plan(world: World, now: float) -> Plan:  # noqa: ARG001
    """Decide what one mesh consists of and how far it is."""
    problem = _refusal(world)
    if problem:
        return Plan(status=_failed(world.smcp, problem), notes=(Note("Installing", problem, "Warning"),))
    mesh = settings_of(world.smcp)
    spec = KIND.parse(world.smcp).spec
    version = spec.version or DEFAULT_VERSION
    common = common_labels(mesh, SMCP_CHARTS[version])
    gateways = tuple(workloads(spec))
    wanted = tuple(make_mtls(mesh, common))
    children = [
        *make_config_maps(mesh, common),
        *(kept(world, version, obj) for obj in wanted),
        *make_istiod(mesh, common),
        *(obj for gateway in gateways for obj in make_gateway(gateway, mesh, common)),
    ]
    parts = [(DISCOVERY, f"istiod-{mesh.name}"), *((g.component, g.name) for g in gateways)]
    status = _status(world, version, spec.profiles, parts)
    ready = next(row for row in status["conditions"] if row["type"] == "Ready")
    note = (
        Note("Ready", ready["message"]) if ready["status"] == "True" else Note("NotReady", ready["message"])
    )
    return Plan(children=tuple(children), status=status, notes=(note, *overruled(world, version, wanted)))


def is_settled(smcp: Json, version: str) -> bool:
    """Whether the control plane was carried out as its resource stands."""
    done = f"{SMCP_CHARTS[version]}-{smcp['metadata'].get('generation', 1)}"
    status = smcp.get("status") or {}
    return is_true(smcp, "Reconciled") and status.get("reconciledVersion") == done


def kept(world: World, version: str, child: Json) -> Json:
    """An mTLS object with the spec that it was given by hand: that counts until the control plane changes.

    Source: controller.go, isFullyReconciled and its watches: only workloads are looked after in between.
    """
    stored = world.stored.get(ref_of(child))
    if stored is None or not is_settled(world.smcp, version):
        return child
    return {**child, "spec": stored.get("spec") or {}}


def overruled(world: World, version: str, wanted: tuple[Json, ...]) -> Iterator[Note]:
    """What to say of mTLS objects that say something else than the control plane."""
    for child in wanted:
        stored = world.stored.get(ref_of(child))
        if stored is not None and is_settled(world.smcp, version) and stored.get("spec") != child["spec"]:
            text = f"{ref_of(child)} was changed by hand and counts until this resource changes"
            yield Note("Overruled", f"{text}; then spec.security.dataPlane.mtls counts again", "Warning")


def _refusal(world: World) -> str:
    """Why this control plane is not installed, or an empty text."""
    if world.first["metadata"]["uid"] != world.smcp["metadata"]["uid"]:
        return "only one service mesh may be installed per project/namespace"
    spec = KIND.parse(world.smcp).spec
    for profile in spec.profiles:
        if profile not in PROFILES:
            return (
                f"could not apply profile {profile!r}: there is no such profile; known: {', '.join(PROFILES)}"
            )
    version = spec.version or DEFAULT_VERSION
    if version not in SMCP_CHARTS:
        return f"Only '{list(SMCP_CHARTS)}' versions are supported"
    return ""


def _failed(smcp: Json, message: str) -> dict[str, Any]:
    conditions = [
        Condition("Installed", "False", "InstallError", message),
        Condition("Reconciled", "False", "ReconcileError", message),
        Condition("Ready", "False", "ReconcileError", message),
    ]
    profiles = list((smcp.get("spec") or {}).get("profiles") or ())
    return {
        "appliedSpec": {"profiles": profiles},
        "annotations": {"readyComponentCount": "0/0"},
        "conditions": [c.as_json() for c in conditions],
        "readiness": {"components": {"pending": [], "ready": [], "unready": []}},
    }


def _status(
    world: World, version: str, profiles: tuple[str, ...], parts: list[tuple[str, str]]
) -> dict[str, Any]:
    unready, pending = set[str](), set[str]()
    for component, deployment in parts:
        found = world.deployments.get(deployment)
        if found is None:
            pending.add(component)
        elif not is_available(found):
            unready.add(component)
    unready -= pending
    every = {MESH_CONFIG, *(component for component, _ in parts)}
    ready = every - pending - unready
    chart = SMCP_CHARTS[version]
    generation = world.smcp["metadata"].get("generation", 1)
    return {
        "annotations": {
            "readyComponentCount": f"{len(ready)}/{len(every)}",
            "hauberk.dev/not-on-the-embedded-cluster": ADDONS,
        },
        "appliedSpec": {"profiles": list(profiles), "version": version},
        "chartVersion": chart,
        "operatorVersion": OPERATOR_VERSION,
        "reconciledVersion": f"{chart}-{generation}",
        "conditions": [c.as_json() for c in _conditions(sorted(pending | unready), generation > 1, chart)],
        "readiness": {
            "components": {"pending": sorted(pending), "ready": sorted(ready), "unready": sorted(unready)}
        },
    }


def _conditions(waiting: list[str], updating: bool, chart: str) -> list[Condition]:
    """Fold components into upstream's three conditions.

    | components      | Installed            | Reconciled                 | Ready                     |
    |-----------------|----------------------|----------------------------|---------------------------|
    | all ready       | True                 | True, Install/UpdateSucc.  | True, ComponentsReady     |
    | some not, new   | False, PausingInstall| False, PausingInstall      | False, ComponentsNotReady |
    | some not, later | True                 | False, PausingUpdate       | False, ComponentsNotReady |
    """
    if not waiting:
        text = f"Successfully {'updated to' if updating else 'installed'} version {chart}"
        return [
            Condition("Installed", "True", "InstallSuccessful", "Successfully installed all mesh components"),
            Condition("Reconciled", "True", "UpdateSuccessful" if updating else "InstallSuccessful", text),
            Condition(
                "Ready",
                "True",
                "ComponentsReady",
                f"All component deployments are Available. Not on the embedded cluster: {ADDONS}",
            ),
        ]
    paused = f"Paused until the following components become ready: [{' '.join(waiting)}]"
    reason = "PausingUpdate" if updating else "PausingInstall"
    installed = (
        Condition("Installed", "True", "InstallSuccessful", "Successfully installed all mesh components")
        if updating
        else Condition("Installed", "False", reason, paused)
    )
    unavailable = f"Some components are not fully available: {' '.join(waiting)}"
    return [
        installed,
        Condition("Reconciled", "False", reason, paused),
        Condition("Ready", "False", "ComponentsNotReady", unavailable),
    ]
