"""Undoing the stages: backwards, waiting for each object, leaving nothing of ours and touching nothing else.

What `install` created is deleted; what was there before gets our fields taken away; what operators leave
behind is removed; a namespace that we created goes last, and only when nobody else has anything in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from hauberk.base.apierrors import Forbidden, MethodNotAllowed, NotFound
from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration import marks
from hauberk.integration.differences import fetch_ours
from hauberk.integration.inhabitants import shown
from hauberk.integration.leftovers import LEFTOVERS, WEBHOOKS, Places, is_orphan, webhook_services
from hauberk.integration.model import EVENTING, SERVING, Integration
from hauberk.integration.plan import Change, removal_of
from hauberk.integration.removal import remove
from hauberk.integration.stages import Stage
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import UnknownKind

AFTER = "leftovers"
USERS_KINDS = (
    "Service.serving.knative.dev",
    "DomainMapping.serving.knative.dev",
    "Broker.eventing.knative.dev",
    "Trigger.eventing.knative.dev",
    "InMemoryChannel.messaging.knative.dev",
    "KafkaChannel.messaging.knative.dev",
    "KafkaSource.sources.knative.dev",
    "KafkaSink.eventing.knative.dev",
)
"""What people make on top of the integration: without it, it stops working."""


def places_of(integration: Integration) -> Places:
    """The namespaces of an integration."""
    return Places(
        mesh=integration.mesh.namespace,
        gateway=integration.gateway_namespace,
        knative=(SERVING, EVENTING),
        members=integration.members,
    )


def plan_uninstall(stages: Sequence[Stage], ours: Sequence[Json], *, adopted: bool) -> tuple[Change, ...]:
    """What goes, in order: the last stage first, namespaces at the end.

    `ours`: every object that `install` applied. `adopted` also deletes what was there before the first
    install.
    """
    rows = (ref for stage in stages for ref in (*stage.secrets, *map(ref_of, stage.objects)))
    order = {ref: index for index, ref in enumerate(rows)}
    shared = {ref for stage in stages for ref in stage.shared}
    last = len(order)  # what the stages do not know any more goes first

    def place(obj: Json) -> tuple[bool, int, str]:
        ref = ref_of(obj)
        return ref.kind == "Namespace", -order.get(ref, last), str(ref)

    changes = []
    for obj in sorted(ours, key=place):
        change = removal_of(obj)
        if adopted and change.action == "release" and change.ref not in shared:
            change = Change(stage=change.stage, ref=change.ref, action="delete", note="it was there before")
        changes.append(change)
    return tuple(changes)


async def fetch_dependents(kube: Kube) -> tuple[Ref, ...]:
    """What people made with it that is not ours."""
    found: list[Ref] = []
    for kind in USERS_KINDS:
        if await kube.knows(kind):
            found += [ref_of(o) for o in await kube.list(kind) if not marks.is_marked(o)]
    return tuple(found)


def check_dependents(found: Sequence[Ref]) -> None:
    """Refuse to take away what services still use. Raises Problem."""
    if not found:
        return
    raise Problem(
        f"{len(found)} objects in the cluster use the integration",
        wanted="nothing that stops working when Knative and the mesh go",
        found=shown(tuple(found), 5),
        fix="delete them, or leave them there without effect: add --leave-services",
    )


async def uninstall(
    kube: Kube,
    integration: Integration,
    stages: Sequence[Stage],
    tell: Teller,
    *,
    adopted: bool = False,
    within_s: float = 0,
) -> tuple[Change, ...]:
    """Do it, and say what was done. Raises Problem at the first object that does not go; call it again."""
    ours = {ref_of(obj): obj for obj in await fetch_ours(kube)}
    planned = plan_uninstall(stages, tuple(ours.values()), adopted=adopted)
    done = [
        await remove(kube, change, ours[change.ref], tell, within_s=within_s)
        for change in planned
        if change.ref.kind != "Namespace"
    ]
    async for live, why in _leftovers(kube, places_of(integration)):
        gone = Change(stage=AFTER, ref=ref_of(live), action="delete", note=why)
        done.append(await remove(kube, gone, live, tell, within_s=within_s))
    done += [
        await remove(kube, change, ours[change.ref], tell, within_s=within_s)
        for change in planned
        if change.ref.kind == "Namespace"
    ]
    return tuple(done)


async def _leftovers(kube: Kube, places: Places) -> AsyncIterator[tuple[Json, str]]:
    for row in LEFTOVERS:
        if not await kube.knows(row.kind) or await _is_alive(kube, row.maker):
            continue
        for namespace in places.of(row.where):
            for obj in await _list(kube, row.kind, namespace):
                if row.matches(obj):
                    yield obj, row.why
    for name in WEBHOOKS:
        kind = f"{name}.admissionregistration.k8s.io"
        for obj in await _list(kube, kind):
            services = [s for s in webhook_services(obj) if await kube.find(s) is not None]
            if is_orphan(obj, places, services):
                yield obj, "nobody answers it any more, so it would refuse every write"


async def _is_alive(kube: Kube, makers: Sequence[str]) -> bool:
    """Whether what writes the leftovers is still wanted by somebody: then they are none."""
    return any([await kube.knows(kind) and bool(await kube.list(kind)) for kind in makers])


async def _list(kube: Kube, kind: str, namespace: str | None = None) -> Sequence[Json]:
    try:
        return await kube.list(kind, namespace)
    except (Forbidden, NotFound, MethodNotAllowed, UnknownKind):
        return ()
