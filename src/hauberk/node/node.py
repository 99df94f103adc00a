"""The kubelet and the scheduler of the embedded cluster.

Guarantees: every pod object bound to this node is worked by exactly one task; what an earlier control
plane started goes on without a restart; what runs without an object is ended; an exit that happened
meanwhile is processed. When `run` is cancelled nothing is stopped: the keeper keeps the pods running for
the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Sequence

from hauberk.base.apierrors import AlreadyExists, ApiError, Gone, NotFound
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, is_deleting, kind_of, ref_of
from hauberk.kinds.core.volume import TokenProjection
from hauberk.node.runtime import Runtime
from hauberk.ports import Api, Clock, Recorder, WatchEvent

from .claims import CLAIM, unplaced, waits_for
from .objects import LEASE_S, NODE, NODE_IP, Machine, make_lease, make_node, make_node_status, read_machine
from .pod.adopt import Found
from .pod.deps import Deps, IssueToken, ProxyBootstrap
from .pod.fields import ConfigError, NodeFacts
from .pod.pull import ResolveImage, resolver
from .pod.spec import Pod, pod_of
from .pod.worker import PodWorker
from .reclaim import Reclaimer
from .spares import Spares

log = logging.getLogger(__name__)

WATCHED = ("Pod", "ConfigMap", "Secret", CLAIM)
BIND_MANAGER = "kube-scheduler"
AGAIN_S = 1.0
TOKENS_S = 60.0


def no_tokens(pod: Pod, projection: TokenProjection) -> bytes:
    """Issue nothing: no token issuer was given."""
    del projection
    raise ConfigError(f"failed to fetch token for {pod.service_account}: this cluster issues no tokens")


class Node:
    """The one node. `run` works until it is cancelled.

    `renamed` is told when the Envoy that was started as its first argument belongs to the pod of its second;
    `connected` tells whether an Envoy that was started as its argument has come to the control plane.
    """

    def __init__(
        self,
        api: Api,
        recorder: Recorder,
        runtime: Runtime,
        paths: Paths,
        clock: Clock,
        proxy_bootstrap: ProxyBootstrap,
        *,
        resolve_image: ResolveImage | None = None,
        issue_token: IssueToken = no_tokens,
        machine: Machine | None = None,
        renamed: Callable[[str, str], None] = lambda _born, _uid: None,
        connected: Callable[[str], bool] = lambda _born: False,
    ) -> None:
        self._machine, self._renamed = machine or read_machine(), renamed
        self._spares = Spares(runtime, paths, clock, proxy_bootstrap, renamed, connected)
        self._deps = Deps(
            api=api,
            recorder=recorder,
            runtime=runtime,
            paths=paths,
            clock=clock,
            resolve_image=resolve_image or resolver(paths),
            proxy_bootstrap=proxy_bootstrap,
            take_spare=self._spares.claim,
            issue_token=issue_token,
            facts=NodeFacts(NODE_IP, str(self._machine.cpus), str(self._machine.memory_bytes)),
            limits_unenforced=self._limits_unenforced,
        )
        self._workers: dict[str, PodWorker] = {}
        self._found: dict[str, Found] = {}
        self._revisions: dict[str, int] = {}
        self._binding: set[str] = set()
        self._waiting: dict[Ref, str] = {}  # pods whose claims have no volume yet, and what was said
        self._said_limits = False

    async def run(self) -> None:
        """Register the node, adopt what runs, and work pods until cancelled."""
        await self._register()
        self._found = await self._find()
        async with asyncio.TaskGroup() as tasks:
            revision = self._take_stock(tasks)
            tasks.create_task(self._read_exits())
            tasks.create_task(self._spares.run())
            tasks.create_task(self._renew())
            tasks.create_task(self._renew_tokens())
            tasks.create_task(Reclaimer(self._deps.api, self._deps.paths).run())
            await self._watch(tasks, revision)

    # What is there at the start.

    async def _find(self) -> dict[str, Found]:
        """What the keeper has, per pod."""
        runtime = self._deps.runtime
        addresses = await runtime.sandboxes()
        units: dict[str, dict[str, tuple[int, float]]] = {uid: {} for uid in addresses}
        for row in await runtime.running():
            units.setdefault(row.uid, {})[row.name] = (row.attempt, row.started_at)
            if row.born != row.uid:
                self._renamed(row.born, row.uid)
        return {uid: Found(addresses.get(uid, ""), running) for uid, running in units.items()}

    def _take_stock(self, tasks: asyncio.TaskGroup) -> int:
        """Begin to work every pod there is, and end what has no object."""
        snapshot = self._deps.api.snapshot()
        for raw in snapshot.list("Pod"):
            self._pod_seen(tasks, raw)
        known = {str(raw["metadata"]["uid"]) for raw in snapshot.list("Pod")}
        known |= self._spares.own
        for uid in self._found.keys() - known:
            tasks.create_task(self._end_orphan(uid))
        self._remove_old_logs(known)
        return snapshot.revision

    async def _end_orphan(self, uid: str) -> None:
        log.info("ending a sandbox whose pod is gone", extra={"uid": uid})
        await self._deps.runtime.remove_sandbox(uid)
        await asyncio.to_thread(shutil.rmtree, self._deps.paths.pod(uid), ignore_errors=True)

    def _remove_old_logs(self, known: set[str]) -> None:
        folder = self._deps.paths.pod_logs("x").parent
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.name not in known:
                    shutil.rmtree(entry, ignore_errors=True)

    # Changes.

    async def _watch(self, tasks: asyncio.TaskGroup, since: int) -> None:
        while True:
            changes = self._deps.api.watch(WATCHED, since=since)
            try:
                async for batch in changes:
                    self._take(tasks, batch)
            except Gone:
                since = self._take_stock(tasks)

    def _take(self, tasks: asyncio.TaskGroup, batch: Sequence[WatchEvent]) -> None:
        for event in batch:
            if kind_of(event.obj) != "Pod":
                self._source_changed(ref_of(event.obj))
                if kind_of(event.obj) == CLAIM:
                    self._claim_changed(tasks, ref_of(event.obj).namespace)
            elif event.type == "DELETED":
                uid = str(event.obj["metadata"]["uid"])
                self._revisions.pop(uid, None)
                if uid in self._workers:
                    self._workers[uid].vanished()
            else:
                self._pod_seen(tasks, event.obj)

    def _source_changed(self, ref: Ref) -> None:
        for worker in self._workers.values():
            if worker.refers_to(ref):
                worker.source_changed()

    def _pod_seen(self, tasks: asyncio.TaskGroup, raw: Json) -> None:
        """Bind a pod that has no node; hand a version of ours to its worker, new or not."""
        meta, spec = raw["metadata"], raw.get("spec") or {}
        uid, revision = str(meta["uid"]), int(meta.get("resourceVersion") or 0)
        if revision < self._revisions.get(uid, 0):
            return
        self._revisions[uid] = revision
        if not spec.get("nodeName"):
            if uid not in self._binding and not is_deleting(raw) and self._may_bind(tasks, raw):
                self._binding.add(uid)
                tasks.create_task(self._bind(tasks, raw))
            return
        if spec["nodeName"] != NODE:
            return
        try:
            pod = pod_of(raw)
        except ValueError as error:  # msgspec.ValidationError: the API server validated with the same model
            log.error("a stored pod cannot be read", extra={"pod": str(ref_of(raw)), "error": str(error)})
            return
        if uid in self._workers:
            self._workers[uid].object_changed(pod)
        elif not self._is_settled(pod):
            self._workers[uid] = PodWorker(self._deps, pod, self._found.pop(uid, Found()))
            tasks.create_task(self._work(tasks, self._workers[uid]))

    def _may_bind(self, tasks: asyncio.TaskGroup, raw: Json) -> bool:
        """Whether the pod's claims have their volumes; otherwise it waits for them."""
        ref = ref_of(raw)
        wait = waits_for(self._deps.api.snapshot(), raw)
        if wait is None:
            self._waiting.pop(ref, None)
            return True
        if wait.text and self._waiting.get(ref) != wait.text:
            tasks.create_task(self._say_unplaced(raw, wait.message))
        self._waiting[ref] = wait.text
        return False

    async def _say_unplaced(self, raw: Json, text: str) -> None:
        """What the scheduler says of a pod that it cannot place."""
        self._deps.recorder.event(
            raw, "FailedScheduling", text, type="Warning", component="default-scheduler"
        )
        with contextlib.suppress(ApiError):
            await self._deps.api.apply_status(
                ref_of(raw), unplaced(text, self._deps.clock.now()), manager=BIND_MANAGER
            )

    def _claim_changed(self, tasks: asyncio.TaskGroup, namespace: str) -> None:
        """Look again at the pods that wait for claims of this namespace."""
        for ref in [r for r in self._waiting if r.namespace == namespace]:
            raw = self._deps.api.snapshot().get(ref)
            if raw is None:
                self._waiting.pop(ref, None)
            else:
                self._pod_seen(tasks, raw)

    def _is_settled(self, pod: Pod) -> bool:
        """Whether a pod ended for good before this control plane began, and nothing of it is left."""
        phase = (pod.raw.get("status") or {}).get("phase")
        return phase in ("Succeeded", "Failed") and not pod.deleting and pod.uid not in self._found

    async def _bind(self, tasks: asyncio.TaskGroup, raw: Json) -> None:
        """Schedule: there is one node."""
        ref, uid = ref_of(raw), str(raw["metadata"]["uid"])
        try:
            patch = {"metadata": {"uid": uid}, "spec": {"nodeName": NODE}}
            bound = await self._deps.api.patch(ref, patch, manager=BIND_MANAGER)
        except NotFound:
            return
        except ApiError as error:
            log.warning("cannot bind a pod", extra={"pod": str(ref), "error": str(error)})
            await self._deps.clock.sleep(AGAIN_S)
            current = self._deps.api.snapshot().get(ref)
            self._binding.discard(uid)
            if current is not None:
                self._pod_seen(tasks, current)
            return
        self._binding.discard(uid)
        said = f"Successfully assigned {ref.namespace}/{ref.name} to {NODE}"
        self._deps.recorder.event(bound, "Scheduled", said, component="default-scheduler")
        self._pod_seen(tasks, bound)

    async def _work(self, tasks: asyncio.TaskGroup, worker: PodWorker) -> None:
        """Run one worker; one that fails is replaced by one that adopts what it left."""
        uid = worker.uid
        try:
            await worker.run()
        except Exception:
            log.exception("a pod's worker failed and starts again", extra={"uid": uid})
            await self._deps.clock.sleep(AGAIN_S)
            self._found |= await self._find()
            self._workers.pop(uid, None)
            self._revisions.pop(uid, None)
            for raw in self._deps.api.snapshot().list("Pod"):
                if raw["metadata"]["uid"] == uid:
                    self._pod_seen(tasks, raw)
            return
        self._workers.pop(uid, None)
        await asyncio.to_thread(shutil.rmtree, self._deps.paths.pod_logs(uid), ignore_errors=True)

    async def _read_exits(self) -> None:
        """Hand every exit to its pod's worker."""
        async for end in self._deps.runtime.exits():
            worker = self._workers.get(end.uid)
            if worker is not None:
                worker.exited(end)
            else:
                await self._spares.ended(end.uid)

    # The node's own objects.

    async def _register(self) -> None:
        api, now = self._deps.api, self._deps.clock.now()
        ref = Ref("Node", "", NODE)
        await api.apply(make_node(), manager="kubelet")
        await api.apply_status(
            ref, make_node_status(self._machine, api.snapshot().get(ref), now), manager="kubelet"
        )
        with contextlib.suppress(AlreadyExists):
            await api.create(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-node-lease"}},
                manager="kubelet",
            )

    async def _renew(self) -> None:
        """Renew the Lease; the Node's status is written anew with it every few minutes only."""
        ref = Ref("Node", "", NODE)
        rounds = 0
        while True:
            try:
                await self._deps.api.apply(make_lease(self._deps.clock.now()), manager="kubelet")
                rounds += 1
                if rounds % 15 == 0:
                    stored = self._deps.api.snapshot().get(ref)
                    status = make_node_status(self._machine, stored, self._deps.clock.now())
                    await self._deps.api.apply_status(ref, status, manager="kubelet")
            except ApiError as error:
                log.warning("cannot renew the node's lease", extra={"error": str(error)})
            await self._deps.clock.sleep(LEASE_S / 2)

    async def _renew_tokens(self) -> None:
        """Look at every pod's volumes again now and then: projected tokens are renewed before they expire."""
        while True:
            await self._deps.clock.sleep(TOKENS_S)
            for worker in tuple(self._workers.values()):
                worker.refresh_volumes()

    def _limits_unenforced(self, pod: Pod) -> None:
        """Say once that limits do not act: control groups belong to the machine, not to this user."""
        if self._said_limits:
            return
        self._said_limits = True
        message = (
            "resource limits of containers are accepted but not enforced: this node uses no control groups"
        )
        about = self._deps.api.snapshot().get(Ref("Node", "", NODE)) or pod.raw
        self._deps.recorder.event(about, "LimitsNotEnforced", message, type="Warning", component="kubelet")
        self._deps.recorder.event(pod.raw, "LimitsNotEnforced", message, type="Warning", component="kubelet")
