"""From one profile, or version, to another: what only the old one has goes, then the new one is installed.

Two meshes cannot share Knative's namespaces (each would inject its sidecar), so traffic stops between the two
steps; the caller says so before it begins. Afterwards Knative's own pods are made anew, so that they get the
sidecar of the new mesh, and Routes that lead to the old gateway are deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from hauberk.base.conditions import condition
from hauberk.base.progress import Teller
from hauberk.base.refs import Json, Ref, is_deleting, labels_of, ref_of
from hauberk.integration.differences import fetch_ours
from hauberk.integration.install import Options, install
from hauberk.integration.leftovers import MESHES as PLANES
from hauberk.integration.leftovers import ROUTE_LABEL
from hauberk.integration.model import EVENTING, SERVING, Integration, Profile
from hauberk.integration.plan import Change, removal_of, surplus
from hauberk.integration.preflight.rows import Row
from hauberk.integration.removal import remove
from hauberk.integration.stages import Ready, Stage, objects_of
from hauberk.integration.waiting import until, wait_until_ready
from hauberk.kubeclient import Kube, explained

ROUTE = "Route.route.openshift.io"
SIDECAR = "istio-proxy"
OF_THE_OLD_MESH = ("no other mesh in the way", "the mesh comes before Serving")
ROUTES_WITHIN_S = 60.0
DEPLOYMENTS_WITHIN_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What an upgrade will do, in order. `before`: the control plane that is there; empty when none is."""

    before: Profile | str
    after: Profile
    removals: tuple[Change, ...]

    @property
    def changes_mesh(self) -> bool:
        """Whether the control plane is another kind: traffic stops while it is exchanged."""
        return bool(self.before) and (self.before == "sm2") != (self.after == "sm2")

    @property
    def removes_mesh(self) -> bool:
        """Whether the old control plane goes; one that was there before the first install stays."""
        planes = [c for c in self.removals if c.ref.kind in PLANES]
        return self.changes_mesh and all(c.action == "delete" for c in planes)


def plan_upgrade(integration: Integration, stages: Sequence[Stage], ours: Sequence[Json]) -> Upgrade:
    """What goes before the new stages are applied: all that only the old ones had, namespaces excepted."""
    left = [obj for obj in surplus(stages, ours) if obj["kind"] != "Namespace"]
    removals = tuple(removal_of(obj, "") for obj in left)
    return Upgrade(before=profile_of(ours), after=integration.profile, removals=removals)


def profile_of(ours: Sequence[Json]) -> Profile | str:
    """Whose control plane `install` applied; `sail` for both profiles of the Sail operator."""
    kinds = {ref_of(obj).kind for obj in ours}
    if "ServiceMeshControlPlane.maistra.io" in kinds:
        return "sm2"
    return "sail" if "Istio.sailoperator.io" in kinds else ""


def stale_routes(routes: Sequence[Json], services: Collection[Ref], gateway: str) -> tuple[Json, ...]:
    """Routes of Knative outside the gateway's namespace whose Service is gone.

    | namespace        | its Service | stale                                    |
    |------------------|-------------|------------------------------------------|
    | the gateway's    | -           | no                                       |
    | another          | there       | no: another gateway may still serve it   |
    | another          | gone        | yes: its host stays claimed              |

    Source: openshift-knative/serverless-operator hack/migrate-mesh-routes.sh.
    """
    return tuple(
        route
        for route in routes
        if ROUTE_LABEL in labels_of(route)
        and route["metadata"]["namespace"] != gateway
        and Ref("Service", route["metadata"]["namespace"], route["spec"]["to"]["name"]) not in services
    )


def is_admitted(route: Json) -> bool:
    """Whether a router serves the Route."""
    ingresses = (route.get("status") or {}).get("ingress") or ()
    return any((condition({"status": i}, "Admitted") or {}).get("status") == "True" for i in ingresses)


def has_sidecar(pod: Json) -> bool:
    """Whether a proxy of a mesh runs in the pod."""
    spec = pod.get("spec") or {}
    rows = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return any(row["name"] == SIDECAR for row in rows) and not is_deleting(pod)


def rows_that_count(upgrade: Upgrade, rows: Sequence[Row]) -> tuple[Row, ...]:
    """The preflight's rows without those that say only that the mesh to be exchanged is there."""
    return tuple(row for row in rows if not (upgrade.removes_mesh and row.title in OF_THE_OLD_MESH))


def older_than(plane: Json | None, pods: Sequence[Json]) -> tuple[Json, ...]:
    """Pods made before the control plane was: their sidecar is of a mesh that is gone."""
    since = (plane or {"metadata": {}})["metadata"].get("creationTimestamp", "")
    return tuple(pod for pod in pods if str(pod["metadata"].get("creationTimestamp", "")) < since)


async def upgrade(
    kube: Kube,
    integration: Integration,
    stages: Sequence[Stage],
    tell: Teller,
    options: Options,
    *,
    secrets: dict[Ref, Json] | None = None,
) -> tuple[tuple[Change, ...], tuple[Ref, ...]]:
    """Do it: what was done, and the pods of members that still have the old mesh's sidecar.

    Raises Problem at the first thing that fails; calling it again goes on.
    """
    ours = await fetch_ours(kube)
    planned = plan_upgrade(integration, stages, ours)
    live = {ref_of(obj): obj for obj in ours}
    done = [await remove(kube, change, live[change.ref], tell) for change in planned.removals]
    done += await install(kube, stages, tell, options, secrets=secrets)
    plane = await _control_plane(kube, stages)
    done += await _restart(kube, older_than(plane, await _sidecars(kube, (SERVING, EVENTING))), tell)
    done += await delete_stale_routes(kube, integration.gateway_namespace, tell)
    left = older_than(plane, await _sidecars(kube, integration.projects))
    return tuple(done), tuple(ref_of(pod) for pod in left)


async def delete_stale_routes(kube: Kube, gateway: str, tell: Teller) -> tuple[Change, ...]:
    """Delete the Routes that lead to a gateway that is gone, and wait until their hosts are served again."""
    if not await kube.knows(ROUTE):
        return ()
    with explained("list Routes"):
        routes = await kube.list(ROUTE, labels=ROUTE_LABEL)
    named = {Ref("Service", r["metadata"]["namespace"], r["spec"]["to"]["name"]) for r in routes}
    there = {ref for ref in named if await kube.find(ref) is not None}
    stale = stale_routes(routes, there, gateway)
    note = "its Service is gone, and its host stays claimed"
    done = [
        await remove(kube, Change(stage="routes", ref=ref_of(r), action="delete", note=note), r, tell)
        for r in stale
    ]
    if stale:
        await _wait_for_routes(kube, gateway, {r["spec"].get("host", "") for r in stale}, tell)
    return tuple(done)


async def _wait_for_routes(kube: Kube, gateway: str, hosts: set[str], tell: Teller) -> None:
    missing = set(hosts)

    async def served() -> bool:
        with explained("list Routes"):
            routes = await kube.list(ROUTE, gateway, ROUTE_LABEL)
        missing.difference_update(r["spec"].get("host", "") for r in routes if is_admitted(r))
        return not missing

    tell.start(f"Routes in {gateway} take over {len(hosts)} hosts")
    if await until(served, ROUTES_WITHIN_S):
        tell.done()
    else:  # the ingress controller will do it: no reason to call the upgrade failed
        tell.done(f"not yet: {', '.join(sorted(missing)[:3])}")


async def _control_plane(kube: Kube, stages: Sequence[Stage]) -> Json | None:
    wanted = [ref_of(obj) for obj in objects_of(stages) if ref_of(obj).kind in PLANES]
    with explained("read the control plane"):
        return await kube.find(wanted[0]) if wanted else None


async def _sidecars(kube: Kube, namespaces: Sequence[str]) -> tuple[Json, ...]:
    with explained("list pods"):
        found = [pod for ns in dict.fromkeys(namespaces) for pod in await kube.list("Pod", ns)]
    return tuple(pod for pod in found if has_sidecar(pod))


async def _restart(kube: Kube, pods: Sequence[Json], tell: Teller) -> tuple[Change, ...]:
    """Delete pods that have the old mesh's sidecar, and wait for their Deployments."""
    note = "had the sidecar of the mesh before"
    done = [
        await remove(kube, Change(stage="restart", ref=ref_of(p), action="delete", note=note), p, tell)
        for p in pods
    ]
    for namespace in sorted({p["metadata"]["namespace"] for p in pods}):
        with explained("list Deployments"):
            deployments = await kube.list("Deployment.apps", namespace)
        for deployment in deployments:
            wanted = Ready(ref=ref_of(deployment), condition="available", within_s=DEPLOYMENTS_WITHIN_S)
            await wait_until_ready(kube, wanted, tell)
    return tuple(done)
