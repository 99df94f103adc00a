"""Builds every room of the embedded cluster and runs them in one TaskGroup.

The order is that of need: store, API, certificates, controllers, proxies, node. Nothing here
decides anything.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Collection, Mapping
from typing import Any

from hauberk import __version__, autoscaler, eventing, kafka, mesh, openshift, operators, serving, workloads
from hauberk.apiserver.auth import by_client_certificate
from hauberk.apiserver.rbac.defaults import bring_up
from hauberk.apiserver.server import Server
from hauberk.apiserver.tokens import Tokens, by_token
from hauberk.app.asgi import Answer, OwnPaths
from hauberk.app.audit_file import audit
from hauberk.app.contract_feed import ContractFeed
from hauberk.app.credentials import gateway_credentials
from hauberk.app.digests import Digests
from hauberk.app.feed import Feed
from hauberk.app.http import HttpServer, unix_door
from hauberk.app.mesh_feed import MeshFeed
from hauberk.app.meter import NodeMeter
from hauberk.app.permissions import allows_of
from hauberk.app.pod_door import pod_door
from hauberk.app.pod_usage import pod_usage
from hauberk.app.proxies import bootstrap_of
from hauberk.app.report import report
from hauberk.app.served import Served
from hauberk.app.service_feed import ServiceFeed
from hauberk.app.serving_certificates import ServingCertificates
from hauberk.base.apierrors import AlreadyExists
from hauberk.cluster.options import Options
from hauberk.engine.clock import SystemClock
from hauberk.engine.engine import Engine
from hauberk.engine.gc import GarbageCollector
from hauberk.engine.recorder import EventRecorder
from hauberk.mesh.acks import Acks
from hauberk.node import services
from hauberk.node.node import Node
from hauberk.node.pod.commands import NodeDoors
from hauberk.node.pod.logs import NodeLogs
from hauberk.node.runtime import Runtime
from hauberk.node.tokens import ISSUER, issuer
from hauberk.openshift.serverless_ingress.served import RoutesServed
from hauberk.pki.authority import Authority
from hauberk.serving.activator.activator import Activator
from hauberk.serving.ingress.probe import AckedProbe
from hauberk.store import Store
from hauberk.xds.server import XdsServer

log = logging.getLogger(__name__)
ACKED_WITHIN_S = 10.0
ENDS_WITHIN_S = 2.0
SECRETS_KEY = "secrets.key"  # beside the CAs: what Secrets are sealed with on the disk
ADMISSION = (
    *workloads.ADMISSION,
    *serving.ADMISSION,
    *eventing.ADMISSION,
    *operators.ADMISSION,
    *openshift.ADMISSION,
)
ROLES = (*eventing.ROLES, *kafka.ROLES)


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    paths = options.paths
    store = Store.open(paths.database, ephemeral=options.ephemeral, key=paths.pki / SECRETS_KEY)
    runtime = await Runtime.connect(options.paths)
    try:
        await _serve(options, store, runtime, stop)
    finally:
        await runtime.close()
        await store.close()


async def _serve(options: Options, store: Store, runtime: Runtime, stop: asyncio.Event) -> None:
    clock, paths = SystemClock(), options.paths
    authority = Authority.open(paths.pki, clock.now())
    server = _api(options, store, runtime, authority, clock)
    recorder = EventRecorder(server, clock)
    facts = autoscaler.Facts(clock)
    activator = Activator(server, facts, clock)
    xds = XdsServer(
        paths.xds_socket,
        authority,
        gateway_credentials(server),
        activator.hold,
        clock,
        on_nack=lambda nack: feed.refused(nack),
        registered=authority.router_secrets(options.domain),
    )
    feed = MeshFeed(server, paths, xds, recorder, clock, options.https_port)
    acks = Acks(lambda: feed.published_revision, lambda uid: xds.state(uid) == "SYNCED")
    digests = Digests(server, paths, clock)
    hpa = autoscaler.hpa.Loop(server.snapshot, pod_usage(runtime), clock)
    contracts = ContractFeed(server, paths, clock, ROLES)
    made = (*_controllers(authority, facts, server, acks, digests), *autoscaler.hpa.controllers(hpa))
    allows = allows_of(store.snapshot)
    events = (
        *eventing.controllers(serves=contracts.serves, allows=allows),
        *kafka.controllers(contracts.serves),
    )
    engine = Engine(server, (*made, *events), clock, recorder)
    contracts.woken = engine.wake
    facts.listen(autoscaler.waker(engine.wake))
    hpa.wake = autoscaler.hpa.waker(engine.wake)
    tokens = issuer(server, authority.token_key, clock)
    node = Node(
        server,
        recorder,
        runtime,
        paths,
        clock,
        bootstrap_of(paths),
        issue_token=tokens,
        renamed=xds.known_as,
        connected=lambda born: born in xds.connected(),
    )
    collector = autoscaler.Collector(server, facts, paths, clock)
    http = HttpServer(
        OwnPaths(server.asgi, _answers(options, server, xds, feed)), unix_door(paths.api_socket)
    )
    pods_http = pod_door(server.asgi, authority, paths.pki, clock.now())
    await _create_missing(server, options.domain)
    async with asyncio.TaskGroup() as group:
        mesh_feed, names = _feeds(server, runtime, feed, clock)
        parts = (
            recorder.run,
            engine.run,
            GarbageCollector(server, clock).run,
            server.cleaner.run,
            xds.run,
            mesh_feed.run,
        )
        served = Served(server, xds, engine, feed.fronts)
        feed.served = served.look
        tasks = [
            group.create_task(r) for r in (digests.run(engine.wake), served.run(), hpa.run(), contracts.run())
        ]
        tasks += [
            group.create_task(part())
            for part in (*parts, names.run, node.run, collector.run, activator.run, http.run, pods_http.run)
        ]
        await stop.wait()
        await _end(tasks)


def _api(
    options: Options, store: Store, runtime: Runtime, authority: Authority, clock: SystemClock
) -> Server:
    return Server(
        store,
        clock=clock,
        admission=ADMISSION,
        options={"strict": options.strict, "domain": options.domain},
        authenticators=(
            by_client_certificate,
            by_token(authority.token_key, ISSUER, store.snapshot, clock),
        ),
        logs=NodeLogs(options.paths, store.snapshot, clock),
        doors=NodeDoors(options.paths, store.snapshot, clock),
        meter=NodeMeter(runtime, store.snapshot, clock),
        audit=audit(options.paths, clock),
        tokens=Tokens(authority.token_key, ISSUER, store.snapshot, clock),
    )


def _feeds(server: Server, runtime: Runtime, feed: MeshFeed, clock: SystemClock) -> tuple[Feed, Feed]:
    """What the proxies and what the pod network are told; the first is woken by refusals, too."""
    mesh_feed = Feed(name="mesh", api=server, kinds=mesh.READS, clock=clock, rebuild=feed.rebuild)
    feed.again = mesh_feed.wake
    rebuild = ServiceFeed(server, runtime, clock).rebuild
    return mesh_feed, Feed(name="services", api=server, kinds=services.READS, clock=clock, rebuild=rebuild)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel, and again what does not end by it: a cancellation can be lost in a library's hands."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=ENDS_WITHIN_S)
        if left:
            log.warning("parts do not end", extra={"parts": sorted(repr(task.get_coro()) for task in left)})


def _controllers(
    authority: Authority, facts: autoscaler.Facts, server: Server, acks: Acks, resolve: serving.Resolve
) -> tuple[Any, ...]:
    """Every controller of the product, room by room."""
    roots = authority.roots.decode()
    probe, exposed = AckedProbe(server, acks), RoutesServed(server, acks)
    certificates = ServingCertificates(authority, SystemClock())
    return (
        *workloads.controllers(lambda: authority.cluster_roots.decode()),
        *operators.controllers(operators.Facts(mesh_roots=roots)),
        *serving.controllers(resolve=resolve, probe=probe, exposed=exposed, issue=certificates),
        *autoscaler.controllers(facts),
        *openshift.CONTROLLERS,
    )


async def _create_missing(server: Server, domain: str) -> None:
    """What a new cluster starts with; an old one keeps what it has."""
    for obj in (*workloads.bootstrap_objects(), *openshift.bootstrap_objects(domain)):
        try:
            await server.create(obj)
        except AlreadyExists:
            continue
    await bring_up(server)


def _answers(options: Options, server: Server, xds: XdsServer, feed: MeshFeed) -> Mapping[str, Answer]:
    async def status(_: Mapping[str, str]) -> Any:
        synced = {proxy: xds.state(proxy) for proxy in xds.synced()}
        return report(options, server.snapshot(), synced, version=__version__)

    async def acked(query: Mapping[str, str]) -> Any:
        async with asyncio.timeout(ACKED_WITHIN_S):
            await feed.acked(int(query.get("revision", "0")))
        return {"revision": feed.published_revision}

    return {"status": status, "acked": acked}
