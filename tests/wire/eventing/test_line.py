"""Eventing in one process: engine, controllers, admission, contracts over a socket; only pods are faked."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hauberk import eventing
from hauberk.app.contract_feed import ContractFeed
from hauberk.base.apierrors import BadRequest
from hauberk.base.conditions import condition
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, kind_of
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine, settle
from hauberk.events.contract import Contract, Served
from hauberk.kinds.eventing.broker import CLASS
from hauberk.kinds.knative_operator.knative_eventing import EventingSpec
from hauberk.operators.knative_eventing.plan import config_of
from hauberk.testing.memory_api import MemoryApi
from hauberk.testing.recorder import KeptEvents

SYSTEM = "knative-eventing"
BROKER, TRIGGER = "Broker.eventing.knative.dev", "Trigger.eventing.knative.dev"
SUBSCRIPTION, IMC = "Subscription.messaging.knative.dev", "InMemoryChannel.messaging.knative.dev"
RULE = "DestinationRule.networking.istio.io"
ROLES = ("broker-ingress", "broker-filter", "imc-dispatcher")


@dataclass
class Process:
    """Takes contracts as a process of the data plane does, and says what of them it cannot serve."""

    socket: Path
    contract: Contract = field(default_factory=Contract)
    problems: dict[str, str] = field(default_factory=dict)

    async def serve(self) -> asyncio.Server:
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        return await asyncio.start_unix_server(self._take, str(self.socket))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"PUT /contract HTTP/1.1\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        self.contract = msgspec.json.decode(await reader.readexactly(length), type=Contract)
        body = msgspec.json.encode(Served(self.contract.generation, self.problems))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()


@dataclass
class Line:
    api: MemoryApi
    engine: Engine
    feed: ContractFeed
    processes: dict[str, Process]
    clock: SystemClock

    async def settle(self) -> None:
        await settle(self.engine, self.clock, quiet_s=0.15)

    def get(self, kind: str, name: str, namespace: str = "demo") -> Json:
        found = self.api.snapshot().get(Ref(kind, namespace, name))
        assert found is not None, f"{kind} {name}"
        return found

    async def create(self, kind: str, name: str, version: str = "v1", **parts: Any) -> Json:
        short, _, group = kind.partition(".")
        meta = {"name": name, "namespace": "demo", **parts.pop("metadata", {})}
        return await self.api.create(
            {
                "apiVersion": f"{group}/{version}" if group else version,
                "kind": short,
                "metadata": meta,
                **parts,
            }
        )

    def state(self, kind: str, name: str) -> dict[str, str]:
        rows = (self.get(kind, name).get("status") or {}).get("conditions") or ()
        return {c["type"]: c["status"] + (f" {c['reason']}" if c.get("reason") else "") for c in rows}

    def components(self, *, ready: bool = True) -> None:
        for role in ROLES:
            pod_up(self.api, role, ready=ready)


def pod_up(api: MemoryApi, role: str, *, ready: bool = True) -> None:
    """What Deployment, node and EndpointSlice controllers do together."""
    meta = {"name": role, "namespace": SYSTEM, "labels": {"hauberk.dev/role": role}, "uid": f"pod-{role}"}
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    api.seed({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status})
    labels = {"kubernetes.io/service-name": role}
    api.seed(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "addressType": "IPv4",
            "metadata": {"name": role, "namespace": SYSTEM, "labels": labels},
            "endpoints": [{"addresses": ["10.128.0.9"], "conditions": {"ready": ready}}],
        }
    )


@asynccontextmanager
async def line(**config: dict[str, str]) -> AsyncIterator[Line]:
    clock = SystemClock()
    api = MemoryApi(clock, admission=eventing.ADMISSION)
    for name, data in config_of(EventingSpec(config=config)).items():
        meta = {"name": name, "namespace": SYSTEM}
        api.seed({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)})
    for role in ROLES:
        api.seed({"apiVersion": "v1", "kind": "Service", "metadata": {"name": role, "namespace": SYSTEM}})
    api.seed(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "imc-dispatcher", "namespace": SYSTEM},
            "status": {"conditions": [{"type": "Available", "status": "True"}]},
        }
    )
    api.seed({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sink", "namespace": "demo"}})
    folder = tempfile.TemporaryDirectory(prefix="hbk")  # short, as a socket's path must be
    paths = Paths(run=Path(folder.name), data=Path(folder.name))
    feed = ContractFeed(api, paths, clock, eventing.ROLES)
    engine = Engine(api, eventing.controllers(serves=feed.serves), clock, KeptEvents())
    feed.woken = engine.wake
    async with asyncio.TaskGroup() as tasks:
        found = Line(api, engine, feed, {}, clock)
        servers = []
        for role in ROLES:
            process = Process(paths.control_socket(f"pod-{role}"))
            found.processes[role] = process
            servers.append(await process.serve())
        running = [tasks.create_task(engine.run()), tasks.create_task(feed.run())]
        try:
            yield found
        finally:
            for task in running:
                task.cancel()
            for server in servers:
                server.close()
            folder.cleanup()


SINK = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "sink"}}


async def test_a_broker_and_a_trigger_become_ready_and_every_process_knows_them() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b", metadata={"annotations": {"hauberk.dev/ordered": "true"}})
        spec = {"broker": "b", "filter": {"attributes": {"type": "x"}}, "subscriber": SINK}
        trigger = await it.create(TRIGGER, "t", spec=spec)
        await it.settle()
        broker = it.get(BROKER, "b")
        assert it.state(BROKER, "b") == {
            "Addressable": "True",
            "DeadLetterSinkResolved": "True DeadLetterSinkNotConfigured",
            "EventPoliciesReady": "True OIDCDisabled",
            "FilterReady": "True",
            "IngressReady": "True",
            "Ready": "True",
            "TriggerChannelReady": "True",
        }
        host = "broker-ingress.knative-eventing.svc.cluster.local"
        assert broker["status"]["address"] == {"name": "http", "url": f"http://{host}/demo/b"}
        assert broker["spec"]["config"]["name"] == "config-br-default-channel"
        assert broker["spec"]["delivery"]["retry"] == 10
        assert it.state(TRIGGER, "t")["Ready"] == "True"
        uid = trigger["metadata"]["uid"]
        channel = it.get(IMC, "b-kne-trigger")
        row = channel["spec"]["subscribers"][0]
        filtered = "http://broker-filter.knative-eventing.svc.cluster.local"
        assert row["subscriberUri"] == f"{filtered}/triggers/demo/t/{uid}"
        assert row["replyUri"] == f"http://{host}/demo/b"
        assert row["delivery"]["retry"] == 10

        ingress = it.processes["broker-ingress"].contract.resources[0]
        assert (ingress.path, ingress.kind) == ("/demo/b", "Broker")
        assert ingress.target is not None
        assert ingress.target.url == "http://b-kne-trigger-kn-channel.demo.svc.cluster.local"
        dispatcher = it.processes["imc-dispatcher"].contract.resources[0]
        assert dispatcher.hosts == ("b-kne-trigger-kn-channel.demo.svc.cluster.local",)
        egress = dispatcher.egresses[0]
        assert egress.filters == ({"attributes": {"type": "x"}},)
        assert (egress.delivery.retry, egress.delivery.delay, egress.ordered) == (10, 0.2, True)
        served = it.processes["broker-filter"].contract.resources[0]
        assert served.path == f"/triggers/demo/t/{uid}"
        assert served.egresses[0].subscriber is not None
        assert served.egresses[0].subscriber.url == "http://sink.demo.svc.cluster.local"


async def test_nothing_is_ready_before_the_processes_say_so() -> None:
    async with line() as it:
        await it.create(BROKER, "b")
        await it.settle()
        assert it.state(BROKER, "b")["TriggerChannelReady"] == "False NoAddress"
        assert it.state(IMC, "b-kne-trigger")["EndpointsReady"] == "False DispatcherEndpointsNotReady"
        it.processes["broker-ingress"].socket.unlink()
        it.components()
        await it.settle()
        assert it.state(BROKER, "b")["IngressReady"] == "Unknown NotYetServed"
        assert it.state(BROKER, "b")["Ready"] == "Unknown NotYetServed"
        assert it.state(IMC, "b-kne-trigger")["Ready"] == "True"


async def test_what_a_process_cannot_serve_is_said_on_the_object() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        trigger = await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": SINK})
        it.processes["broker-filter"].problems = {trigger["metadata"]["uid"]: "no such function"}
        await it.settle()
        assert it.state(TRIGGER, "t")["SubscriptionReady"] == "False CannotBeServed"
        row = condition(it.get(TRIGGER, "t"), "Ready")
        assert row is not None
        assert row["message"] == "broker-filter: no such function"


async def test_a_channel_takes_its_kind_from_the_defaults_and_its_subscribers_from_subscriptions() -> None:
    async with line() as it:
        it.components()
        await it.create("Channel.messaging.knative.dev", "c")
        reference = {"apiVersion": "messaging.knative.dev/v1", "kind": "Channel", "name": "c"}
        reply = {"uri": "http://answers.example.com/"}
        sink = {"uri": "http://lost.example.com/"}
        spec = {
            "channel": reference,
            "subscriber": SINK,
            "reply": reply,
            "delivery": {"retry": 3, "backoffPolicy": "linear", "deadLetterSink": sink},
        }
        await it.create(SUBSCRIPTION, "s", spec=spec)
        await it.settle()
        assert it.state("Channel.messaging.knative.dev", "c")["Ready"] == "True"
        assert it.state(SUBSCRIPTION, "s")["Ready"] == "True"
        assert it.get(SUBSCRIPTION, "s")["status"]["physicalSubscription"] == {
            "subscriberUri": "http://sink.demo.svc.cluster.local",
            "replyUri": "http://answers.example.com/",
            "deadLetterSinkUri": "http://lost.example.com/",
        }
        egress = it.processes["imc-dispatcher"].contract.resources[0].egresses[0]
        assert egress.delivery.dead_letter is not None
        assert egress.delivery.dead_letter.url == "http://lost.example.com/"
        assert (egress.delivery.retry, egress.delivery.policy) == (3, "linear")
        assert egress.reply is not None
        assert egress.reply.url == "http://answers.example.com/"

        await it.api.delete(Ref(SUBSCRIPTION, "demo", "s"))
        await it.settle()
        assert it.get(IMC, "c")["spec"]["subscribers"] == []
        assert it.processes["imc-dispatcher"].contract.resources[0].egresses == ()


async def test_a_subscriber_that_does_not_exist_yet_wakes_its_trigger_when_it_does() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        late = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "late"}}
        await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": late})
        await it.settle()
        row = condition(it.get(TRIGGER, "t"), "SubscriberResolved")
        assert row is not None
        assert row["reason"] == "Unable to get the Subscriber's URI"
        assert row["message"] == 'failed to get object demo/late: services "late" not found'
        await it.create("Service", "late", spec={"ports": [{"port": 80}], "selector": {"a": "b"}})
        await it.settle()
        assert it.state(TRIGGER, "t")["Ready"] == "True"


@pytest.mark.parametrize("feature", ["enabled", "disabled"])
async def test_features_istio_makes_a_destination_rule_for_each_channel(feature: str) -> None:
    async with line(features={"istio": feature}) as it:
        it.components()
        await it.create(IMC, "c")
        await it.settle()
        rules = it.api.snapshot().list(RULE)
        assert [r["metadata"]["name"] for r in rules] == (["c-kn-channel"] if feature == "enabled" else [])
        for rule in rules:
            assert rule["spec"] == {
                "host": "c-kn-channel.demo.svc.cluster.local",
                "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}},
            }
        service = it.get("Service", "c-kn-channel")
        assert service["spec"]["externalName"] == "imc-dispatcher.knative-eventing.svc.cluster.local"
        assert [(p["name"], p["port"]) for p in service["spec"]["ports"]] == [("http", 80)]


async def test_a_class_that_is_not_ours_is_left_alone() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "k", metadata={"annotations": {CLASS: "Kafka"}})
        await it.create(TRIGGER, "t", spec={"broker": "k", "subscriber": SINK})
        await it.settle()
        assert "status" not in it.get(BROKER, "k")
        assert not it.api.snapshot().list(IMC)
        assert it.processes["broker-ingress"].contract.resources == ()


async def test_upstreams_words_refuse_a_trigger() -> None:
    async with line() as it:
        with pytest.raises(BadRequest) as refused:
            await it.create(TRIGGER, "t", spec={"subscriber": {}})
        assert refused.value.message == (
            'admission webhook "validation.webhook.eventing.knative.dev" denied the request: validation '
            "failed: expected at least one, got none: spec.subscriber.ref, spec.subscriber.uri\n"
            "missing field(s): spec.broker"
        )


async def test_reconciling_again_writes_nothing() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": SINK})
        await it.settle()
        before = len(it.api.log)
        for obj in (it.get(BROKER, "b"), it.get(TRIGGER, "t"), it.get(IMC, "b-kne-trigger")):
            meta = obj["metadata"]
            name = kind_of(obj).partition(".")[0].lower()
            it.engine.wake(name, Ref(kind_of(obj), meta["namespace"], meta["name"]))
        await it.settle()
        assert it.api.log[before:] == []


async def test_a_new_control_plane_takes_nothing_back() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": SINK})
        await it.settle()
        before = len(it.api.log)
        feed = ContractFeed(it.api, it.feed.paths, it.clock, eventing.ROLES)
        engine = Engine(it.api, eventing.controllers(serves=feed.serves), it.clock, KeptEvents())
        feed.woken = engine.wake
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(feed.before(engine.run)), tasks.create_task(feed.run())]
            await feed._asked.wait()
            await settle(engine, it.clock, quiet_s=0.15)
            for task in running:
                task.cancel()
        assert it.api.log[before:] == []


async def test_while_the_dispatcher_is_down_ingress_and_filter_keep_what_they_serve() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": SINK})
        await it.settle()
        pod_up(it.api, "imc-dispatcher", ready=False)
        await it.settle()
        assert it.state(IMC, "b-kne-trigger")["Ready"] == "False DispatcherEndpointsNotReady"
        assert it.state(IMC, "b-kne-trigger")["Addressable"] == "True"
        assert it.state(BROKER, "b")["TriggerChannelReady"] == "True"
        assert it.state(TRIGGER, "t")["Ready"].startswith("Unknown")
        assert [r.name for r in it.processes["broker-ingress"].contract.resources] == ["b"]
        assert [r.name for r in it.processes["broker-filter"].contract.resources] == ["t"]
        pod_up(it.api, "imc-dispatcher")
        await it.settle()
        assert it.state(TRIGGER, "t")["Ready"] == "True"


async def test_while_a_broker_is_not_ready_its_triggers_are_served() -> None:
    async with line() as it:
        it.components()
        await it.create(BROKER, "b")
        await it.create(TRIGGER, "t", spec={"broker": "b", "subscriber": SINK})
        await it.settle()
        pod_up(it.api, "broker-ingress", ready=False)
        await it.settle()
        assert it.state(BROKER, "b")["Ready"] == "False EndpointsUnavailable"
        assert it.state(TRIGGER, "t")["BrokerReady"] == "False EndpointsUnavailable"
        assert it.get(TRIGGER, "t")["status"]["subscriberUri"] == "http://sink.demo.svc.cluster.local"
        assert [r.name for r in it.processes["broker-filter"].contract.resources] == ["t"]
        await it.api.delete(Ref("ConfigMap", SYSTEM, "config-br-default-channel"))
        await it.settle()
        assert it.state(BROKER, "b")["TriggerChannelReady"] == "False ChannelTemplateFailed"
        assert [r.name for r in it.processes["broker-ingress"].contract.resources] == ["b"]
        assert it.get(IMC, "b-kne-trigger")
