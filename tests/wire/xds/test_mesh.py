"""The mesh's promises over real connections: two Envoys, one gateway and one sidecar, on loopback.

There is no capture here, so the sidecar's inbound listener is opened on the pod's port itself, and its
application listens elsewhere. Everything else is what `xds.translate` made.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from hauberk.mesh import build
from hauberk.xds.translate import resources
from hauberk.xds.translate.types import ORDER, Resources

pytestmark = pytest.mark.wire
_spec = importlib.util.spec_from_file_location(
    "mesh_world", Path(__file__).parents[2] / "golden" / "mesh" / "world.py"
)
assert _spec is not None
assert _spec.loader is not None
objects = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(objects)

RULES = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: gw, namespace: apps}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: {simple}, name: https, protocol: HTTPS}}
    hosts: ["*"]
    tls: {{mode: SIMPLE, credentialName: wildcard-certs}}
  - port: {{number: {mutual}, name: local, protocol: HTTPS}}
    hosts: ["*"]
    tls: {{mode: ISTIO_MUTUAL}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: web, namespace: apps}}
spec:
  hosts: [web.example.com]
  gateways: [gw]
  http:
  - headers: {{request: {{set: {{x-route: web}}}}}}
    route: [{{destination: {{host: web, port: {{number: 80}}}}}}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: web, namespace: apps}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  rules:
  - from: [{{source: {{principals: [cluster.local/ns/istio-system/sa/gateway]}}}}]
    to: [{{operation: {{notPaths: [/secret]}}}}]
"""


class Ports:
    simple = mutual = side = app = 0


def uncaptured(made: Resources, ports: Ports) -> Resources:
    """The same, without redirected connections and without the proxy's own ports."""
    kept = []
    for url in ORDER:
        for name, message in made.messages(url).items():
            if name == "virtualInbound":
                message.address.socket_address.address = "127.0.0.1"
                message.address.socket_address.port_value = ports.side
                del message.listener_filters[0]
            if name == f"inbound|{ports.side}||":
                point = message.load_assignment.endpoints[0].lb_endpoints[0].endpoint
                point.address.socket_address.port_value = ports.app
            if name != "virtualOutbound" and not name.startswith("proxy|"):
                kept.append(message)
    return Resources.of(kept, identity=made.identity, namespace=made.namespace)


@pytest.fixture
async def mesh(world: Any, app: Any, port: Any) -> tuple[Any, Ports]:
    backend = await world.stack.enter_async_context(app().listening())
    ports = Ports()
    ports.simple, ports.mutual, ports.side, ports.app = port(), port(), port(), backend.port
    labels = {"istio": "ingressgateway"}
    gateway = objects.pod(
        "gw", "istio-system", "127.0.0.1", proxy="gateway", labels=labels, account="gateway"
    )
    web = objects.pod("web", "apps", "127.0.0.1")
    service = objects.service("web", "apps", "172.30.0.9", [("http", 80, ports.side)])
    stored = objects.Stored(
        objects.control_plane(),
        objects.members("apps"),
        gateway,
        web,
        service,
        objects.slice_of(service, web),
        objects.tls_secret("wildcard-certs"),
        *objects.read(RULES.format(simple=ports.simple, mutual=ports.mutual)),
    )
    found = build(stored)
    assert not found.findings
    pair = world.authority.serving_certificate(["web.example.com"], now=world.clock.now())
    world.credentials["istio-system", "wildcard-certs"] = {"tls.crt": pair.chain, "tls.key": pair.key}
    world.server.publish({p.uid: uncaptured(resources(found, p), ports) for p in found.proxies.values()})
    for uid in ("uid-gw", "uid-web"):
        await world.envoy(uid)
        await world.reachable(ports.side if uid == "uid-web" else ports.simple)
        await world.settle(uid)
    assert not world.nacks
    return world, ports


def certificate(world: Any, identity: str) -> tuple[str, ...]:
    """curl's options to show a certificate of the mesh."""
    return showing(world, world.authority.issue(identity, now=world.clock.now()))


def showing(world: Any, pair: Any) -> tuple[str, ...]:
    chain, key = world.directory / "client.crt", world.directory / "client.key"
    chain.write_bytes(pair.chain)
    key.write_bytes(pair.key)
    return "--cert", str(chain), "--key", str(key)


async def test_a_request_passes_the_gateway_and_mutual_tls_to_the_application(mesh: Any, curl: Any) -> None:
    _, ports = mesh
    got = await curl(port=ports.simple, host="web.example.com", scheme="https", curl=("-k",))
    assert got.status == 200, got
    assert "spiffe://cluster.local/ns/istio-system/sa/gateway" in got.body  # the XFCC header
    assert '"x-route": "web"' in got.body.lower()


async def test_a_host_that_nobody_claims_is_not_found(mesh: Any, curl: Any) -> None:
    _, ports = mesh
    got = await curl(port=ports.simple, host="other.example.com", scheme="https", curl=("-k",))
    assert got.status == 404


async def test_plaintext_to_a_strict_pod_is_refused(mesh: Any, curl: Any) -> None:
    _, ports = mesh
    assert (await curl(port=ports.side)).status == 0


async def test_tls_without_a_client_certificate_is_refused(mesh: Any, curl: Any) -> None:
    _, ports = mesh
    for number in (ports.side, ports.mutual):
        got = await curl(port=number, host="web.example.com", scheme="https", curl=("-k",))
        assert got.status == 0, number


async def test_a_workload_of_the_mesh_may_use_the_local_gateway(mesh: Any, curl: Any) -> None:
    world, ports = mesh
    shown = certificate(world, "spiffe://cluster.local/ns/other/sa/client")
    got = await curl(port=ports.mutual, host="web.example.com", scheme="https", curl=("-k", *shown))
    assert got.status == 200, got


async def test_who_is_not_allowed_and_what_is_not_allowed_is_forbidden(mesh: Any, curl: Any) -> None:
    world, ports = mesh
    stranger = certificate(world, "spiffe://cluster.local/ns/other/sa/client")
    got = await curl(port=ports.side, host="web.example.com", scheme="https", curl=("-k", *stranger))
    assert (got.status, got.body) == (403, "RBAC: access denied")
    got = await curl("/secret", port=ports.simple, host="web.example.com", scheme="https", curl=("-k",))
    assert (got.status, got.body) == (403, "RBAC: access denied")


async def test_a_certificate_of_another_authority_is_refused(mesh: Any, curl: Any) -> None:
    world, ports = mesh
    shown = showing(world, world.authority.client_certificate("admin", now=world.clock.now()))
    got = await curl(port=ports.side, host="web.example.com", scheme="https", curl=("-k", *shown))
    assert got.status == 0
