"""Carrying out the stages: in order, idempotent, to be begun again after any interruption.

Nothing is remembered outside the cluster. Each object is applied (server-side, manager `hauberk`), which
changes nothing where it is already so; each stage is waited for before the next begins; the first problem
ends it. What an earlier `install` applied and the stages no longer have is removed at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.integration import marks
from hauberk.integration.differences import fetch_ours
from hauberk.integration.leftovers import MESHES
from hauberk.integration.plan import Action, Change, removal_of, short, surplus
from hauberk.integration.removal import remove
from hauberk.integration.stages import Ready, Stage
from hauberk.integration.waiting import until, wait_until_gone, wait_until_ready
from hauberk.kubeclient import Kube, explained, problem_of

NOT_CALLED = "failed calling webhook"
WEBHOOK_S = 30.0
GONE_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to install. `within_s` replaces every stage's own deadline when it is not zero."""

    force: bool = False
    prune: bool = True
    within_s: float = 0


async def install(
    kube: Kube,
    stages: Sequence[Stage],
    tell: Teller,
    options: Options | None = None,
    *,
    secrets: Mapping[Ref, Json] | None = None,
) -> tuple[Change, ...]:
    """Do it, and say what was done. `secrets`: the Secrets that the stages name, with their keys.

    Raises Problem at the first thing that cannot be applied or is not ready in time; calling it again goes
    on there.
    """
    options = options or Options()
    left = await _left(kube, stages) if options.prune else ()
    check_same_mesh(left)
    done: list[Change] = []
    for stage in stages:
        made = await _secrets(kube, stage, secrets or {})
        done += [await _apply(kube, stage, obj, tell, options) for obj in (*made, *stage.objects)]
        for wanted in stage.ready:
            await wait_until_ready(kube, _with_deadline(wanted, options), tell)
    done += [await remove(kube, removal_of(o, "hauberk.yaml no longer has it"), o, tell) for o in left]
    return tuple(done)


def check_same_mesh(left: Sequence[Json]) -> None:
    """Refuse to remove a control plane by the way: that is an upgrade. Raises Problem."""
    planes = [ref_of(obj) for obj in left if ref_of(obj).kind in MESHES]
    if planes:
        raise Problem(
            f"the cluster has the integration with another mesh: {planes[0]}",
            wanted="the mesh that hauberk.yaml names, or none",
            found=f"{planes[0]}, applied by an earlier `hauberk install`",
            fix="hauberk upgrade, which exchanges it; or see that the file and the cluster belong together",
        )


def outcome(live: Json | None, after: Json) -> Action:
    """What applying did, by the objects before and after.

    | before | resourceVersion | content | outcome |
    |--------|-----------------|---------|---------|
    | none   | -               | -       | create  |
    | there  | the same        | -       | none    |
    | there  | another         | alike   | none    |
    | there  | another         | other   | change  |
    """
    if live is None:
        return "create"
    if live["metadata"].get("resourceVersion") == after["metadata"].get("resourceVersion"):
        return "none"
    return "none" if marks.wanted_part(live) == marks.wanted_part(after) else "change"


WORDS: Mapping[Action, str] = {"create": "created", "change": "changed", "none": "as it was"}


async def _apply(kube: Kube, stage: Stage, obj: Json, tell: Teller, options: Options) -> Change:
    ref = ref_of(obj)
    tell.start(short(ref))
    try:
        live = await _settled(kube, obj)
        after = await _applied(kube, marks.marked(obj, stage.name, live), options)
    except ApiError as error:
        tell.failed(f"{error.code} {error.reason}")
        raise problem_of(error, f"apply {ref}", ref) from error
    except Problem as problem:
        tell.failed(problem.what)
        raise
    did = outcome(live, after)
    tell.done(WORDS[did])
    return Change(stage=stage.name, ref=ref, action=did)


async def _left(kube: Kube, stages: Sequence[Stage]) -> tuple[Json, ...]:
    """What an earlier install applied and the stages do not have."""
    with explained("see what is installed"):
        return surplus(stages, await fetch_ours(kube))


async def _settled(kube: Kube, obj: Json) -> Json | None:
    """What is there under the object's name; one that is being deleted is waited for to be gone."""
    live = await kube.find_as(obj)
    if live is None or not is_deleting(live):
        return live
    await wait_until_gone(kube, ref_of(obj), GONE_S, uid=live["metadata"].get("uid", ""))
    return await kube.find_as(obj)


async def _applied(kube: Kube, wanted: Json, options: Options) -> Json:
    """Apply; a webhook that cannot be called yet is waited for, as an operator brings it with its kinds."""
    answer: list[Json] = []
    refused: list[ApiError] = []

    async def once() -> bool:
        try:
            answer.append(await kube.apply(wanted, force=options.force))
        except ApiError as error:
            if NOT_CALLED not in error.message:
                raise
            refused.append(error)
        return bool(answer)

    if not await until(once, min(WEBHOOK_S, options.within_s or WEBHOOK_S)):
        raise refused[-1]
    return answer[0]


async def _secrets(kube: Kube, stage: Stage, secrets: Mapping[Ref, Json]) -> tuple[Json, ...]:
    """The stage's Secrets that we make; others must be in the cluster already."""
    made = []
    for ref in stage.secrets:
        if ref in secrets:
            made.append(secrets[ref])
        elif await kube.find(ref) is None:
            raise Problem(
                f"{ref} is not there",
                wanted="the Secret with the certificate and its key, in the namespace of the gateway's pods",
                found="neither in the cluster nor in files beside hauberk.yaml",
                fix="hauberk certs create -f hauberk.yaml, then run the same command again",
            )
    return tuple(made)


def _with_deadline(wanted: Ready, options: Options) -> Ready:
    return replace(wanted, within_s=options.within_s) if options.within_s else wanted
