"""The environment and the command line of a container. Pure: reads a snapshot, decides nothing about time.

Lowest first: Services of the namespace, `envFrom`, `env`. `$(NAME)` refers to any of these that is known
by then; `$$(NAME)` is the text `$(NAME)`. Source: kubernetes pkg/kubelet/kubelet_pods.go,
makeEnvironmentVariables.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from hauberk.base.refs import Json, Ref
from hauberk.kinds.core.container import Container, EnvFrom, EnvSource, KeySelector
from hauberk.ports import Snapshot

from .fields import ConfigError, NodeFacts, field_value, resource_value
from .spec import Pod

_REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def environment(
    pod: Pod, container: Container, snapshot: Snapshot, *, ip: str, node: NodeFacts
) -> dict[str, str]:
    """All variables of one container. Raises ConfigError naming the object or key that is missing."""
    services = service_variables(pod, snapshot)
    env: dict[str, str] = {}
    for source in container.env_from:
        env |= _all_of(pod, source, snapshot)
    for var in container.env:
        if var.value_from is None:
            env[var.name] = expand(var.value, {**services, **env})
            continue
        value = _from(pod, container, var.value_from, snapshot, ip, node)
        if value is not None:
            env[var.name] = value
    return {**services, **env}


def command_of(
    container: Container, env: Mapping[str, str]
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """`command` (None: the image's) and `args` with their references resolved."""
    argv = tuple(expand(part, env) for part in container.command)
    return argv or None, tuple(expand(part, env) for part in container.args)


def expand(text: str, env: Mapping[str, str]) -> str:
    """Resolve `$(NAME)`; one that is unknown stays as it is.

    Source: kubernetes third_party/forked/golang/expansion/expand.go.
    """

    def resolve(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return env.get(match[2], match[0])

    return _REFERENCE.sub(resolve, text)


def _from(
    pod: Pod, container: Container, source: EnvSource, snapshot: Snapshot, ip: str, node: NodeFacts
) -> str | None:
    if source.field_ref is not None:
        return field_value(pod, source.field_ref, ip, node)
    if source.resource_field_ref is not None:
        return resource_value(pod, container, source.resource_field_ref, node)
    if source.config_map_key_ref is not None:
        return _key(pod, "ConfigMap", source.config_map_key_ref, snapshot)
    if source.secret_key_ref is not None:
        return _key(pod, "Secret", source.secret_key_ref, snapshot)
    return ""


def _key(pod: Pod, kind: str, selector: KeySelector, snapshot: Snapshot) -> str | None:
    obj = snapshot.get(Ref(kind, pod.namespace, selector.name))
    if obj is None:
        if selector.optional:
            return None
        raise ConfigError(f'{kind.lower()} "{selector.name}" not found')
    data = texts_of(kind, obj)
    if selector.key in data:
        return data[selector.key]
    if selector.optional:
        return None
    raise ConfigError(f"couldn't find key {selector.key} in {kind} {pod.namespace}/{selector.name}")


def texts_of(kind: str, obj: Json) -> dict[str, str]:
    """The values of a ConfigMap or Secret as text."""
    data = obj.get("data") or {}
    if kind == "ConfigMap":
        return {str(k): str(v) for k, v in data.items()}
    return {k: base64.b64decode(v or "").decode(errors="surrogateescape") for k, v in data.items()}


def _all_of(pod: Pod, source: EnvFrom, snapshot: Snapshot) -> dict[str, str]:
    for kind, selector in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
        if selector is None:
            continue
        obj = snapshot.get(Ref(kind, pod.namespace, selector.name))
        if obj is not None:
            names = {source.prefix + k: v for k, v in texts_of(kind, obj).items()}
            return {k: v for k, v in names.items() if _NAME.fullmatch(k)}
        if not selector.optional:
            raise ConfigError(f'{kind.lower()} "{selector.name}" not found')
    return {}


def service_variables(pod: Pod, snapshot: Snapshot) -> dict[str, str]:
    """Variables of the namespace's Services (`enableServiceLinks`) and, always, of `default/kubernetes`."""
    links = pod.spec.enable_service_links is not False
    master = snapshot.get(Ref("Service", "default", "kubernetes"))
    services = [master] if master is not None else []
    if links:
        services += sorted(snapshot.list("Service", pod.namespace), key=lambda s: str(s["metadata"]["name"]))
    env: dict[str, str] = {}
    for service in services:
        env |= _of_service(service)
    return env


def _of_service(service: Json) -> dict[str, str]:
    spec = service.get("spec") or {}
    address = spec.get("clusterIP")
    ports: Sequence[Json] = spec.get("ports") or ()
    if not address or address == "None" or not ports or spec.get("type") == "ExternalName":
        return {}
    prefix = _shout(service["metadata"]["name"])
    env = {f"{prefix}_SERVICE_HOST": str(address), f"{prefix}_SERVICE_PORT": str(ports[0]["port"])}
    for port in ports:
        if port.get("name"):
            env[f"{prefix}_SERVICE_PORT_{_shout(port['name'])}"] = str(port["port"])
    for index, port in enumerate(ports):
        protocol = str(port.get("protocol") or "TCP")
        url = f"{protocol.lower()}://{address}:{port['port']}"
        if index == 0:
            env[f"{prefix}_PORT"] = url
        base = f"{prefix}_PORT_{port['port']}_{protocol}"
        env |= {
            base: url,
            f"{base}_PROTO": protocol.lower(),
            f"{base}_PORT": str(port["port"]),
            f"{base}_ADDR": str(address),
        }
    return env


def _shout(name: str) -> str:
    return name.upper().replace("-", "_")


__all__ = ["ConfigError", "NodeFacts", "command_of", "environment", "expand", "service_variables", "texts_of"]
