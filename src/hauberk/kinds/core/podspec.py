"""The specification of a pod, alone and as a template in workloads."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import Meta, field

from hauberk.kinds.core.container import Container
from hauberk.kinds.core.volume import Volumes
from hauberk.kinds.meta import ObjectMeta, Part, merge_by


class LocalRef(Part, frozen=True):
    """An object of the same namespace, by name."""

    name: str = ""


class HostAlias(Part, frozen=True):
    """A line of /etc/hosts."""

    ip: str = ""
    hostnames: tuple[str, ...] = ()


class DnsOption(Part, frozen=True):
    """An option of resolv.conf."""

    name: str = ""
    value: str | None = None


class DnsConfig(Part, frozen=True):
    """Additions to the pod's resolv.conf."""

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[DnsOption, ...] = ()


class PodSecurityContext(Part, frozen=True):
    """Confinement of all containers that do not say otherwise."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "appArmorProfile", "fsGroup", "fsGroupChangePolicy", "runAsGroup", "seLinuxChangePolicy",
        "seLinuxOptions", "seccompProfile", "supplementalGroups", "supplementalGroupsPolicy", "sysctls",
        "windowsOptions",
    )  # fmt: skip

    run_as_user: int | None = None
    run_as_non_root: bool | None = None


class PodSpec(Part, frozen=True):
    """What runs together in one network namespace."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "ephemeralContainers", "hostIPC", "hostNetwork", "hostPID", "hostUsers", "nodeSelector", "os",
        "overhead", "preemptionPolicy", "priority", "priorityClassName", "resourceClaims", "resources",
        "runtimeClassName", "schedulingGates", "setHostnameAsFQDN", "shareProcessNamespace",
    )  # fmt: skip

    containers: Annotated[tuple[Container, ...], merge_by("name")] = ()
    init_containers: Annotated[tuple[Container, ...], merge_by("name")] = ()
    volumes: Volumes = ()
    restart_policy: str = ""
    termination_grace_period_seconds: int | None = None
    active_deadline_seconds: int | None = None
    dns_policy: str = ""
    dns_config: DnsConfig | None = None
    host_aliases: Annotated[tuple[HostAlias, ...], merge_by("ip")] = ()
    hostname: str = ""
    subdomain: str = ""
    service_account_name: str = ""
    service_account: str = ""
    automount_service_account_token: bool | None = None
    image_pull_secrets: Annotated[tuple[LocalRef, ...], merge_by("name")] = ()
    security_context: PodSecurityContext | None = None
    enable_service_links: bool | None = None
    node_name: str = ""
    scheduler_name: str = ""
    readiness_gates: tuple[dict[str, Any], ...] = ()
    # With one node every placement that can be met is met; see `pod.advice` for what cannot be.
    affinity: dict[str, Any] | None = None
    tolerations: tuple[dict[str, Any], ...] = ()
    topology_spread_constraints: Annotated[
        tuple[dict[str, Any], ...], merge_by("topologyKey", "whenUnsatisfiable")
    ] = ()


class PodTemplateSpec(Part, frozen=True):
    """A pod to be made."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()


class ContainerState(Part, frozen=True):
    """One of waiting, running, terminated."""

    waiting: dict[str, Any] | None = None
    running: dict[str, Any] | None = None
    terminated: dict[str, Any] | None = None


class ContainerStatus(Part, frozen=True):
    """What one container does now, and how its previous run ended."""

    name: str = ""
    image: str = ""
    image_id: str = field(default="", name="imageID")
    container_id: str = field(default="", name="containerID")
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()
    allocated_resources: dict[str, Any] | None = None
    resources: dict[str, Any] | None = None
    volume_mounts: tuple[dict[str, Any], ...] = ()
    user: dict[str, Any] | None = None


class PodIP(Part, frozen=True):
    """One address."""

    ip: Annotated[str, Meta(description="The address.")] = ""


class PodStatus(Part, frozen=True):
    """What the node reports."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = field(default="", name="podIP")
    pod_ips: Annotated[tuple[PodIP, ...], merge_by("ip")] = field(default=(), name="podIPs")
    host_ip: str = field(default="", name="hostIP")
    host_ips: tuple[PodIP, ...] = field(default=(), name="hostIPs")
    nominated_node_name: str = ""
    start_time: str | None = None
    qos_class: str = ""
    observed_generation: int = 0
    conditions: Annotated[tuple[dict[str, Any], ...], merge_by("type")] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()
    ephemeral_container_statuses: tuple[ContainerStatus, ...] = ()
