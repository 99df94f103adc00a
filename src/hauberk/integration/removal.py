"""Removing one object as its marks allow: deleting it, or taking our fields away.

A namespace in which others have something is never deleted.
"""

from __future__ import annotations

from dataclasses import replace

from hauberk.base.apierrors import ApiError, Conflict, NotFound
from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.base.refs import Json, kind_of
from hauberk.integration import marks
from hauberk.integration.inhabitants import fetch_inhabitants, shown
from hauberk.integration.plan import Change, short
from hauberk.integration.waiting import wait_until_gone
from hauberk.kubeclient import Kube, problem_of

SLOW_KINDS = (
    "Namespace",
    "ServiceMeshControlPlane.maistra.io",
    "ServiceMeshMemberRoll.maistra.io",
    "Istio.sailoperator.io",
    "IstioCNI.sailoperator.io",
    "KnativeServing.operator.knative.dev",
    "KnativeEventing.operator.knative.dev",
    "KnativeKafka.operator.serverless.openshift.io",
)
"""Kinds whose deletion takes an operator's work: they get more time."""
SLOW_S, QUICK_S = 300.0, 60.0


async def remove(kube: Kube, change: Change, live: Json, tell: Teller, *, within_s: float = 0) -> Change:
    """Carry out a `delete` or a `release`, and wait until it is so. Raises Problem with the cause."""
    tell.start(short(change.ref))
    try:
        did = await _remove(kube, change, live, within_s)
    except ApiError as error:
        tell.failed(f"{error.code} {error.reason}")
        raise problem_of(error, f"remove {change.ref}", change.ref) from error
    except Problem as problem:
        tell.failed(problem.what)
        raise
    tell.done(did.note or ("gone" if did.action == "delete" else "given back"))
    return did


async def _remove(kube: Kube, change: Change, live: Json, within_s: float) -> Change:
    if change.action == "delete" and change.ref.kind == "Namespace":
        inside = await fetch_inhabitants(kube, change.ref.name)
        if inside:
            change = replace(change, action="release", note=f"kept: it has {shown(inside)}")
    if change.action == "release":
        if await _release(kube, live):
            return change
        return replace(change, note="nothing of it is ours")
    uid = live["metadata"].get("uid", "")
    try:
        await kube.delete(change.ref, uid=uid)
    except Conflict:
        return replace(change, action="none", note="another object has its name now: left alone")
    slow_s = SLOW_S if kind_of(live) in SLOW_KINDS else QUICK_S
    await wait_until_gone(kube, change.ref, within_s or slow_s, uid=uid)
    return change


async def _release(kube: Kube, live: Json) -> bool:
    """Take our fields away; False when none was ours. An object that went meanwhile is released."""
    if not marks.is_managed(live):
        return False
    body = marks.bare(live)
    body["metadata"]["uid"] = live["metadata"]["uid"]  # so that it is never made anew
    try:
        await kube.apply(body)
    except (NotFound, Conflict):
        return True
    return True
