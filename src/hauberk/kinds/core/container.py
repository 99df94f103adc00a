"""A container of a pod, as the node runs it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import Meta

from hauberk.kinds.core.volume import FieldSelector, ResourceFieldSelector, VolumeMounts
from hauberk.kinds.meta import Part, merge_by

Quantity = str | int | float
IntOrString = int | str


class ContainerPort(Part, frozen=True):
    """A port the container listens on. Naming it lets Services and probes refer to it."""

    __inert__: ClassVar[tuple[str, ...]] = ("hostIP", "hostPort")

    container_port: int = 0
    name: str = ""
    protocol: str = ""


class KeySelector(Part, frozen=True):
    """A key of a ConfigMap or Secret."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class EnvSource(Part, frozen=True):
    """Where a variable's value comes from; exactly one is set."""

    __inert__: ClassVar[tuple[str, ...]] = ("fileKeyRef",)

    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(Part, frozen=True):
    """One variable of the environment; `$(NAME)` in the value refers to an earlier one."""

    name: str = ""
    value: str = ""
    value_from: EnvSource | None = None


class NameSelector(Part, frozen=True):
    """A ConfigMap or Secret by name."""

    name: str = ""
    optional: bool | None = None


class EnvFrom(Part, frozen=True):
    """All keys of a ConfigMap or Secret as variables."""

    prefix: str = ""
    config_map_ref: NameSelector | None = None
    secret_ref: NameSelector | None = None


class HttpHeader(Part, frozen=True):
    """A header of a probe's request."""

    name: str = ""
    value: str = ""


class HttpGet(Part, frozen=True):
    """A GET; 200 … 399 is success."""

    path: str = ""
    port: IntOrString = 0
    host: str = ""
    scheme: str = ""
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(Part, frozen=True):
    """A TCP connection."""

    port: IntOrString = 0
    host: str = ""


class Exec(Part, frozen=True):
    """A command in the container; exit status 0 is success."""

    command: tuple[str, ...] = ()


class Grpc(Part, frozen=True):
    """A call of grpc.health.v1.Health/Check."""

    port: int = 0
    service: str = ""


class Sleep(Part, frozen=True):
    """Wait."""

    seconds: int = 0


class Probe(Part, frozen=True):
    """A question that the node asks again and again; exactly one handler is set."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    grpc: Grpc | None = None
    initial_delay_seconds: int | None = None
    timeout_seconds: int | None = None
    period_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class Handler(Part, frozen=True):
    """What a lifecycle hook does; exactly one is set."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    sleep: Sleep | None = None


class Lifecycle(Part, frozen=True):
    """Hooks after the start and before the stop of a container."""

    __inert__: ClassVar[tuple[str, ...]] = ("stopSignal",)

    post_start: Handler | None = None
    pre_stop: Handler | None = None


class Resources(Part, frozen=True):
    """What a container asks for and may use at most."""

    __inert__: ClassVar[tuple[str, ...]] = ("claims",)

    limits: dict[str, Quantity] | None = None
    requests: dict[str, Quantity] | None = None


class SecurityContext(Part, frozen=True):
    """How a container is confined; overrides the pod's."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "appArmorProfile",
        "procMount",
        "seLinuxOptions",
        "windowsOptions",
    )

    run_as_user: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = None


class Container(Part, frozen=True):
    """One program of a pod."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "resizePolicy", "restartPolicyRules", "stdin", "stdinOnce", "tty", "volumeDevices",
    )  # fmt: skip

    name: Annotated[str, Meta(description="Unique in the pod; an RFC 1123 label.")] = ""
    image: Annotated[str, Meta(description="A built-in image, a registered app, or an OCI image.")] = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: Annotated[tuple[ContainerPort, ...], merge_by("containerPort", "protocol")] = ()
    env: Annotated[tuple[EnvVar, ...], merge_by("name")] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: Resources | None = None
    volume_mounts: VolumeMounts = ()
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    termination_message_path: str = ""
    termination_message_policy: str = ""
    image_pull_policy: str = ""
    security_context: SecurityContext | None = None
    restart_policy: Annotated[
        str, Meta(description="`Always` makes an init container a sidecar that keeps running.")
    ] = ""
