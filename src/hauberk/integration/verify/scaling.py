"""The rows in which pods come and go while requests are sent."""

from __future__ import annotations

import time

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json
from hauberk.integration.verify import services
from hauberk.integration.verify.clients import Show
from hauberk.integration.verify.judges import judge_external, judge_load
from hauberk.integration.verify.load import Load, under_load
from hauberk.integration.verify.make import TARGET_RPS, make_service
from hauberk.integration.verify.model import Plan, Verdict
from hauberk.integration.verify.outside import Edge, Outside, open_
from hauberk.integration.verify.polling import until
from hauberk.kubeclient import Kube

BUSY_PER_S = 2.5 * TARGET_RPS
QUIET_PER_S = 0.2 * TARGET_RPS


async def show(kube: Kube, plan: Plan, edge: Edge, probe: Show) -> None:
    """The rows `rollout`, `scale-down` and `from-zero`."""
    async with open_(plan.host, edge) as client:
        if plan.wants("rollout") or plan.wants("scale-down"):
            async with under_load(client, BUSY_PER_S) as load:
                await probe("rollout", lambda: _rollout(kube, plan, load))
                await probe("scale-down", lambda: _scale_down(kube, plan, load))
        await probe("from-zero", lambda: _from_zero(kube, plan, client))


async def _rollout(kube: Kube, plan: Plan, load: Load) -> Verdict:
    """A second Revision takes over; the pods of the first are gone before the row ends."""
    load.per_s = BUSY_PER_S
    await services.wait_for_pods(kube, plan, lambda n: n >= 2)
    before = await _latest(kube, plan)
    load.take()
    template = make_service(plan, "second")["spec"]["template"]
    await kube.patch(services.service_ref(plan), {"spec": {"template": template}})
    after = await _other(kube, plan, before)
    if not after:
        return Verdict("fail", f"the second revision was not ready after {plan.wish.within_s:g} s")
    left = await services.wait_for_pods(kube, plan, lambda n: n == 0, revision=before)
    happened = f"{before} was replaced by {after}"
    if left is None:
        return Verdict("fail", f"{happened}, whose predecessor's pods stayed")
    return judge_load(load.take(), happened)


async def _scale_down(kube: Kube, plan: Plan, load: Load) -> Verdict:
    """Several pods become one while requests go on, more slowly."""
    load.per_s = BUSY_PER_S
    many = await services.wait_for_pods(kube, plan, lambda n: n >= 2)
    if many is None:
        return Verdict(
            "fail", f"{BUSY_PER_S:g} requests/s did not make two pods: is the autoscaler measuring?"
        )
    load.take()
    load.per_s = QUIET_PER_S
    one = await services.wait_for_pods(kube, plan, lambda n: n <= 1)
    if one is None:
        return Verdict("fail", f"{QUIET_PER_S:g} requests/s left more than one pod")
    gone = await services.wait_for_pods(kube, plan, lambda n: n <= 1, ending=True)
    happened = f"from {many} pods to {one}"
    return judge_load(load.take(), happened if gone is not None else f"{happened}, some of which stay")


async def _from_zero(kube: Kube, plan: Plan, client: Outside) -> Verdict:
    """No request until every pod ends or is gone; then one."""
    if await services.wait_for_pods(kube, plan, lambda n: n == 0) is None:
        return Verdict("fail", f"pods stay {plan.wish.within_s:g} s without a request")
    began = time.monotonic()
    verdict = judge_external(await client.get())
    return Verdict(verdict.outcome, f"{verdict.seen} after {time.monotonic() - began:.2f} s")


async def _latest(kube: Kube, plan: Plan) -> str:
    return _ready_revision(await kube.get(services.service_ref(plan)))


async def _other(kube: Kube, plan: Plan, before: str) -> str:
    """The Revision after `before`, once traffic goes there; empty when that takes too long."""

    async def latest() -> str:
        found = await kube.get(services.service_ref(plan))
        return _ready_revision(found) if is_true(found) else ""

    found, holds = await until(latest, lambda name: name not in ("", before), plan.wish.within_s)
    return found if holds else ""


def _ready_revision(service: Json) -> str:
    return str((service.get("status") or {}).get("latestReadyRevisionName", ""))
