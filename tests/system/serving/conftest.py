"""What the tests of Serving share: an edge client, Knative services, a load that counts what it lost."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
import typing_extensions

from hauberk.demo.steps import QUICK_SCALE_DOWN
from hauberk.testing.cluster import Cluster, eventually, hauberk

DOMAIN = "apps.openshift.example.com"
APPS = Path(__file__).parent / "apps"
INJECTED = {
    "sidecar.istio.io/inject": "true",
    "sidecar.istio.io/rewriteAppHTTPProbers": "true",
}
PASSTHROUGH = {"serving.knative.openshift.io/enablePassthrough": "true"}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        """The body as text, without blanks around it."""
        return self.body.decode(errors="replace").strip()


@dataclass
class Load:
    """Requests from several threads, a connection for each; `seen` counts answers, `lost` what was none."""

    ask: Callable[[], Reply]
    seen: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Ask until told to stop."""
        while not self.stop.is_set():
            try:
                reply = self.ask()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
            else:
                self.seen[f"{reply.status} {reply.text[:40]}"] += 1


@dataclass
class Steady:
    """Requests on connections that are kept, from several threads; nothing is ever asked twice.

    `seen` counts answers, `lost` holds each request that got none. `refused` counts connections that could
    not be made: no request was on them. A thread whose connection is refused stops.
    """

    connect: Callable[[], ssl.SSLSocket]
    host: str
    path: str
    seen: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    refused: int = 0
    slowest_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Ask until told to stop, or refused."""
        while not self.stop.is_set():
            connection = http.client.HTTPConnection(self.host)
            try:
                connection.sock = self.connect()
            except OSError:
                self.refused += 1
                return
            with contextlib.closing(connection):
                self.use(connection)

    def use(self, connection: http.client.HTTPConnection) -> None:
        """Ask on one connection until it is told to end."""
        while not self.stop.is_set():
            began = time.monotonic()
            try:
                connection.request("POST", self.path, body=b"x")  # what no proxy may repeat on its own
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                return
            self.seen[str(answer.status)] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            if connection.sock is None:  # the answer said `Connection: close`
                return


@dataclass(frozen=True)
class Site:
    """A cluster and its services, seen from outside."""

    cluster: Cluster
    roots: Path | None = None  # None: any certificate will do
    annotations: dict[str, str] = field(default_factory=dict)
    template: dict[str, str] = field(default_factory=dict)

    def host(self, service: str, namespace: str = "default") -> str:
        return f"{service}-{namespace}.{DOMAIN}"

    def connect(self, host: str, *, alpn: str = "http/1.1", timeout_s: float = 30) -> ssl.SSLSocket:
        """A TLS connection through the Route."""
        options = self.cluster.options
        context = ssl.create_default_context(cafile=str(self.roots) if self.roots else None)
        if self.roots is None:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols([alpn])
        plain = socket.create_connection((options.address, options.https_port), timeout=timeout_s)
        return context.wrap_socket(plain, server_hostname=host)

    def call(
        self, host: str, path: str = "/", *, method: str = "GET", body: bytes | None = None,
        headers: dict[str, str] | None = None, timeout_s: float = 30,
    ) -> Reply:  # fmt: skip
        """One request over TLS through the Route."""
        connection = http.client.HTTPConnection(host, timeout=timeout_s)
        connection.sock = self.connect(host, timeout_s=timeout_s)
        return self._exchange(connection, method, path, body, headers)

    def plain(self, host: str, path: str = "/") -> Reply:
        """One request in plaintext to the router."""
        options = self.cluster.options
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.sock = socket.create_connection((options.address, options.http_port), timeout=10)
        return self._exchange(connection, "GET", path, None, None)

    @staticmethod
    def _exchange(
        connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None,
        headers: dict[str, str] | None,
    ) -> Reply:  # fmt: skip
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            content = answer.read()
            return Reply(answer.status, content, {k.lower(): v for k, v in answer.getheaders()})

    @contextlib.contextmanager
    def load(self, host: str, path: str = "/", *, threads: int = 4) -> Iterator[Load]:
        """Requests while the block runs."""
        made = Load(lambda: self.call(host, path))
        workers = [threading.Thread(target=made.work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            yield made
        finally:
            made.stop.set()
            for worker in workers:
                worker.join(40)

    @contextlib.contextmanager
    def steady(self, host: str, path: str = "/", *, threads: int = 8) -> Iterator[Steady]:
        """Requests on kept connections while the block runs."""
        made = Steady(lambda: self.connect(host), host, path)
        workers = [threading.Thread(target=made.work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            yield made
        finally:
            made.stop.set()
            for worker in workers:
                worker.join(40)

    def manifest(self, name: str, image: str = "helloworld", **more: Any) -> dict[str, Any]:
        """A ksvc; `notes` are annotations of the template, `own` those of the service."""
        reference = image if "/" in image else f"hauberk.local/{image}"
        env = [{"name": k, "value": v} for k, v in more.get("env", {}).items()]
        container = {"image": reference, "env": env, **more.get("container", {})}
        template = {
            "metadata": {"annotations": {**self.template, **more.get("notes", {})}, **more.get("meta", {})},
            "spec": {"containers": [container], **more.get("spec", {})},
        }
        spec: dict[str, Any] = {"template": template}
        if "traffic" in more:
            spec["traffic"] = more["traffic"]
        return {
            "apiVersion": "serving.knative.dev/v1",
            "kind": "Service",
            "metadata": {
                "name": name,
                "namespace": "default",
                "annotations": {**self.annotations, **more.get("own", {})},
            },
            "spec": spec,
        }

    def deploy(self, name: str, image: str = "helloworld", *, wait: bool = True, **more: Any) -> str:
        """Apply a ksvc and wait until it is Ready; returns its host."""
        self.cluster.apply(json.dumps(self.manifest(name, image, **more)))
        if wait:
            eventually(lambda: self.is_settled(name), within_s=20, what=f"ksvc {name} Ready")
        return self.host(name)

    def is_settled(self, name: str) -> bool:
        """Whether the stored generation is Ready."""
        found = self.get("ksvc", name)
        status = found.get("status") or {}
        fresh = status.get("observedGeneration") == found["metadata"]["generation"]
        return fresh and self.condition(found, "Ready").get("status") == "True"

    def ended(self, name: str) -> Any:
        """ConfigurationsReady, once it is False."""
        return eventually(
            lambda: (
                (r := self.condition(self.get("ksvc", name), "ConfigurationsReady")).get("status") == "False"
                and r
            ),
            within_s=20,
            what=f"ksvc {name} not Ready",
        )

    def get(self, kind: str, name: str, namespace: str = "default") -> Any:
        return self.cluster.json(kind, name, "-n", namespace)

    @staticmethod
    def condition(obj: Any, kind: str) -> Any:
        rows = (obj.get("status") or {}).get("conditions") or ()
        return next((c for c in rows if c["type"] == kind), {})

    def pods(self, service: str, *, ready: bool = True) -> list[Any]:
        """The service's pods that are not on their way out."""
        found = self.cluster.json("pods", "-n", "default", "-l", f"serving.knative.dev/service={service}")
        live = [p for p in found["items"] if "deletionTimestamp" not in p["metadata"]]
        return [p for p in live if not ready or self.condition(p, "Ready").get("status") == "True"]

    def forget(self, *names: str) -> None:
        for name in names:
            self.cluster.run("delete", "ksvc", name, "-n", "default", "--ignore-not-found", "--wait=false")

    def image(self, name: str, folder: Path) -> str:
        """Add an app directory of these tests as an image; returns its reference."""
        added = hauberk("image", "add", f"test/{name}", str(folder), "--name", self.cluster.name)
        assert added.returncode == 0, added.stderr
        return f"test/{name}"


@pytest.fixture(scope="session")
def mesh(document: Cluster) -> Site:
    """The document's cluster; services carry the document's annotations, idle ones end within seconds."""
    document.must(*QUICK_SCALE_DOWN[1:])
    return Site(document, document.folder / "root.crt", PASSTHROUGH, INJECTED)


@pytest.fixture(scope="session")
def site_of() -> Callable[[Cluster], Site]:
    """Another cluster's services; certificates are not verified."""
    return Site


@pytest.fixture
def gone(request: pytest.FixtureRequest) -> Iterator[Callable[..., None]]:
    """Names of services that end with the test."""
    site: Site = request.getfixturevalue("mesh")
    names: list[str] = []
    yield lambda *more: names.extend(more)
    site.forget(*names)


@pytest.fixture(scope="session")
def protocols(mesh: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the app that speaks WebSocket, SSE, trailers and gRPC."""
    folder = tmp_path_factory.mktemp("protocols") / "app"
    shutil.copytree(APPS / "protocols", folder)
    return mesh.image("protocols", folder)


@pytest.fixture(scope="session")
def rpc_image(mesh: Site, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of a gRPC server; the library travels in the image, as in any app's."""
    folder = tmp_path_factory.mktemp("rpc") / "app"
    shutil.copytree(APPS / "rpc", folder)
    for module in (grpc, typing_extensions):
        found = Path(module.__file__ or "")
        if found.name == "__init__.py":
            shutil.copytree(found.parent, folder / found.parent.name)
        else:
            shutil.copy(found, folder)
    return mesh.image("rpc", folder)
