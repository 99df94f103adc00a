"""The pieces that Service, Configuration, Revision and Route are made of."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from hauberk.kinds.meta import Part, merge_by


class ContainerPort(Part, frozen=True):
    """The port that receives the requests; `name` h2c means HTTP/2 without TLS."""

    container_port: Annotated[int, Meta(description="Between 1 and 65535; 0 means 8080.")] = 0
    name: Annotated[str, Meta(description="http1 (default) or h2c.")] = ""
    protocol: str = ""
    host_port: int | None = None
    host_ip: str = msgspec.field(name="hostIP", default="")


class VolumeMount(Part, frozen=True):
    """Where a volume appears in the container."""

    name: str = ""
    mount_path: str = ""
    read_only: bool | None = None
    sub_path: str = ""


class Container(Part, frozen=True):
    """One container of a revision. Exactly one of them has a port."""

    __inert__ = ("resizePolicy", "volumeDevices")

    name: str = ""
    image: Annotated[str, Meta(description="The image to run.")] = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    env: Annotated[tuple[dict[str, Any], ...], merge_by("name")] = ()
    env_from: tuple[dict[str, Any], ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    resources: dict[str, Any] | None = None
    liveness_probe: dict[str, Any] | None = None
    readiness_probe: dict[str, Any] | None = None
    startup_probe: dict[str, Any] | None = None
    volume_mounts: tuple[VolumeMount, ...] = ()
    security_context: dict[str, Any] | None = None
    image_pull_policy: str = ""
    termination_message_path: str = ""
    termination_message_policy: str = ""
    lifecycle: dict[str, Any] | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    tty: bool | None = None


class RevisionSpec(Part, frozen=True):
    """What runs: a pod's specification, restricted, plus how requests are queued to it."""

    __inert__ = (
        "affinity", "dnsConfig", "dnsPolicy", "hostAliases", "hostIPC", "hostNetwork", "hostPID",
        "nodeSelector", "priorityClassName", "runtimeClassName", "schedulerName",
        "shareProcessNamespace", "tolerations", "topologySpreadConstraints",
    )  # fmt: skip

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[dict[str, Any], ...] = ()
    service_account_name: str = ""
    image_pull_secrets: tuple[dict[str, Any], ...] = ()
    enable_service_links: bool | None = None
    automount_service_account_token: bool | None = None
    security_context: dict[str, Any] | None = None
    container_concurrency: Annotated[
        int | None, Meta(description="Requests at once per pod; 0 means no limit.")
    ] = None
    timeout_seconds: Annotated[int | None, Meta(description="Until the response has ended.")] = None
    response_start_timeout_seconds: Annotated[
        int | None, Meta(description="Until the first byte of the response.")
    ] = None
    idle_timeout_seconds: Annotated[int | None, Meta(description="Between two bytes of the response.")] = None


class TemplateMeta(Part, frozen=True):
    """Metadata for the revision and, through it, for the pods."""

    name: Annotated[str, Meta(description="A name for the revision: NAME-something.")] = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    namespace: str = ""
    creation_timestamp: str | None = None


class RevisionTemplate(Part, frozen=True):
    """From this the next Revision is made."""

    metadata: TemplateMeta = TemplateMeta()
    spec: RevisionSpec = RevisionSpec()


class TrafficTarget(Part, frozen=True):
    """One share of the traffic."""

    tag: Annotated[str, Meta(description="Prefix of a dedicated host for this target.")] = ""
    revision_name: str = ""
    configuration_name: str = ""
    latest_revision: bool | None = None
    percent: Annotated[int | None, Meta(description="Share of the requests; shares sum to 100.")] = None
    url: str = ""
