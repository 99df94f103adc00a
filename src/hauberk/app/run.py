"""Builds every room of the embedded cluster and runs them in one TaskGroup.

The order is that of need: store, API, certificates, controllers, proxies, node. Nothing here
decides anything.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import partial
from typing import Any, TypeAlias

from hauberk import __version__, autoscaler, eventing, kafka, mesh, openshift, operators, serving, workloads
from hauberk.apiserver.auth import by_client_certificate
from hauberk.apiserver.server import Server
from hauberk.apiserver.tokens import Tokens, by_token
from hauberk.app.asgi import Answer, OwnPaths
from hauberk.app.audit_file import audit
from hauberk.app.beginnings import create_missing
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

Job: TypeAlias = Callable[[], Coroutine[Any, Any, None]]
"""A part of the control plane that runs until it is cancelled."""


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
    facts = autoscaler.Facts(clock)
    activator = Activator(server, facts, clock)
    recorder = EventRecorder(server, clock)
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
    node = _node(server, recorder, runtime, options, authority, xds)
    http = HttpServer(
        OwnPaths(server.asgi, _answers(options, server, xds, feed)), unix_door(paths.api_socket)
    )
    jobs = (
        recorder.run,
        *_control(server, runtime, authority, facts, xds, feed, recorder),
        server.cleaner.run,
        xds.run,
        *_feeds(server, runtime, feed, clock),
        node.run,
        autoscaler.Collector(server, facts, paths, clock).run,
        activator.run,
        http.run,
        pod_door(server.asgi, authority, paths.pki, clock.now()).run,
    )
    await create_missing(server, options.domain)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job()) for job in jobs]
        await stop.wait()
        await _end(tasks)


def _control(
    server: Server,
    runtime: Runtime,
    authority: Authority,
    facts: autoscaler.Facts,
    xds: XdsServer,
    feed: MeshFeed,
    recorder: EventRecorder,
) -> tuple[Job, ...]:
    """The engine with every controller, and what tells controllers that something is served."""
    clock, paths = SystemClock(), feed.paths
    acks = Acks(lambda: feed.published_revision, lambda uid: xds.state(uid) == "SYNCED")
    digests = Digests(server, paths, clock)
    hpa = autoscaler.hpa.Loop(server.snapshot, pod_usage(runtime), clock)
    contracts = ContractFeed(server, paths, clock, ROLES)
    controllers = (
        *_controllers(authority, facts, server, acks, digests),
        *autoscaler.hpa.controllers(hpa),
        *eventing.controllers(serves=contracts.serves, allows=allows_of(server.snapshot)),
        *kafka.controllers(contracts.serves),
    )
    engine = Engine(server, controllers, clock, recorder)
    contracts.woken = engine.wake
    facts.listen(autoscaler.waker(engine.wake))
    hpa.wake = autoscaler.hpa.waker(engine.wake)
    served = Served(server, xds, engine, feed.fronts)
    feed.served = served.look
    collector = GarbageCollector(server, clock)
    engaged = partial(contracts.before, engine.run)
    return engaged, collector.run, partial(digests.run, engine.wake), served.run, hpa.run, contracts.run


def _node(
    server: Server,
    recorder: EventRecorder,
    runtime: Runtime,
    options: Options,
    authority: Authority,
    xds: XdsServer,
) -> Node:
    clock = SystemClock()
    return Node(
        server,
        recorder,
        runtime,
        options.paths,
        clock,
        bootstrap_of(options.paths),
        issue_token=issuer(server, authority.token_key, clock),
        renamed=xds.known_as,
        connected=lambda born: born in xds.connected(),
    )


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


def _feeds(server: Server, runtime: Runtime, feed: MeshFeed, clock: SystemClock) -> tuple[Job, Job]:
    """What the proxies and what the pod network are told; the first is woken by refusals, too."""
    mesh_feed = Feed(name="mesh", api=server, kinds=mesh.READS, clock=clock, rebuild=feed.rebuild)
    feed.again = mesh_feed.wake
    rebuild = ServiceFeed(server, runtime, clock).rebuild
    names = Feed(name="services", api=server, kinds=services.READS, clock=clock, rebuild=rebuild)
    return mesh_feed.run, names.run


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


def _answers(options: Options, server: Server, xds: XdsServer, feed: MeshFeed) -> Mapping[str, Answer]:
    async def status(_: Mapping[str, str]) -> Any:
        synced = {proxy: xds.state(proxy) for proxy in xds.synced()}
        return report(options, server.snapshot(), synced, version=__version__)

    async def acked(query: Mapping[str, str]) -> Any:
        async with asyncio.timeout(ACKED_WITHIN_S):
            await feed.acked(int(query.get("revision", "0")))
        return {"revision": feed.published_revision}

    return {"status": status, "acked": acked}
