"""From a container of a pod to the order that the runtime gets. Pure: files are named, not written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hauberk.base.paths import Paths
from hauberk.kinds.core.container import Container
from hauberk.kinds.core.volume import VolumeMount
from hauberk.node.images.model import Mount, ResolvedImage
from hauberk.node.runtime import Launch

from .env import command_of, expand
from .fields import ConfigError
from .names import hosts_file, resolv_file
from .spec import Pod

_HASH = "pod-template-hash"
TERMINATION_LOG = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the pod's volumes, a container's termination message and its log are."""

    volumes: Mapping[str, Path]
    termination_log: Path
    log: Path
    ip: str


def make_launch(
    pod: Pod, container: Container, attempt: int, image: ResolvedImage, env: Mapping[str, str], ground: Ground
) -> Launch:
    """The runtime's order for one container. Raises ConfigError where upstream refuses to create it.

    Deviation: `runAsNonRoot` accepts built-in images whatever their user: nothing runs as the machine's root.
    """
    _check_user(pod, container, image)
    argv, args = command_of(container, env)
    security = container.security_context
    pod_security = pod.spec.security_context
    user = security.run_as_user if security is not None else None
    if user is None and pod_security is not None:
        user = pod_security.run_as_user
    fixed = {v.name for v in pod.spec.volumes if (c := v.persistent_volume_claim) and c.read_only}
    mounts = [_mount(m, ground, env, read_only=m.name in fixed) for m in container.volume_mounts]
    target = container.termination_message_path or TERMINATION_LOG
    mounts.append(Mount(str(ground.termination_log), target))
    return Launch(
        uid=pod.uid,
        name=container.name,
        attempt=attempt,
        image=image,
        log=ground.log,
        namespace=pod.namespace,
        argv=argv,
        args=args,
        env=env,
        cwd=container.working_dir or None,
        mounts=tuple(mounts),
        hostname=pod.hostname,
        ip=ground.ip,
        hosts=hosts_file(pod, ground.ip),
        resolv_conf=resolv_file(pod),
        run_as_user=user,
        read_only_root=bool(security is not None and security.read_only_root_filesystem),
    )


def folders_of(pod: Pod, image: ResolvedImage, paths: Paths) -> tuple[Mount, ...]:
    """The machine's directories that an image asks for."""
    workload = paths.workload(pod.namespace, workload_of(pod))
    where = {"pod": paths.component(pod.uid), "workload": workload}
    return tuple(Mount(str(where[scope]), target) for target, scope in image.folders.items())


def workload_of(pod: Pod) -> str:
    """The name of what the pod is a replica of: its Deployment, StatefulSet or Job, or the pod itself."""
    owner = next((o for o in pod.raw["metadata"].get("ownerReferences") or () if o.get("controller")), None)
    if owner is None:
        return pod.name
    name = str(owner["name"])
    return name.removesuffix(f"-{pod.labels.get(_HASH, '')}") if owner["kind"] == "ReplicaSet" else name


def _mount(mount: VolumeMount, ground: Ground, env: Mapping[str, str], *, read_only: bool) -> Mount:
    root = ground.volumes.get(mount.name)
    if root is None:
        raise ConfigError(f'volume "{mount.name}" is not mounted')
    source = root
    if mount.sub_path:
        part = Path(expand(mount.sub_path, env))
        if part.is_absolute() or ".." in part.parts:
            raise ConfigError(f'subPath "{mount.sub_path}" must stay inside the volume')
        source = root / part
    return Mount(str(source), mount.mount_path, read_only or mount.read_only)


def _check_user(pod: Pod, container: Container, image: ResolvedImage) -> None:
    """Source: kubernetes pkg/kubelet/kuberuntime/security_context.go, verifyRunAsNonRoot."""
    wide, own = pod.spec.security_context, container.security_context
    non_root = own.run_as_non_root if own is not None else None
    if non_root is None and wide is not None:
        non_root = wide.run_as_non_root
    if not non_root:
        return
    user = own.run_as_user if own is not None else None
    if user is None and wide is not None:
        user = wide.run_as_user
    if user == 0:
        raise ConfigError("container's runAsUser breaks non-root policy")
    if user is None and image.kind == "oci" and image.user.partition(":")[0] in ("", "0", "root"):
        raise ConfigError("container has runAsNonRoot and image will run as root")
