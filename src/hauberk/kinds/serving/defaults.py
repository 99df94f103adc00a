"""Defaults of the Serving API that no ConfigMap can change. They mutate the raw object.

What config-defaults decides (timeouts, concurrency, resources) is added by `hauberk.serving.admission`.
Source: knative/serving pkg/apis/serving/v1/{revision,route,service}_defaults.go.
"""

from __future__ import annotations

from typing import Any

HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
DEFAULT_NAME = "user-container"


def default_traffic(targets: list[dict[str, Any]]) -> None:
    """`latestRevision` follows from whether a revision is named."""
    for target in targets:
        if target.get("latestRevision") is None:
            target["latestRevision"] = not target.get("revisionName")


def default_spec(spec: dict[str, Any]) -> None:
    """A revision's containers: names, the readiness probe of the one that serves."""
    containers: list[dict[str, Any]] = spec.get("containers") or []
    for init in spec.get("initContainers") or ():
        init.setdefault("resources", {})
        _default_mounts(spec, init)
    serving = next((i for i, c in enumerate(containers) if c.get("ports")), 0)
    used = {c.get("name") for c in containers}
    for i, container in enumerate(containers):
        if not container.get("name"):
            container["name"] = _free_name(i, serving, used)
            used.add(container["name"])
        container.setdefault("resources", {})
        if i == serving:
            default_readiness(container)
        _default_mounts(spec, container)
        for port in container.get("ports") or ():
            port.setdefault("protocol", "TCP")


def _default_mounts(spec: dict[str, Any], container: dict[str, Any]) -> None:
    for mount in container.get("volumeMounts") or ():
        if not _writable(spec, mount):
            mount.setdefault("readOnly", True)


def _free_name(index: int, serving: int, used: set[Any]) -> str:
    wanted = DEFAULT_NAME if index == serving else f"{DEFAULT_NAME}-{index}"
    while wanted in used:
        wanted += "-0"
    return wanted


def _writable(spec: dict[str, Any], mount: dict[str, Any]) -> bool:
    for volume in spec.get("volumes") or ():
        if volume.get("name") == mount.get("name"):
            return any(s in volume for s in ("emptyDir", "persistentVolumeClaim", "csi", "hostPath"))
    return False


def default_readiness(container: dict[str, Any]) -> None:
    """A TCP probe on the serving port when no handler is given; one success is enough."""
    probe = container.get("readinessProbe") or {}
    container["readinessProbe"] = probe
    if not any(h in probe for h in HANDLERS):
        probe["tcpSocket"] = {"port": 0}
    if "grpc" in probe and "service" not in probe["grpc"]:
        probe["grpc"]["service"] = ""
    if not probe.get("successThreshold"):
        probe["successThreshold"] = 1


def default_template(obj: dict[str, Any]) -> dict[str, Any]:
    """A Configuration's template."""
    template = obj.get("spec", {}).get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        default_spec(template["spec"])
    return obj


def default_service(obj: dict[str, Any]) -> dict[str, Any]:
    """A Service: its template, and all traffic to the latest revision."""
    spec = obj.setdefault("spec", {})
    default_template(obj)
    if not spec.get("traffic"):
        spec["traffic"] = [{"latestRevision": True, "percent": 100}]
    default_traffic(spec["traffic"])
    return obj


def default_route(obj: dict[str, Any]) -> dict[str, Any]:
    """A Route: all traffic to the Configuration of its own name."""
    spec = obj.setdefault("spec", {})
    name = obj.get("metadata", {}).get("name", "")
    if not spec.get("traffic"):
        spec["traffic"] = [{"configurationName": name, "latestRevision": True, "percent": 100}]
    default_traffic(spec["traffic"])
    return obj


def default_revision(obj: dict[str, Any]) -> dict[str, Any]:
    """A Revision's containers."""
    default_spec(obj.setdefault("spec", {}))
    return obj
