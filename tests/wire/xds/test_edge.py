"""The edge on a real Envoy: who the API server is told the client is, and bytes to the router."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.paths import Paths
from hauberk.edge import bootstrap, ports
from hauberk.xds import binary


@pytest.fixture
async def edge(world: Any, app: Any) -> Any:
    directory = world.directory
    paths = Paths(run=directory, data=directory)
    api = await world.stack.enter_async_context(app().listening(pipe=paths.api_socket))
    router = await world.stack.enter_async_context(app().listening(pipe=paths.router_http_socket))
    now = world.clock.now()
    pair = world.authority.serving_certificate(["localhost"], ["127.0.0.1"], now=now)
    admin = world.authority.client_certificate("system:admin", ["system:masters"], now=now)
    files = {
        "crt": pair.chain, "key": pair.key, "ca": world.authority.cluster_roots,
        "admin.crt": admin.chain, "admin.key": admin.key,
    }  # fmt: skip
    for name, content in files.items():
        (directory / name).write_bytes(content)
    chosen = ports.choose(address="127.0.0.1", api=None, https=None, http=None)
    config = bootstrap.edge(
        address="127.0.0.1",
        ports=chosen,
        paths=paths,
        certificate=directory / "crt",
        key=directory / "key",
        client_ca=directory / "ca",
    )
    await world.run("edge", config, argv=[str(binary.envoy()), "-c", "FILE", *bootstrap.FLAGS])
    await world.reachable(chosen.api)
    return api, router, chosen


def with_certificate(directory: Path) -> tuple[str, ...]:
    return ("--cert", str(directory / "admin.crt"), "--key", str(directory / "admin.key"))


async def test_the_verified_subject_reaches_the_api_server(edge: Any, world: Any, curl: Any) -> None:
    api, _, chosen = edge
    trust = ("--cacert", str(world.directory / "ca"))
    for protocol in ("--http1.1", "--http2"):
        got = await curl(
            "/version", port=chosen.api, host="localhost", scheme="https",
            curl=(*trust, *with_certificate(world.directory), protocol),
        )  # fmt: skip
        assert got.status == 200
        told = api.seen[-1]["x-forwarded-client-cert"]
        assert told.split(";")[1] == 'Subject="CN=system:admin,O=system:masters"'


async def test_what_a_client_claims_to_be_is_dropped(edge: Any, world: Any, curl: Any) -> None:
    api, _, chosen = edge
    claims = {
        "x-forwarded-client-cert": 'Subject="CN=system:admin"',
        "X-Remote-User": "system:admin",
        "X-Remote-Group": "system:masters",
    }
    await curl(
        "/version", port=chosen.api, host="localhost", scheme="https", headers=claims,
        curl=("--cacert", str(world.directory / "ca")),
    )  # fmt: skip
    assert not {"x-forwarded-client-cert", "x-remote-user", "x-remote-group"} & api.seen[-1].keys()


async def test_a_client_certificate_of_another_authority_is_refused(edge: Any, world: Any, curl: Any) -> None:
    _, _, chosen = edge
    other = world.authority.issue("spiffe://cluster.local/ns/a/sa/b", now=world.clock.now())
    (world.directory / "admin.crt").write_bytes(other.chain)
    (world.directory / "admin.key").write_bytes(other.key)
    got = await curl(
        "/version", port=chosen.api, host="localhost", scheme="https",
        curl=("--cacert", str(world.directory / "ca"), *with_certificate(world.directory)),
    )  # fmt: skip
    assert got.status == 0


async def test_plain_connections_are_carried_to_the_router(edge: Any, curl: Any) -> None:
    _, router, chosen = edge
    assert (await curl("/x", port=chosen.http, host="app.example")).status == 200
    assert router.seen[0]["host"] == "app.example"


async def test_requests_wait_while_the_api_server_restarts(
    edge: Any, world: Any, curl: Any, app: Any
) -> None:
    _, _, chosen = edge
    socket = Paths(run=world.directory, data=world.directory).api_socket
    socket.unlink()
    asking = asyncio.ensure_future(
        curl(
            "/version", port=chosen.api, host="localhost", scheme="https",
            curl=("--cacert", str(world.directory / "ca")),
        )
    )  # fmt: skip
    await asyncio.sleep(0.5)
    await world.stack.enter_async_context(app().listening(pipe=socket))
    assert (await asking).status == 200
