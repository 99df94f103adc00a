"""Carries out what the machine asks for: the only module of a pod that touches files, the keeper and the API.

Each method ends in one event for the machine. What is expected to fail (no image, no Secret, a wrong
command) becomes an event with upstream's words; what is not travels up to the worker, which reports it
and tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from hauberk.base.apierrors import Conflict, NotFound
from hauberk.base.files import write_whole
from hauberk.kinds.core.container import Container
from hauberk.node.images.model import ImageProblem, Mount, ResolvedImage
from hauberk.node.redirect import parse_istio_iptables
from hauberk.node.runtime import Running, StartError

from .deps import Deps
from .env import environment
from .fields import ConfigError
from .hooks import run_hook
from .launch import Ground, folders_of, make_launch
from .layout import Layout
from .model import (
    PROXY,
    Clean,
    Cleaned,
    Deleted,
    DeleteObject,
    Drained,
    DrainProxy,
    Event,
    Exited,
    HookDone,
    MakeSandbox,
    Mounted,
    MountFailed,
    MountVolumes,
    NotStarted,
    RunHook,
    SandboxFailed,
    SandboxMade,
    SendSignal,
    Started,
    StartUnit,
)
from .probes.http1 import HttpError, get_unix, post_unix
from .spec import Pod
from .termination import read_message
from .times import stamp
from .volume_files import provide
from .volumes import Files, World, payload_of

log = logging.getLogger(__name__)

SANDBOX_LIMIT_S = 30.0
START_LIMIT_S = 120.0


class Hands:
    """The doer of one pod. `say` records an event: (reason, message, is a warning)."""

    def __init__(
        self,
        deps: Deps,
        pod: Callable[[], Pod],
        layout: Layout,
        say: Callable[[str, str, bool], None],
        post: Callable[[Event], None],
    ) -> None:
        self._deps, self._pod, self._layout, self._say, self._post = deps, pod, layout, say, post
        self._volumes: dict[str, Path] = {}
        self._taken: Running | None = None  # a spare's Envoy that nobody has asked to start yet
        self.ip = ""

    # Sandbox, volumes, the end.

    async def make_sandbox(self, _: MakeSandbox) -> Event:
        """A network namespace and an address; for a pod with an Envoy, a spare one when there is one."""
        try:
            async with asyncio.timeout(SANDBOX_LIMIT_S):
                self.ip = await self._take_spare() or await self._deps.runtime.sandbox(self._pod().uid)
        except (StartError, TimeoutError) as error:
            return SandboxFailed(str(error) or "timed out")
        return SandboxMade(self.ip)

    async def _take_spare(self) -> str:
        """The address of a spare that is this pod's now, empty when there is none. Only for a first start."""
        pod = self._pod()
        if not self._layout.roles or (pod.raw.get("status") or {}).get("containerStatuses"):
            return ""
        claimed = await self._deps.take_spare(pod.uid, self._proxy_log(0))
        if claimed is None:
            return ""
        self._taken = claimed.running
        return claimed.ip

    def _proxy_log(self, attempt: int) -> Path:
        return self._deps.paths.pod_logs(self._pod().uid) / next(iter(self._layout.roles)) / f"{attempt}.log"

    async def mount_volumes(self, _: MountVolumes) -> Event:
        """Files for every volume."""
        failures = self.refresh_volumes(first=True)
        return MountFailed(tuple(failures)) if failures else Mounted()

    def refresh_volumes(self, *, first: bool = False) -> list[str]:
        """Write every volume's present content; returns the kubelet's words for those that have none.

        After the first time only files that come from objects are looked at, and a source that went away
        leaves the files as they are, as the kubelet does.
        """
        pod, deps = self._pod(), self._deps
        world = World(
            deps.api.snapshot(),
            deps.facts,
            lambda projection: deps.issue_token(pod, projection),
            self.ip,
            str(deps.paths.volumes),
        )
        root = deps.paths.pod(pod.uid)
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        when = stamp(deps.clock.now()).replace(":", "_")
        failures = []
        for volume in pod.spec.volumes:
            try:
                payload = payload_of(pod, volume, world)
                if first or isinstance(payload, Files):
                    self._volumes[volume.name] = provide(root / "volumes" / volume.name, payload, when)
            except (ConfigError, OSError) as error:
                failures.append(f'MountVolume.SetUp failed for volume "{volume.name}" : {error}')
        return failures

    async def clean(self, _: Clean) -> Event:
        """Take sandbox and files away."""
        uid = self._pod().uid
        try:
            async with asyncio.timeout(SANDBOX_LIMIT_S):
                await self._deps.runtime.remove_sandbox(uid)
        except (StartError, TimeoutError) as error:
            log.warning("cannot remove a pod's sandbox", extra={"uid": uid, "error": str(error)})
            return Cleaned(ok=False)
        await asyncio.to_thread(shutil.rmtree, self._deps.paths.pod(uid), ignore_errors=True)
        return Cleaned()

    async def delete_object(self, _: DeleteObject) -> Event:
        """Let the API forget the pod."""
        pod = self._pod()
        with contextlib.suppress(NotFound, Conflict):
            await self._deps.api.delete(pod.ref, grace_s=0, uid=pod.uid)
        return Deleted()

    # Units.

    async def start_unit(self, action: StartUnit) -> Event:
        """Start an app container, the Envoy, or carry out a redirect."""
        pod = self._pod()
        try:
            async with asyncio.timeout(START_LIMIT_S):
                if action.unit == PROXY:
                    return await self._start_proxy(pod, action)
                container = pod.container(action.unit)
                assert container is not None, "a unit stands for a container of the spec"
                if container.name in self._layout.redirects:
                    return await self._redirect(pod, container, action)
                return await self._start_app(pod, container, action)
        except ImageProblem as error:
            self._say("Failed", f"Error: {error.reason}", True)
            return NotStarted(action.unit, action.attempt, error.reason, error.message)
        except ConfigError as error:
            self._say("Failed", f"Error: {error}", True)
            return NotStarted(action.unit, action.attempt, "CreateContainerConfigError", str(error))
        except StartError as error:
            self._say("Failed", f"Error: {error.message}", True)
            return NotStarted(action.unit, action.attempt, error.reason, error.message, error.code)
        except TimeoutError:
            return NotStarted(action.unit, action.attempt, "RunContainerError", "context deadline exceeded")

    async def _start_app(self, pod: Pod, container: Container, action: StartUnit) -> Event:
        deps = self._deps
        image = await self._image(container)
        env = environment(pod, container, deps.api.snapshot(), ip=self.ip, node=deps.facts)
        ground = self._ground(pod, container, action.attempt)
        launch = make_launch(pod, container, action.attempt, image, env, ground)
        for mount in launch.mounts:
            self._fill_sub_path(mount)
        if image.folders:
            launch = replace(launch, mounts=(*launch.mounts, *self._own_folders(pod, image)))
        if container.resources is not None and container.resources.limits:
            deps.limits_unenforced(pod)
        running = await deps.runtime.start(launch)
        self._say("Created", "Container created", False)
        self._say("Started", "Container started", False)
        return _started(action, running, image.image_id)

    async def _image(self, container: Container) -> ResolvedImage:
        """The image, with the events of finding it."""
        begun = self._deps.clock.monotonic()
        try:
            pulled = await self._deps.resolve_image(container.image, container.image_pull_policy)
        except ImageProblem as error:
            self._say("Failed", f'Failed to pull image "{container.image}": {error.message}', True)
            raise
        said = (
            f'Container image "{container.image}" already present on machine and can be accessed by the pod'
        )
        if pulled.fetched:
            took = self._deps.clock.monotonic() - begun
            said = f'Successfully pulled image "{container.image}" in {took:.3f}s'
        self._say("Pulled", said, False)
        return pulled.image

    async def _start_proxy(self, pod: Pod, action: StartUnit) -> Event:
        container = pod.container(next(iter(self._layout.roles)))
        assert container is not None, "roles name containers of the spec"
        image = (await self._deps.resolve_image(container.image, container.image_pull_policy)).image
        running = await self._taken_over()
        if running is None:
            running = await self._launch_proxy(pod, action.attempt)
        for _ in self._layout.roles:
            self._say("Created", "Container created", False)
            self._say("Started", "Container started", False)
        return _started(action, running, image.image_id)

    async def _taken_over(self) -> Running | None:
        """The spare's Envoy, if this pod took one and it is still there.

        It is asked for once more: its exit may have been read before the answer that made it this pod's.
        """
        mine = self._taken
        alive = {row.pid for row in await self._deps.runtime.running()} if mine is not None else set()
        still, self._taken = self._taken, None  # `lost_spare` may have come first
        return still if still is not None and still.pid in alive else None

    async def _launch_proxy(self, pod: Pod, attempt: int) -> Running:
        deps = self._deps
        order = deps.proxy_bootstrap(pod.raw, self._layout.roles, self.ip)
        for name, content in order.files.items():
            write_whole(deps.paths.pod(pod.uid) / name, content)
        return await deps.runtime.start_proxy(
            pod.uid,
            name=PROXY,
            argv=order.argv,
            env=order.env,
            log=self._proxy_log(attempt),
            attempt=attempt,
        )

    def lost_spare(self, unit: str) -> bool:
        """Whether a spare's Envoy ended that this pod took and did not use yet: it starts its own."""
        if unit != PROXY or self._taken is None:
            return False
        self._taken = None
        return True

    async def _redirect(self, pod: Pod, container: Container, action: StartUnit) -> Event:
        """Istio-init: rules instead of a process. Reported as a container that ran and ended well."""
        spec = parse_istio_iptables(container.args or container.command)
        if spec.inert:
            flags = " ".join(spec.inert)
            self._say("RedirectFlagsIgnored", f"istio-iptables flags that do not act here: {flags}", True)
        await self._deps.runtime.redirect(pod.uid, spec)
        self._say("Created", "Container created", False)
        self._say("Started", "Container started", False)
        now = self._deps.clock.now()
        image = (await self._deps.resolve_image(container.image, container.image_pull_policy)).image
        identity = container_id(pod.uid, action.unit, action.attempt)
        self._post(Started(action.unit, action.attempt, identity, image.image_id, now))
        return Exited(action.unit, action.attempt, 0, now)

    def _ground(self, pod: Pod, container: Container, attempt: int) -> Ground:
        root = self._deps.paths.pod(pod.uid)
        message = root / "termination" / f"{container.name}-{attempt}"
        write_whole(message, b"")
        path = self._deps.paths.pod_logs(pod.uid) / container.name / f"{attempt}.log"
        return Ground(dict(self._volumes), message, path, self.ip)

    def _own_folders(self, pod: Pod, image: ResolvedImage) -> tuple[Mount, ...]:
        """The directories that the image asks for, made."""
        folders = folders_of(pod, image, self._deps.paths)
        for folder in folders:
            Path(folder.source).mkdir(mode=0o700, parents=True, exist_ok=True)
        return folders

    def _fill_sub_path(self, mount: Mount) -> None:
        """A subPath that does not exist in a writable volume becomes a directory."""
        source = Path(mount.source)
        if any(source.is_relative_to(root) for root in self._volumes.values()) and not source.exists():
            source.mkdir(parents=True, exist_ok=True)

    async def signal(self, action: SendSignal) -> None:
        """Send a signal; the exit arrives by itself."""
        await self._deps.runtime.signal(self._pod().uid, action.unit, action.signal)

    def exited(self, unit: str, attempt: int, code: int, at: float, signal: int) -> Exited:
        """The end of a process, with its termination message."""
        pod = self._pod()
        container = pod.container(unit)
        message = ""
        if container is not None:
            own = self._deps.paths.pod(pod.uid) / "termination" / f"{unit}-{attempt}"
            logs = self._deps.paths.pod_logs(pod.uid) / unit / f"{attempt}.log"
            fall_back = code != 0 and container.termination_message_policy == "FallbackToLogsOnError"
            message = read_message(own, logs if fall_back else None)
        return Exited(unit, attempt, code, at, signal, message)

    async def drain(self, action: DrainProxy) -> Event:
        """Tell the Envoy to drain; wait until no connection is left: one second to the limit."""
        admin = self._deps.paths.proxy_admin(self._pod().uid)
        clock = self._deps.clock
        begun = clock.monotonic()
        with contextlib.suppress(HttpError):
            await post_unix(admin, "/drain_listeners?graceful&skip_exit", timeout_s=2.0)
            while clock.monotonic() - begun < action.limit_s:
                await clock.sleep(0.25)
                if clock.monotonic() - begun >= 1.0 and not await _open_connections(admin):
                    break
        return Drained(action.attempt)

    async def hook(self, action: RunHook) -> Event:
        """A lifecycle hook of an app container; a proxy container's only where it is a request."""
        container = self._pod().container(action.container)
        assert container is not None, "hooks name containers of the spec"
        proxied = container.name in self._layout.roles
        problem = await run_hook(self._deps, self._pod(), container, action, ip=self.ip, proxied=proxied)
        return HookDone(action.container, action.attempt, action.kind, not problem, problem)


async def _open_connections(admin: Path) -> int:
    answer = await get_unix(
        admin, "/stats?filter=^http.*downstream_cx_active$|^tcp.*downstream_cx_active$", timeout_s=2.0
    )
    rows = (line.rpartition(": ") for line in answer.body.decode(errors="replace").splitlines())
    return sum(int(value) for name, _, value in rows if value.isdigit() and ".admin." not in name)


def _started(action: StartUnit, running: Running, image_id: str) -> Started:
    return Started(
        action.unit,
        action.attempt,
        container_id(running.uid, action.unit, action.attempt),
        image_id,
        running.started_at,
    )


def container_id(uid: str, unit: str, attempt: int) -> str:
    """A stable id of one attempt, in the form of a runtime's container id."""
    return "hauberk://" + hashlib.sha256(f"{uid}/{unit}/{attempt}".encode()).hexdigest()
