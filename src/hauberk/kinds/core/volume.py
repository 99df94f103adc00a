"""The volumes of a pod, as the node provides them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from msgspec import field

from hauberk.kinds.meta import Part, merge_by


class KeyToPath(Part, frozen=True):
    """One key of a ConfigMap or Secret as a file."""

    key: str = ""
    path: str = ""
    mode: int | None = None


class ConfigMapVolume(Part, frozen=True):
    """The keys of a ConfigMap as files."""

    name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int | None = None
    optional: bool | None = None


class SecretVolume(Part, frozen=True):
    """The keys of a Secret as files."""

    secret_name: str = ""
    items: tuple[KeyToPath, ...] = ()
    default_mode: int | None = None
    optional: bool | None = None


class EmptyDir(Part, frozen=True):
    """A directory that lives as long as the pod."""

    __inert__: ClassVar[tuple[str, ...]] = ("sizeLimit",)

    medium: str = ""


class FieldSelector(Part, frozen=True):
    """A field of the pod itself."""

    field_path: str = ""
    api_version: str = ""


class ResourceFieldSelector(Part, frozen=True):
    """A request or limit of a container."""

    resource: str = ""
    container_name: str = ""
    divisor: str | int | float | None = None


class DownwardItem(Part, frozen=True):
    """A file with a field of the pod."""

    path: str = ""
    field_ref: FieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


class DownwardVolume(Part, frozen=True):
    """Fields of the pod as files."""

    items: tuple[DownwardItem, ...] = ()
    default_mode: int | None = None


class TokenProjection(Part, frozen=True):
    """A token of the pod's ServiceAccount."""

    path: str = ""
    audience: str = ""
    expiration_seconds: int | None = None


class Projection(Part, frozen=True):
    """One source of a projected volume."""

    __inert__: ClassVar[tuple[str, ...]] = ("clusterTrustBundle", "podCertificate")

    config_map: ConfigMapVolume | None = None
    secret: ConfigMapVolume | None = None  # same shape: a projection says `name`
    downward_api: DownwardVolume | None = field(default=None, name="downwardAPI")
    service_account_token: TokenProjection | None = None


class ProjectedVolume(Part, frozen=True):
    """Several sources in one directory."""

    sources: tuple[Projection, ...] = ()
    default_mode: int | None = None


class HostPath(Part, frozen=True):
    """A directory of the machine."""

    path: str = ""
    type: str | None = None


class ClaimVolume(Part, frozen=True):
    """A PersistentVolumeClaim of the pod's namespace."""

    claim_name: str = ""
    read_only: bool = False


class Volume(Part, frozen=True):
    """A named source of files; exactly one source is set."""

    __inert__: ClassVar[tuple[str, ...]] = (
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc",
        "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs",
        "photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO",
        "storageos", "vsphereVolume",
    )  # fmt: skip

    name: str = ""
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    empty_dir: EmptyDir | None = None
    projected: ProjectedVolume | None = None
    downward_api: DownwardVolume | None = field(default=None, name="downwardAPI")
    host_path: HostPath | None = None
    persistent_volume_claim: ClaimVolume | None = None


class VolumeMount(Part, frozen=True):
    """Where a container sees a volume."""

    __inert__: ClassVar[tuple[str, ...]] = ("mountPropagation", "recursiveReadOnly", "subPathExpr")

    name: str = ""
    mount_path: str = ""
    read_only: bool = False
    sub_path: str = ""


Volumes = Annotated[tuple[Volume, ...], merge_by("name")]
VolumeMounts = Annotated[tuple[VolumeMount, ...], merge_by("mountPath")]
VolumeDevices = Annotated[tuple[dict[str, Any], ...], merge_by("devicePath")]
