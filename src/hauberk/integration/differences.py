"""Asking a cluster what `install` would change there; nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from hauberk.base.apierrors import ApiError, Forbidden, MethodNotAllowed, NotFound
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration import marks
from hauberk.integration.plan import Change, compare, removal_of, surplus
from hauberk.integration.stages import Stage
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import OPERATORS, Resource, UnknownKind
from hauberk.kubeclient.faults import problem_of

AT_ONCE = 8
_NOT_OURS = frozenset({"Event", "Event.events.k8s.io", "EndpointSlice.discovery.k8s.io", "Endpoints"})


async def fetch_changes(
    kube: Kube, stages: Sequence[Stage], *, secrets: Mapping[Ref, Json] | None = None, force: bool = False
) -> tuple[Change, ...]:
    """What `install` would do, in its order; at the end what it would remove."""
    changes: list[Change] = []
    for stage in stages:
        made = [(secrets or {})[ref] for ref in stage.secrets if ref in (secrets or {})]
        changes += [await _foreign_secret(kube, stage, r) for r in stage.secrets if r not in (secrets or {})]
        changes += [await _change(kube, stage, obj, force=force) for obj in (*made, *stage.objects)]
    left = surplus(stages, await fetch_ours(kube))
    return (*changes, *(removal_of(obj, "hauberk.yaml no longer has it") for obj in left))


async def fetch_ours(kube: Kube) -> tuple[Json, ...]:
    """Every object in the cluster that `install` applied and that we may see."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(row: Resource) -> Sequence[Json]:
        async with gate:
            try:
                return await kube.list(row.kind, labels=marks.STAGE)
            except (Forbidden, NotFound, MethodNotAllowed):
                return ()  # what we may not list, we did not apply either

    rows = [r for r in (await kube.kinds(fresh=True)).values() if _is_listable(r)]
    found = await asyncio.gather(*(ask(row) for row in rows))
    return tuple(obj for objects in found for obj in objects if marks.is_marked(obj))


def _is_listable(row: Resource) -> bool:
    return {"list", "delete", "patch"} <= row.verbs and row.kind not in _NOT_OURS


async def _foreign_secret(kube: Kube, stage: Stage, ref: Ref) -> Change:
    """A Secret whose files are not here: it must be in the cluster already."""
    if await kube.find(ref) is not None:
        return Change(stage=stage.name, ref=ref, action="none")
    note = "neither there nor in files: hauberk certs create"
    return Change(stage=stage.name, ref=ref, action="refused", note=note)


async def _change(kube: Kube, stage: Stage, obj: Json, *, force: bool) -> Change:
    ref = ref_of(obj)
    live = await kube.find_as(obj)
    wanted = marks.marked(obj, stage.name, live)
    try:
        after = await kube.apply(wanted, dry_run=True, force=force)
    except UnknownKind:
        brings = OPERATORS.get(ref.kind.partition(".")[2], "its operator")
        note = f"the cluster does not know the kind yet: {brings}"
        return Change(stage=stage.name, ref=ref, action="create", note=note)
    except NotFound:  # its namespace comes in an earlier stage
        return Change(stage=stage.name, ref=ref, action="create")
    except ApiError as error:
        told = problem_of(error, f"apply {ref}", ref)
        return Change(stage=stage.name, ref=ref, action="refused", note=f"{told.found}; {told.fix}")
    return compare(stage.name, wanted, live, after)
