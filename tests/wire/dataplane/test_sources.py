"""The processes of sources and JobSinks: what they send, and what they ask the API for."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.cron import parse
from hauberk.dataplane.client import Client
from hauberk.dataplane.kubernetes import KubeApi
from hauberk.dataplane.messages import Answer, Request
from hauberk.dataplane.metrics import Metrics
from hauberk.dataplane.place import Place
from hauberk.dataplane.roles import apiserver, job_sink, pingsource
from hauberk.dataplane.roles.sending import send
from hauberk.dataplane.server import Server
from hauberk.events.contract import Contract, Delivery, Egress, Resource, Target
from hauberk.events.event import Event
from hauberk.testing.dataplane import headers_of, process, subscriber

pytestmark = pytest.mark.wire
EVERY_SECOND = {"schedule": "* * * * * *", "attributes": {"type": "ping", "source": "/p", "who": "me"}}


def a_ping(url: str, uid: str = "u", **settings: Any) -> Resource:
    said = {**EVERY_SECOND, **settings}
    return Resource(uid, "PingSource", "ns", f"name-{uid}", 1, target=Target(url), settings=said)


@asynccontextmanager
async def place(role: str, folder: Path, **env: str) -> AsyncIterator[Place]:
    async with asyncio.TaskGroup() as tasks:
        made = Place(role, folder / "data", folder / "run", env, tasks, metrics=Metrics(role))
        made.run.mkdir(parents=True)
        yield made
        made.client.close()


async def test_a_ping_source_sends_its_event_each_second_and_ends_when_it_is_gone(tmp_path: Path) -> None:
    with process("pingsource-mt-adapter", tmp_path) as adapter:
        await adapter.ready()
        async with subscriber() as sub:
            data = {"data": '{"a": 1}', "contentType": "application/json"}
            bad = a_ping(sub.url, "bad", schedule="* * *")
            served = await adapter.tell(Contract(1, (a_ping(sub.url, **data), bad)))
            assert served.problems == {"bad": "expected 5 to 6 fields, found 3: [* * *]"}
            await sub.wait_for(2)
            got = sub.requests[0]
            assert got.body == b'{"a": 1}'
            wanted = {"ce-type": "ping", "ce-source": "/p", "ce-who": "me", "ce-specversion": "1.0"}
            assert wanted.items() <= got.headers.items()
            assert got.headers["content-type"] == "application/json"
            await adapter.tell(Contract(2, ()))
            await asyncio.sleep(0.6)
            count = len(sub.requests)
            await asyncio.sleep(1.2)
            assert len(sub.requests) == count


async def test_of_two_adapters_one_sends_and_the_other_goes_on_when_it_is_killed(tmp_path: Path) -> None:
    with process("pingsource-mt-adapter", tmp_path) as first:
        await first.ready()
        with process("pingsource-mt-adapter", tmp_path / "b") as second:
            second.end()
            second.data = first.data
            second.start()
            await second.ready()
            async with subscriber() as sub:
                contract = Contract(1, (a_ping(sub.url),))
                assert not (await first.tell(contract)).problems
                assert not (await second.tell(contract)).problems
                await sub.wait_for(2)
                assert len(sub.requests) == 2
                first.end(9)
                await sub.wait_for(4)


async def test_sending_is_patient_and_gives_up(tmp_path: Path) -> None:
    event = Event({"specversion": "1.0", "id": "1", "source": "/s", "type": "t"})
    async with subscriber() as sub, place("pingsource", tmp_path) as here:
        answers = iter((503, 500, 202))
        sub.decide = lambda _: Answer(next(answers))  # type: ignore[method-assign]
        patience = Delivery(retry=2, delay=0.001)
        assert await send(here, Target(sub.url), event, patience)
        assert sub.seen == {"1": 3}
        sub.decide = lambda _: Answer(400)  # type: ignore[method-assign]
        assert not await send(here, Target(sub.url), event, patience)
        assert sub.seen == {"1": 4}
        assert not await send(here, Target("http://127.0.0.1:1/"), event, patience)


def test_the_data_of_a_ping_may_be_base64() -> None:
    event = pingsource.make_event(a_ping("http://x", dataBase64="AAE=", contentType="x/y"), "1", 0.0)
    assert event.data == b"\x00\x01"
    assert event.attributes["time"] == "1970-01-01T00:00:00.000000Z"
    assert parse("* * * * * *", seconds=True).after(0.0) == 1.0


@dataclass
class Kubernetes:
    """An API that stores what is posted, and tells one watch what a test puts in."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    watched: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)

    async def handle(self, request: Request) -> Answer:
        self.tokens.add(request.headers["authorization"])
        path = request.target.partition("?")[0]
        if request.method == "POST":
            obj = json.loads(request.body)
            key = f"{path}/{obj['metadata']['name']}"
            if key in self.objects:
                return Answer(409, {}, b'{"message": "already exists"}')
            self.objects[key] = {**obj, "metadata": {**obj["metadata"], "uid": f"uid-{len(self.objects)}"}}
            return Answer(201, {}, json.dumps(self.objects[key]).encode())
        if "watch=1" in request.target:
            self.watched.append(request.target)
            return Answer(200, {}, await self.changes.get())
        if path in self.objects:
            return Answer(200, {}, json.dumps(self.objects[path]).encode())
        if path.endswith("s"):
            return Answer(200, {}, b'{"metadata": {"resourceVersion": "5"}, "items": []}')
        return Answer(404, {}, b'{"message": "not found"}')


class PlainApi(KubeApi):
    """The client without TLS: certificates are another test's business."""

    def __post_init__(self) -> None:
        """Know where the API is."""
        super().__post_init__()
        self.base = self.base.replace("https:", "http:")

    def _tls(self) -> ssl.SSLContext | None:
        return None


@asynccontextmanager
async def kubernetes(here: Place, folder: Path) -> AsyncIterator[tuple[Kubernetes, KubeApi]]:
    (folder / "account").mkdir()
    (folder / "account" / "token").write_text("secret\n")
    (folder / "account" / "ca.crt").write_text("")
    made = Kubernetes()
    server = Server(made.handle, here.tasks)
    port = await server.listen("127.0.0.1", 0)
    env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(port)}
    yield made, PlainApi(env, here.client, folder / "account")
    await server.drain(0.1)


async def test_a_job_sink_makes_a_job_and_the_secret_with_its_event_once(tmp_path: Path) -> None:
    job = {"spec": {"template": {"spec": {"containers": [{"name": "m", "image": "x"}]}}}}
    resource = Resource(
        "u",
        "JobSink",
        "ns",
        "js",
        1,
        path="/ns/js",
        settings={"job": job, "apiVersion": "sinks.knative.dev/v1alpha1"},
    )
    async with place("job-sink", tmp_path) as here, kubernetes(here, tmp_path) as (api, client):
        sink = job_sink.JobSink(here, client)
        await sink.apply(Contract(1, (resource,)))
        event = Request("POST", "/ns/js", dict(headers_of("e1")), b'{"a": 1}')
        for _ in range(2):
            answer = await sink.handle(event)
            assert (answer.status, answer.headers["Location"]) == (
                202,
                "/namespaces/ns/name/js/sources/%2Ftest/ids/e1",
            )
        made, secret = api.objects.values()
        pod = made["spec"]["template"]["spec"]
        assert pod["volumes"][0]["secret"]["secretName"] == secret["metadata"]["name"]
        assert {"name": "K_EVENT_PATH", "value": "/etc/jobsink-event"} in pod["containers"][0]["env"]
        assert made["metadata"]["ownerReferences"][0]["uid"] == "u"
        assert secret["metadata"]["ownerReferences"][0]["uid"] == made["metadata"]["uid"]
        assert api.tokens == {"Bearer secret"}
        state = await sink.handle(Request("GET", answer.headers["Location"], {}))
        assert state.status == 202
        made["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
        state = await sink.handle(Request("GET", answer.headers["Location"], {}))
        assert (state.status, state.headers["Reason"]) == (200, "Complete")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/ns/nobody", dict(headers_of("1")), 400),
        ("POST", "/ns", dict(headers_of("1")), 400),
        ("POST", "/ns/js", {"content-type": "text/plain"}, 400),
        ("PUT", "/ns/js", {}, 400),
        ("GET", "/ns/js", {}, 400),
        ("GET", "/namespaces/ns/name/js/sources/a/ids/1", {}, 404),
    ],
)
async def test_what_a_job_sink_refuses(
    tmp_path: Path, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    async with place("job-sink", tmp_path) as here, kubernetes(here, tmp_path) as (_, client):
        sink = job_sink.JobSink(here, client)
        assert (await sink.handle(Request(method, path, headers, b"x"))).status == status


async def test_an_adapter_watches_from_now_on_and_sends_every_change(tmp_path: Path) -> None:
    config = {
        "namespaces": ["ns"],
        "resources": [{"gvr": {"Group": "", "Version": "v1", "Resource": "pods"}, "selector": "a=b"}],
        "mode": "Reference",
        "filters": [{"exact": {"name": "p"}}],
    }
    obj = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "ns", "resourceVersion": "7"},
    }
    other = {**obj, "metadata": {"name": "q", "namespace": "ns", "resourceVersion": "8"}}
    async with subscriber() as sub, place("apiserver", tmp_path) as here:
        env = {"K_SINK": sub.url, "K_CE_OVERRIDES": '{"extensions": {"who": "me"}}'}
        here.env = env
        async with kubernetes(here, tmp_path) as (api, client):
            adapter = apiserver.Adapter(here, client, config)
            (watch,) = apiserver.watches_of(config)
            task = here.tasks.create_task(adapter.follow(watch))
            rows = [{"type": "ADDED", "object": other}, {"type": "DELETED", "object": obj}]
            await api.changes.put("".join(f"{json.dumps(r)}\n" for r in rows).encode())
            await sub.wait_for(1)
            task.cancel()
            assert "resourceVersion=5" in api.watched[0]
            assert "labelSelector=a%3Db" in api.watched[0]
    (got,) = sub.requests
    assert json.loads(got.body) == {"kind": "Pod", "namespace": "ns", "name": "p", "apiVersion": "v1"}
    wanted = {
        "ce-type": "dev.knative.apiserver.ref.delete",
        "ce-subject": "/apis/v1/namespaces/ns/pods/p",
        "ce-kind": "Pod",
        "ce-who": "me",
    }
    assert wanted.items() <= got.headers.items()


async def test_an_adapter_goes_on_after_answers_that_are_none_and_lists_again_when_its_place_is_lost(
    tmp_path: Path,
) -> None:
    config = {
        "allNamespaces": True,
        "resources": [{"gvr": {"Group": "apps", "Version": "v1", "Resource": "deployments"}}],
    }
    meta = {"name": "d", "namespace": "ns", "resourceVersion": "9"}
    change = {"type": "MODIFIED", "object": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta}}
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old resource version"}}
    async with subscriber() as sub, place("apiserver", tmp_path) as here:
        here.env = {"K_SINK": sub.url}
        async with kubernetes(here, tmp_path) as (api, client):
            adapter = apiserver.Adapter(here, client, config)
            adapter.pause_s = 0.01
            (watch,) = apiserver.watches_of(config)
            assert watch.path == "/apis/apps/v1/deployments"
            task = here.tasks.create_task(adapter.follow(watch))
            for body in (
                b"nonsense\n",
                json.dumps(change).encode() + b"\n",
                json.dumps(gone).encode() + b"\n",
                b"",
            ):
                await api.changes.put(body)
            await sub.wait_for(1)
            async with asyncio.timeout(5):
                while len(api.watched) < 5:  # noqa: ASYNC110 - the API is another task's
                    await asyncio.sleep(0.01)
            task.cancel()
            await api.changes.put(b"")  # lets the last watch end
    revisions = [w.partition("resourceVersion=")[2].partition("&")[0] for w in api.watched]
    assert revisions == ["5", "5", "9", "5", "5"]
    assert len(sub.requests) == 1


def test_events_hold_the_object_or_its_controller() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "ownerReferences": [owner]}}
    event = apiserver.make_event("ADDED", obj, {"mode": "Resource"}, "https://x", "1", 0.0)
    assert (event.type, json.loads(event.data)) == ("dev.knative.apiserver.resource.add", obj)
    wanted = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    assert apiserver.reference_of(obj, {"owner": wanted})["name"] == "r"
    assert apiserver.is_owned(obj, wanted)
    assert not apiserver.is_owned(obj, {**wanted, "kind": "Job"})


async def test_a_subscription_with_only_a_reply_sends_the_event_there(tmp_path: Path) -> None:
    with process("imc-dispatcher", tmp_path) as dispatcher:
        await dispatcher.ready()
        async with subscriber() as sub:
            egress = Egress("s", "ns", "s", None, reply=Target(sub.url))
            channel = Resource("c", "InMemoryChannel", "ns", "c", egresses=(egress,))
            await dispatcher.tell(Contract(1, (channel,)))
            client = Client()
            answer = await client.post(f"{dispatcher.url}/ns/c", headers_of("e1"), b"{}")
            assert answer.status == 202
            await sub.wait_for(1)
            client.close()
