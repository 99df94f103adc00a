"""The rows about events: into a Broker by a client in the mesh, out of it into a service that prints it."""

from __future__ import annotations

from hauberk.base.apierrors import ApiError
from hauberk.base.conditions import condition, is_true
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref, ref_of
from hauberk.integration.verify.clients import Show, ask
from hauberk.integration.verify.judges import judge_unbuilt
from hauberk.integration.verify.make import event_arguments, make_broker, make_display, make_trigger
from hauberk.integration.verify.model import Plan, Verdict
from hauberk.integration.verify.polling import until
from hauberk.integration.verify.services import SERVICE_LABEL
from hauberk.integration.verify.traces import BROKER, KSERVICE, Traces
from hauberk.kubeclient import Kube
from hauberk.kubeclient.faults import problem_of

ROWS = (("broker", "MTChannelBasedBroker"), ("kafka", "Kafka"))
MOST_LINES = 500


async def show(kube: Kube, plan: Plan, traces: Traces, probe: Show) -> None:
    """The rows `broker` and `kafka`."""
    for name, kind in ROWS:
        why = plan.events if name == "broker" else plan.kafka

        async def through(kind: str = kind, why: str = why) -> Verdict:
            skipped = why or await _unbuilt(kube, plan, kind)
            return Verdict("skip", skipped) if skipped else await _send(kube, plan, traces, kind)

        await probe(name, through)


async def _unbuilt(kube: Kube, plan: Plan, kind: str) -> str:
    """Why no event can go through a Broker here; empty when one can. Nothing is created."""
    if not await kube.knows(BROKER):
        return "the cluster does not know Brokers: is KnativeEventing ready?"
    before = len(kube.warnings)
    broker = make_broker(plan, kind)
    try:
        await kube.create(broker, dry_run=True)
    except ApiError as error:
        raise problem_of(error, f"create {ref_of(broker)}", ref_of(broker)) from error
    told = judge_unbuilt(kube.warnings[before:])
    return f"not built yet; the cluster says: {told}" if told else ""


async def _send(kube: Kube, plan: Plan, traces: Traces, kind: str) -> Verdict:
    await traces.create(make_display(plan))
    broker = ref_of(await traces.create(make_broker(plan, kind)))
    trigger = ref_of(await traces.create(make_trigger(plan, broker.name)))
    display = Ref(KSERVICE, plan.namespace, make_display(plan)["metadata"]["name"])
    for ref in (display, broker, trigger):
        if why := await _until_ready(kube, plan, ref):
            return Verdict("fail", why)
    url = str((((await kube.get(broker)).get("status") or {}).get("address") or {}).get("url", ""))
    event = f"{plan.run}-{kind.lower()}"
    asks = [("event", event_arguments(url, event))]
    heard = (await ask(kube, plan, traces, f"event-{kind.lower()}", plan.namespace, asks)).get("event")
    if heard is None or heard.status != 202:
        return Verdict("fail", f"the Broker answered {heard.status if heard else 'nothing'} instead of 202")
    if await _printed(kube, plan, display.name, event):
        return Verdict("pass", f"accepted with 202, and printed by {display.name}")
    return Verdict("fail", f"accepted with 202, and not delivered in {plan.wish.within_s:g} s")


async def _until_ready(kube: Kube, plan: Plan, ref: Ref) -> str:
    """Empty once it is ready, else why not."""
    found, ready = await until(lambda: kube.find(ref), is_true, plan.wish.within_s)
    if ready:
        return ""
    row = condition(found, "Ready") or {}
    return f"{ref} is not ready: {row.get('reason', '')} {row.get('message', 'no condition')}"


async def _printed(kube: Kube, plan: Plan, service: str, event: str) -> bool:
    async def logs() -> str:
        pods = await kube.list("Pod", plan.namespace, {SERVICE_LABEL: service})
        return "\n".join([await _log(kube, ref_of(pod)) for pod in pods])

    _, printed = await until(logs, lambda text: event in text, plan.wish.within_s)
    return printed


async def _log(kube: Kube, ref: Ref) -> str:
    try:
        return await kube.logs(ref, "user-container", MOST_LINES)
    except (ApiError, Problem):
        return ""
