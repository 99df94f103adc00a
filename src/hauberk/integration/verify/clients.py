"""The rows that clients inside the cluster show: each client is a pod that says what it got."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from hauberk.base.apierrors import ApiError
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref, ref_of
from hauberk.integration.verify import services
from hauberk.integration.verify.judges import Heard, heard_in, judge_outside, judge_refused, judge_status
from hauberk.integration.verify.make import END, PORT, make_client
from hauberk.integration.verify.model import Plan, Verdict
from hauberk.integration.verify.polling import until
from hauberk.integration.verify.traces import Traces
from hauberk.kubeclient import Kube

Show: TypeAlias = Callable[[str, Callable[[], Awaitable[Verdict]]], Awaitable[None]]
Asks: TypeAlias = Sequence[tuple[str, Sequence[str]]]
MOST_LINES = 200


async def show(kube: Kube, plan: Plan, traces: Traces, probe: Show) -> None:
    """The rows `inside`, `outside`, `plaintext` and `tenant`."""
    local = f"http://{plan.local_host}"

    async def inside() -> Verdict:
        heard = await ask(kube, plan, traces, "inside", plan.namespace, [("inside", (local,))])
        return judge_status(heard.get("inside"), 200)

    async def outside() -> Verdict:
        asks = [("outside", (local,))]
        heard = await ask(kube, plan, traces, "outside", plan.namespace, asks, in_mesh=False)
        return judge_outside(heard.get("outside"), local_mtls=plan.local_mtls)

    async def plaintext() -> Verdict:
        pods = await services.fetch_pods(kube, plan)
        ip = next((ip for pod in pods if (ip := (pod.get("status") or {}).get("podIP"))), "")
        if not ip:
            return Verdict("fail", "the service had no pod to send to")
        asks = [("plaintext", (f"http://{_literal(ip)}:{PORT}/",))]
        heard = await ask(kube, plan, traces, "plaintext", plan.namespace, asks, in_mesh=False)
        return judge_refused(heard.get("plaintext"))

    async def tenant() -> Verdict:
        if not plan.tenant_namespace:
            return Verdict("skip", plan.why_no_tenant)
        heard = await ask(kube, plan, traces, "tenant", plan.tenant_namespace, [("tenant", (local,))])
        return judge_status(heard.get("tenant"), 403)

    await probe("inside", inside)
    await probe("plaintext", plaintext)  # while the row before has kept a pod awake
    await probe("outside", outside)
    await probe("tenant", tenant)


async def ask(
    kube: Kube,
    plan: Plan,
    traces: Traces,
    place: str,
    namespace: str,
    asks: Asks,
    *,
    in_mesh: bool = True,
) -> Mapping[str, Heard]:
    """Start a client pod, hear it out and remove it. Raises Problem when it never spoke."""
    made = await traces.create(make_client(plan, place, namespace, asks, in_mesh=in_mesh))
    ref = ref_of(made)
    try:
        log, ended = await until(lambda: _log(kube, ref), lambda text: END in text, plan.wish.within_s)
        if ended:
            return heard_in(log)
        phase = ((await kube.find(ref) or {}).get("status") or {}).get("phase", "gone")
    finally:
        await kube.delete(ref)
    raise Problem(
        f"the client {ref} did not finish",
        wanted=f"its answers within {plan.wish.within_s:g} s",
        found=f"phase {phase}; {log.strip() or 'no output'}",
        fix=f"kubectl describe pod {ref.name} -n {ref.namespace}",
    )


async def _log(kube: Kube, ref: Ref) -> str:
    """What the client said so far; nothing while it is being started."""
    try:
        return await kube.logs(ref, "client", MOST_LINES)
    except ApiError:
        return ""


def _literal(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
