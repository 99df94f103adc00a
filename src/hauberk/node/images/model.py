"""What an image is once its reference has been resolved: enough to start a container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["pod", "workload"]
ImageKind = Literal["proxy", "builtin", "procfile", "oci"]
Role = Literal["mesh", "queue", "activator", "autoscaler", "router", "kourier", "component"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount into a container's root. `source` is a file or directory of the host."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ResolvedImage:
    """An image that is here.

    `kind` proxy: not a process; `role` says what it adds to the pod's one Envoy (role `mesh` with args
    `proxy router` is a gateway; role `component` is a process that only waits). `root` is an unpacked root
    file system (OCI) or empty: then the container sees the host's programs, read-only. `binds` come with the
    image (the application's directory). `folders` are directories of the machine that a container gets: the
    pod's own, which ends with it, or the workload's, which stays. `digest` is `sha256:HEX` of the content.
    """

    reference: str
    kind: ImageKind
    digest: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    root: str = ""
    binds: tuple[Mount, ...] = ()
    role: Role | None = None
    folders: Mapping[str, Scope] = field(default_factory=dict)

    @property
    def image_id(self) -> str:
        """What `status.containerStatuses[].imageID` shows: `REPOSITORY@sha256:HEX`."""
        repository = self.reference.partition("@")[0]
        head, slash, last = repository.rpartition("/")
        return f"{head}{slash}{last.partition(':')[0]}@{self.digest}"


class ImageProblem(Exception):
    """An image that cannot be used. `reason` is the kubelet's waiting reason; `message` says what to do."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message
