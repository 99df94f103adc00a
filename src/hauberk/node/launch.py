"""From what a pod asks for to what the keeper is told: argv, environment, files, mounts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hauberk.base.paths import Paths
from hauberk.node.images.model import Mount, ResolvedImage

DNS_ADDRESS = "172.30.0.10"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Launch:
    """One container to start. `argv` None: the image's entrypoint; `args` replace the image's cmd.

    `argv` given and `args` empty drops the image's cmd, as Kubernetes does. `namespace` is the pod's: its DNS
    searches there. `resolv_conf` and `hosts` replace the ones made here (dnsPolicy, hostAliases).
    """

    uid: str
    name: str
    attempt: int
    image: ResolvedImage
    log: Path
    namespace: str = "default"
    argv: tuple[str, ...] | None = None
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str | None = None
    mounts: tuple[Mount, ...] = ()
    hostname: str = "localhost"
    ip: str = ""
    run_as_user: int | None = None
    read_only_root: bool = False
    resolv_conf: str = ""
    hosts: str = ""


def command_of(launch: Launch) -> tuple[str, ...]:
    """The argument list.

    | command | args | runs                      |
    |---------|------|---------------------------|
    | no      | no   | image entrypoint + cmd    |
    | no      | yes  | image entrypoint + args   |
    | yes     | no   | command                   |
    | yes     | yes  | command + args            |

    Source: kubernetes pkg/kubelet/container/helpers.go, ExpandContainerCommandAndArgs and CRI's Command/Args.
    """
    if launch.argv:
        return (*launch.argv, *launch.args)
    return (*launch.image.entrypoint, *(launch.args or launch.image.cmd))


def resolv_conf(namespace: str) -> str:
    """What a pod with dnsPolicy ClusterFirst has. Source: kubelet network/dns/dns.go."""
    search = f"{namespace}.svc.cluster.local svc.cluster.local cluster.local"
    return f"search {search}\nnameserver {DNS_ADDRESS}\noptions ndots:5\n"


def hosts(hostname: str, ip: str) -> str:
    """The pod's /etc/hosts. Source: kubelet kubelet_pods.go, managedHostsFileContent."""
    head = (
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    )
    return f"{head}{ip}\t{hostname}\n" if ip else head


def user_of(launch: Launch) -> int:
    """The uid inside: the pod's, else the image's when it is a number, else 0."""
    if launch.run_as_user is not None:
        return launch.run_as_user
    user = launch.image.user.partition(":")[0]
    return int(user) if user.isdigit() else 0


def container_request(launch: Launch, paths: Paths) -> dict[str, Any]:
    """The keeper's `start` request for a container."""
    binds = [*launch.image.binds, *sorted(launch.mounts, key=lambda m: m.target.count("/"))]
    user = user_of(launch)
    return {
        "kind": "container",
        "uid": launch.uid,
        "name": launch.name,
        "attempt": launch.attempt,
        "argv": list(command_of(launch)),
        "env": {"PATH": _PATH, "HOSTNAME": launch.hostname, "HOME": "/", **launch.image.env, **launch.env},
        "cwd": launch.cwd or launch.image.workdir or "/",
        "root": launch.image.root,
        "scratch": str(paths.pod(launch.uid) / "rootfs" / f"{launch.name}-{launch.attempt}"),
        "binds": [[m.source, m.target, m.read_only] for m in binds],
        "files": _files(launch, user),
        "log": str(launch.log),
        "hostname": launch.hostname,
        "user": user,
        "read_only_root": launch.read_only_root,
    }


def _files(launch: Launch, user: int) -> list[list[str]]:
    files = [
        ["/etc/resolv.conf", launch.resolv_conf or resolv_conf(launch.namespace)],
        ["/etc/hosts", launch.hosts or hosts(launch.hostname, launch.ip)],
        ["/etc/hostname", f"{launch.hostname}\n"],
    ]
    if not launch.image.root:
        own = f"app:x:{user}:0:app:/:/bin/sh\n" if user else ""
        files.append(["/etc/passwd", f"root:x:0:0:root:/:/bin/sh\n{own}nobody:x:65534:65534::/:/bin/false\n"])
        files.append(["/etc/group", "root:x:0:\nnogroup:x:65534:\n"])
    return files


def proxy_request(
    uid: str, *, name: str, argv: Sequence[str], env: Mapping[str, str], log: Path, attempt: int
) -> dict[str, Any]:
    """The keeper's `start` request for a process in the pod's network with the host's files."""
    return {
        "kind": "proxy",
        "uid": uid,
        "name": name,
        "attempt": attempt,
        "argv": list(argv),
        "env": {"PATH": _PATH, **env},
        "cwd": "/",
        "scratch": "",
        "log": str(log),
        "user": 0,
    }
