"""What the volumes of a pod hold. Pure: (pod, snapshot) → files; `volume_files` puts them on disk.

A source that does not exist gives the kubelet's FailedMount words and the pod stays in ContainerCreating.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hauberk.base.refs import Json, Ref
from hauberk.kinds.core.volume import (
    DownwardItem,
    KeyToPath,
    Projection,
    TokenProjection,
    Volume,
)
from hauberk.node.claims import CLAIM, VOLUME, own_folder
from hauberk.ports import Snapshot

from .fields import ConfigError, NodeFacts, field_value, resource_value
from .spec import Pod

DEFAULT_MODE = 0o644
Token = Callable[[TokenProjection], bytes]
"""Issues the pod's token for one projection. Raises ConfigError when none can be issued."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume."""

    data: bytes
    mode: int = DEFAULT_MODE


@dataclass(frozen=True, slots=True)
class Files:
    """A directory whose files are written, and rewritten when their source changes."""

    files: Mapping[str, File] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Empty:
    """An empty directory that the pod writes to. `memory`: it wants tmpfs."""

    memory: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """A path of the machine itself."""

    path: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A directory of the cluster's data that outlives the pod; made when it is not there."""

    path: str


Payload = Files | Empty | Host | Kept


@dataclass(frozen=True, slots=True)
class World:
    """What the content of volumes may depend on."""

    snapshot: Snapshot
    node: NodeFacts
    token: Token
    ip: str = ""
    volumes: str = ""  # where the data of volumes that were made here is


def payload_of(pod: Pod, volume: Volume, world: World) -> Payload:
    """What one volume holds. Raises ConfigError in the kubelet's words.

    Deviation: hostPath is allowed for every pod; there is no admission against it.
    """
    if volume.empty_dir is not None:
        return Empty(volume.empty_dir.medium == "Memory")
    if volume.host_path is not None:
        return Host(volume.host_path.path, volume.host_path.type or "")
    if volume.config_map is not None:
        src = volume.config_map
        return Files(
            _keys(pod, world, "ConfigMap", src.name, src.items, _mode(src.default_mode), bool(src.optional))
        )
    if volume.secret is not None:
        sec = volume.secret
        mode, optional = _mode(sec.default_mode), bool(sec.optional)
        return Files(_keys(pod, world, "Secret", sec.secret_name, sec.items, mode, optional))
    if volume.downward_api is not None:
        mode = _mode(volume.downward_api.default_mode)
        return Files(dict(_downward(pod, world, volume.downward_api.items, mode)))
    if volume.projected is not None:
        mode = _mode(volume.projected.default_mode)
        files: dict[str, File] = {}
        for source in volume.projected.sources:
            files |= _projected(pod, world, source, mode)
        return Files(files)
    if volume.persistent_volume_claim is not None:
        return _claimed(pod, volume.persistent_volume_claim.claim_name, world)
    raise ConfigError(_not_built(pod, volume.name))


def _claimed(pod: Pod, name: str, world: World) -> Payload:
    """The directory of a bound claim."""
    claim = world.snapshot.get(Ref(CLAIM, pod.namespace, name))
    if claim is None:
        raise ConfigError(f'persistentvolumeclaim "{name}" not found')
    bound = (claim.get("spec") or {}).get("volumeName", "")
    volume = world.snapshot.get(Ref(VOLUME, "", bound)) if bound else None
    if volume is None:
        raise ConfigError(f"PVC {pod.namespace}/{name} is not bound")
    folder = own_folder(volume)
    if folder is not None:
        return Kept(f"{world.volumes}/{folder}")
    spec = volume.get("spec") or {}
    if spec.get("hostPath"):
        return Host(spec["hostPath"]["path"], spec["hostPath"].get("type") or "")
    if spec.get("local"):
        return Host(spec["local"]["path"], "Directory")
    raise ConfigError(f'volume "{bound}" is of a kind that this node does not mount')


def _not_built(pod: Pod, name: str) -> str:
    """Name the source of a volume that the node cannot provide."""
    rows: Sequence[Json] = (pod.raw.get("spec") or {}).get("volumes") or ()
    kinds = next((sorted(set(row) - {"name"}) for row in rows if row.get("name") == name), [])
    said = ", ".join(kinds) or "no source"
    return f"volumes of this source are not built: {said}"


def _mode(mode: int | None) -> int:
    return DEFAULT_MODE if mode is None else mode


def contents_of(kind: str, obj: Json) -> dict[str, bytes]:
    """The values of a ConfigMap (`data`, `binaryData`) or Secret as bytes."""
    if kind == "Secret":
        return {k: base64.b64decode(v or "") for k, v in (obj.get("data") or {}).items()}
    out = {k: str(v).encode() for k, v in (obj.get("data") or {}).items()}
    out |= {k: base64.b64decode(v) for k, v in (obj.get("binaryData") or {}).items()}
    return out


def _keys(
    pod: Pod, world: World, kind: str, name: str, items: Sequence[KeyToPath], mode: int, optional: bool
) -> dict[str, File]:
    obj = world.snapshot.get(Ref(kind, pod.namespace, name))
    if obj is None:
        if optional:
            return {}
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    data = contents_of(kind, obj)
    if not items:
        return {key: File(value, mode) for key, value in data.items()}
    files = {}
    for item in items:
        if item.key in data:
            files[item.path] = File(data[item.key], _or(item.mode, mode))
        elif not optional:
            raise ConfigError(f"references non-existent {kind.lower()} key: {item.key}")
    return files


def _or(mode: int | None, default: int) -> int:
    return default if mode is None else mode


def _projected(pod: Pod, world: World, source: Projection, mode: int) -> dict[str, File]:
    files: dict[str, File] = {}
    for kind, src in (("ConfigMap", source.config_map), ("Secret", source.secret)):
        if src is not None:
            files |= _keys(pod, world, kind, src.name, src.items, mode, bool(src.optional))
    if source.downward_api is not None:
        files |= dict(_downward(pod, world, source.downward_api.items, mode))
    if source.service_account_token is not None:
        token = source.service_account_token
        files[token.path] = File(world.token(token), mode)
    return files


def _downward(pod: Pod, world: World, items: Sequence[DownwardItem], mode: int) -> Iterator[tuple[str, File]]:
    for item in items:
        if item.field_ref is not None:
            text = field_value(pod, item.field_ref, world.ip, world.node)
        elif item.resource_field_ref is not None:
            own = pod.spec.containers[0]
            text = resource_value(pod, own, item.resource_field_ref, world.node)
        else:
            continue
        yield item.path, File(text.encode(), _or(item.mode, mode))


def sources_of(pod: Pod) -> frozenset[Ref]:
    """Every ConfigMap, Secret and claim that the pod refers to, in volumes or in the environment."""
    refs: set[Ref] = set()

    def add(kind: str, name: str) -> None:
        if name:
            refs.add(Ref(kind, pod.namespace, name))

    for volume in pod.spec.volumes:
        add("ConfigMap", volume.config_map.name if volume.config_map else "")
        add("Secret", volume.secret.secret_name if volume.secret else "")
        claim = volume.persistent_volume_claim
        add(CLAIM, claim.claim_name if claim else "")
        for source in volume.projected.sources if volume.projected else ():
            add("ConfigMap", source.config_map.name if source.config_map else "")
            add("Secret", source.secret.name if source.secret else "")
    for container in pod.all_containers():
        for whole in container.env_from:
            add("ConfigMap", whole.config_map_ref.name if whole.config_map_ref else "")
            add("Secret", whole.secret_ref.name if whole.secret_ref else "")
        for var in container.env:
            if var.value_from is not None:
                key = var.value_from
                add("ConfigMap", key.config_map_key_ref.name if key.config_map_key_ref else "")
                add("Secret", key.secret_key_ref.name if key.secret_key_ref else "")
    return frozenset(refs)
