"""The API over HTTP, request by request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hauberk.apiserver import Server
from hauberk.apiserver.rbac.defaults import bring_up
from hauberk.base.refs import Ref
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store

ADMIN = {"x-forwarded-client-cert": 'Subject="CN=admin,O=system:masters"'}
SOMEBODY = {"x-forwarded-client-cert": 'Subject="CN=sam,O=people"'}


class Client:
    """Calls the ASGI application as a server would."""

    def __init__(self, api: Server) -> None:
        self.api = api

    async def __call__(
        self,
        method: str,
        url: str,
        body: Any = None,
        *,
        headers: dict | None = None,
        media: str = "application/json",
    ) -> tuple[int, Any]:
        path, _, query = url.partition("?")
        sent: list[dict] = []
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        messages = [{"type": "http.request", "body": content}]

        async def receive() -> dict:
            if messages:
                return messages.pop(0)
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: dict) -> None:
            sent.append(message)

        given = {"content-type": media, **(ADMIN if headers is None else headers)}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        }
        await self.api.asgi(scope, receive, send)
        text = b"".join(m.get("body", b"") for m in sent[1:])
        self.headers = sent[0]["headers"]
        try:
            return sent[0]["status"], orjson.loads(text)
        except orjson.JSONDecodeError:
            return sent[0]["status"], text


@pytest.fixture
async def call(tmp_path: Path) -> AsyncIterator[Client]:
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    api = Server(store, clock=SystemClock())
    await api.create(a("Namespace", "default"))
    yield Client(api)
    await store.close()


CMS = "/api/v1/namespaces/default/configmaps"


async def test_only_health_and_version_are_open(call: Client):
    for path in ("/readyz", "/livez", "/healthz", "/version"):
        assert (await call("GET", path, headers={}))[0] == 200
    for path in ("/api", "/apis", CMS, "/openapi/v3", "/nothing"):
        code, status = await call("GET", path, headers={})
        assert (code, status["reason"]) == (401, "Unauthorized")


async def test_a_user_without_roles_only_reads_discovery_and_asks_about_himself(call: Client):
    code, status = await call("GET", "/apis", headers=SOMEBODY)
    assert (code, status["message"]) == (403, 'forbidden: User "sam" cannot get path "/apis"')
    await bring_up(call.api)  # a cluster begins with roles for everybody
    assert (await call("GET", "/apis", headers=SOMEBODY))[0] == 200
    code, status = await call("GET", CMS, headers=SOMEBODY)
    assert code == 403
    assert status["message"] == (
        'configmaps is forbidden: User "sam" cannot list resource "configmaps" in API group "" '
        'in the namespace "default"'
    )
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    code, answer = await call("POST", path, review, headers=SOMEBODY)
    assert (code, answer["status"]["allowed"]) == (201, False)


async def test_a_resource_that_is_not_served_is_not_found(call: Client):
    for path in (
        "/api/v1/nothing",
        "/apis/none.io/v1/things",
        "/api/v2",
        "/api/v1/namespaces/default/nodes/x",
    ):
        code, status = await call("GET", path)
        assert code == 404
        assert status["message"] == "the server could not find the requested resource"


async def test_pages_hold_every_object_once(call: Client):
    for i in range(7):
        await call.api.create(a("ConfigMap", f"c{i}"))
    names, token = [], ""
    while True:
        _, page = await call("GET", f"{CMS}?limit=3&continue={token}")
        names += [o["metadata"]["name"] for o in page["items"]]
        token = page["metadata"].get("continue", "")
        if not token:
            break
    assert names == [f"c{i}" for i in range(7)]


async def test_a_watch_resumes_where_a_list_ended(call: Client):
    await call.api.create(a("ConfigMap", "before"))
    _, listed = await call("GET", CMS)
    await call.api.create(a("ConfigMap", "after", metadata={"labels": {"x": "y"}}))
    await call.api.delete(Ref("ConfigMap", "default", "before"))
    since = listed["metadata"]["resourceVersion"]
    _, text = await call("GET", f"{CMS}?watch=1&resourceVersion={since}&timeoutSeconds=1")
    events = [orjson.loads(line) for line in text.splitlines()]
    assert [(e["type"], e["object"]["metadata"]["name"]) for e in events] == [
        ("ADDED", "after"),
        ("DELETED", "before"),
    ]


async def test_a_watch_list_ends_its_initial_events_with_a_bookmark(call: Client):
    await call.api.create(a("ConfigMap", "c"))
    query = "watch=1&sendInitialEvents=true&allowWatchBookmarks=true&timeoutSeconds=1"
    code, status = await call("GET", f"{CMS}?{query}")
    assert (code, status["reason"]) == (422, "Invalid")
    _, text = await call("GET", f"{CMS}?{query}&resourceVersionMatch=NotOlderThan")
    events = [orjson.loads(line) for line in text.splitlines()]
    assert [e["type"] for e in events] == ["ADDED", "BOOKMARK", "BOOKMARK"]  # the last one before it ends
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_a_stale_update_is_a_conflict_in_upstreams_words(call: Client):
    stored = dict(await call.api.create(a("ConfigMap", "c")))
    await call("PUT", f"{CMS}/c", {**stored, "data": {"x": "1"}})
    code, status = await call("PUT", f"{CMS}/c", {**stored, "data": {"x": "2"}})
    assert (code, status["reason"]) == (409, "Conflict")
    assert status["message"] == (
        'Operation cannot be fulfilled on configmaps "c": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_dry_run_stores_nothing(call: Client):
    code, _ = await call("POST", f"{CMS}?dryRun=All", a("ConfigMap", "c"))
    assert code == 201
    assert (await call("GET", f"{CMS}/c"))[0] == 404


async def test_the_server_owns_its_part_of_the_metadata(call: Client):
    forged = {"uid": "mine", "creationTimestamp": "1999-01-01T00:00:00Z", "generation": 9}
    _, stored = await call(
        "POST", "/apis/apps/v1/namespaces/default/deployments", a("Deployment.apps", "d", metadata=forged)
    )
    assert stored["metadata"]["uid"] != "mine"
    assert not stored["metadata"]["creationTimestamp"].startswith("1999")
    assert stored["metadata"]["generation"] == 1
    _, named = await call("POST", CMS, {"metadata": {"generateName": "x-"}})
    assert named["metadata"]["name"].startswith("x-")
    assert len(named["metadata"]["name"]) == 7


async def test_an_object_with_finalizers_goes_when_they_are_off(call: Client):
    await call.api.create(a("ConfigMap", "c", metadata={"finalizers": ["x/y"]}))
    code, marked = await call("DELETE", f"{CMS}/c")
    assert (code, bool(marked["metadata"]["deletionTimestamp"])) == (200, True)
    patch = {"metadata": {"finalizers": ["x/y", "z/z"]}}
    code, status = await call("PATCH", f"{CMS}/c", patch, media="application/merge-patch+json")
    assert code == 422
    assert "no new finalizers can be added if the object is being deleted" in status["message"]
    await call("PATCH", f"{CMS}/c", {"metadata": {"finalizers": None}}, media="application/merge-patch+json")
    assert (await call("GET", f"{CMS}/c"))[0] == 404


async def test_a_pod_on_a_node_stays_marked_until_it_is_deleted_without_grace(call: Client):
    await call.api.create(
        a("Pod", "p", spec={"nodeName": "hauberk", "containers": [{"name": "a", "image": "i"}]})
    )
    await call.api.create(a("Pod", "unscheduled"))
    for name in ("p", "unscheduled"):
        await call("DELETE", f"/api/v1/namespaces/default/pods/{name}")
    marked = call.api.snapshot().get(Ref("Pod", "default", "p"))
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert call.api.snapshot().get(Ref("Pod", "default", "unscheduled")) is None
    await call.api.delete(Ref("Pod", "default", "p"), grace_s=0)
    assert call.api.snapshot().get(Ref("Pod", "default", "p")) is None


async def test_a_collection_is_deleted_by_its_labels(call: Client):
    for name, label in (("a", "x"), ("b", "x"), ("c", "y")):
        await call.api.create(a("ConfigMap", name, metadata={"labels": {"l": label}}))
    await call("DELETE", f"{CMS}?labelSelector=l=x")
    _, left = await call("GET", CMS)
    assert [o["metadata"]["name"] for o in left["items"]] == ["c"]


@pytest.mark.parametrize(
    ("body", "media", "code"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"metadata": []}', "application/json", 400),
        (b'{"kind": "Pod"}', "application/json", 400),
        (b'{"metadata": {"name": "UPPER"}}', "application/json", 422),
        (b'{"metadata": {"name": "a", "namespace": "other"}}', "application/json", 400),
        (b'{"metadata": {"name": "a"}, "data": {"x": 1}}', "application/json", 400),
        (b"x" * (3 * 1024 * 1024 + 1), "application/json", 413),
        (b"{}", "text/plain", 415),
    ],
)
async def test_a_bad_body_is_refused_and_nothing_is_stored(call: Client, body: bytes, media: str, code: int):
    found, status = await call("POST", CMS, body, media=media)
    assert (found, status["kind"], status["status"]) == (code, "Status", "Failure")
    assert call.api.snapshot().list("ConfigMap") == ()


async def test_applying_the_same_again_writes_nothing(call: Client):
    wanted = a("Deployment.apps", "d")
    await call.api.apply(wanted, manager="m")
    before = call.api.snapshot().revision
    again = await call.api.apply(wanted, manager="m")
    assert call.api.snapshot().revision == before
    assert again is call.api.snapshot().get(Ref("Deployment.apps", "default", "d"))


async def test_managers_share_a_status_by_condition_type(call: Client):
    await call.api.create(a("Deployment.apps", "d"))
    ref = Ref("Deployment.apps", "default", "d")
    await call.api.apply_status(
        ref, {"replicas": 1, "conditions": [{"type": "A", "status": "True"}]}, manager="m"
    )
    await call.api.apply_status(ref, {"conditions": [{"type": "B", "status": "True"}]}, manager="n")
    last = await call.api.apply_status(ref, {"conditions": [{"type": "A", "status": "False"}]}, manager="m")
    assert last["status"] == {
        "conditions": [{"type": "A", "status": "False"}, {"type": "B", "status": "True"}]
    }
    assert last["metadata"]["generation"] == 1
