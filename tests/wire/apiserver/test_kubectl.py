"""The API as the installed kubectl sees it."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn

from hauberk.apiserver import Server
from hauberk.apiserver.request import User
from hauberk.engine.clock import SystemClock
from hauberk.store import Store

pytestmark = [
    pytest.mark.wire,
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed"),
]


class Kubectl:
    """kubectl against one server, with a home of its own."""

    def __init__(self, port: int, home: Path) -> None:
        self._base = ("kubectl", f"--server=http://127.0.0.1:{port}")
        self._env = {"HOME": str(home), "TMPDIR": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin"}

    async def run(
        self, *args: str, stdin: str = "", env: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *self._base,
            *args,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self._env, **(env or {})},
        )
        out, err = await process.communicate(stdin.encode())
        return process.returncode or 0, out.decode(), err.decode()

    async def __call__(self, *args: str, stdin: str = "", env: dict[str, str] | None = None) -> str:
        code, out, err = await self.run(*args, stdin=stdin, env=env)
        assert code == 0, err
        return out + err


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[tuple[Server, int]]:
    store = Store.open(tmp_path / "s.db", ephemeral=True)
    admin = User("admin", ("system:masters", "system:authenticated"))
    api = Server(store, clock=SystemClock(), authenticators=[lambda _: admin])
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}})
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(api.asgi, lifespan="off", log_level="error", timeout_graceful_shutdown=1)
    http = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(http.serve(sockets=[listener]))
        yield api, listener.getsockname()[1]
        http.should_exit = True
    await store.close()


@pytest.fixture
def kubectl(server: tuple[Server, int], tmp_path: Path) -> Kubectl:
    return Kubectl(server[1], tmp_path)


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: x, nope: 1, ports: [{containerPort: 8080}]}]
"""


async def test_apply_shows_warnings_and_is_idempotent(kubectl: Kubectl):
    first = await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "deployment.apps/web created" in first
    assert 'Warning: unknown field "spec.template.spec.containers[0].nope"' in first
    assert "deployment.apps/web unchanged" in await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    changed = DEPLOYMENT.replace("image: x", "image: z")
    assert "deployment.apps/web configured" in await kubectl("apply", "-f", "-", stdin=changed)
    assert await kubectl("get", "deploy", "web", "-o", "jsonpath={.metadata.generation}") == "2"


async def test_strategic_patch_label_annotate_scale_and_edit(kubectl: Kubectl, tmp_path: Path):
    await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    env = {"name": "web", "env": [{"name": "A", "value": "B"}]}
    patch = {"spec": {"template": {"spec": {"containers": [env]}}}}
    await kubectl("patch", "deploy", "web", "-p", json.dumps(patch))
    await kubectl("label", "deploy", "web", "x=y")
    await kubectl("annotate", "deploy", "web", "x=y")
    await kubectl("scale", "deploy", "web", "--replicas=3")
    await kubectl("edit", "deploy", "web", env={"KUBE_EDITOR": "sed -i s/B$/C/"})
    found = json.loads(await kubectl("get", "deploy", "web", "-o", "json"))
    container = found["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "x"
    assert container["env"] == [{"name": "A", "value": "C"}]
    assert found["spec"]["replicas"] == 3
    assert found["metadata"]["labels"] == {"x": "y"}


async def test_server_side_apply_conflicts_and_force(kubectl: Kubectl):
    apply = ("apply", "--server-side", "-f", "-")
    cm = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"x":"1"}}'
    await kubectl(*apply, "--field-manager=a", stdin=cm)
    code, _, err = await kubectl.run(*apply, "--field-manager=b", stdin=cm.replace('"1"', '"2"'))
    assert code == 1
    assert 'Apply failed with 1 conflict: conflict with "a": .data.x' in err
    await kubectl(*apply, "--field-manager=b", "--force-conflicts", stdin=cm.replace('"1"', '"2"'))
    assert await kubectl("get", "cm", "c", "-o", "jsonpath={.data.x}") == "2"


async def test_create_commands_send_protobuf(kubectl: Kubectl):
    await kubectl("create", "ns", "shop")
    await kubectl("create", "secret", "generic", "s", "--from-literal=k=v", "-n", "shop")
    await kubectl("create", "deploy", "d", "--image=i", "--port=80", "--replicas=2", "-n", "shop")
    await kubectl("create", "role", "r", "--verb=get", "--resource=pods", "-n", "shop")
    assert await kubectl("get", "secret", "s", "-n", "shop", "-o", "jsonpath={.data.k}") == "dg=="
    ports = "jsonpath={.spec.template.spec.containers[0].ports[0].containerPort} {.spec.replicas}"
    assert await kubectl("get", "deploy", "d", "-n", "shop", "-o", ports) == "80 2"
    code, _, err = await kubectl.run("create", "secret", "generic", "s", "-n", "shop")
    assert code == 1
    assert 'secrets "s" already exists' in err


async def test_discovery_explain_describe_and_tables(kubectl: Kubectl):
    await kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "gateways" in await kubectl("api-resources", "--api-group=networking.istio.io")
    explained = await kubectl("explain", "deployment.spec.template.spec.containers")
    assert "FIELD: containers <[]Container>" in explained
    assert "image\t<string>" in explained
    assert "Selector:               app=web" in await kubectl("describe", "deploy", "web")
    header, row = (await kubectl("get", "deploy", "-o", "wide")).splitlines()
    assert header.split() == [
        "NAME",
        "READY",
        "UP-TO-DATE",
        "AVAILABLE",
        "AGE",
        "CONTAINERS",
        "IMAGES",
        "SELECTOR",
    ]
    assert row.split()[:2] == ["web", "0/1"]


async def test_watch_sees_what_wait_waits_for(kubectl: Kubectl, server: tuple[Server, int]):
    await kubectl("create", "cm", "c", "--from-literal=x=1")
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(kubectl("wait", "cm/c", "--for=jsonpath={.data.x}=2", "--timeout=20s"))
        await asyncio.sleep(0.5)
        await kubectl("patch", "cm", "c", "--type=merge", "-p", '{"data":{"x":"2"}}')
    assert "condition met" in waiting.result()
    assert "deleted" in await kubectl("delete", "cm", "c", "--timeout=10s")


async def test_errors_are_upstreams(kubectl: Kubectl):
    for args, text in (
        (("get", "cm", "none"), 'Error from server (NotFound): configmaps "none" not found'),
        (("get", "nothing"), 'the server doesn\'t have a resource type "nothing"'),
        (("create", "cm", "x", "-n", "none"), 'namespaces "none" not found'),
        (("delete", "ns", "default"), 'namespaces "default" is forbidden: this namespace may not be deleted'),
        (("get", "pods", "--field-selector=spec.nope=1"), "field label not supported: spec.nope"),
        (("logs", "none"), 'pods "none" not found'),
    ):
        code, _, err = await kubectl.run(*args)
        assert code == 1
        assert text in err


async def test_the_user_may_ask_about_themselves(kubectl: Kubectl):
    assert "admin" in await kubectl("auth", "whoami")
    assert (await kubectl("auth", "can-i", "get", "pods")).strip() == "yes"
