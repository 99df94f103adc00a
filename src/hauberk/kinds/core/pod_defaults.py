"""Upstream's defaults of a pod, for Pods and for templates.

Source: kubernetes pkg/apis/core/v1/defaults.go, SetDefaults_PodSpec, SetDefaults_Container,
SetDefaults_Probe, SetDefaults_Volume.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Raw = dict[str, Any]

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_FILE_MODE = 0o644


def pull_policy(image: str) -> str:
    """`Always` for `:latest` or no tag, `IfNotPresent` otherwise."""
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rsplit("/", 1)[-1].partition(":")
    return "Always" if not colon or tag == "latest" else "IfNotPresent"


def default_pod_spec(spec: Raw) -> Raw:
    """Fill in what a pod's or template's spec leaves open; mutates and returns its argument."""
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    spec.setdefault("terminationGracePeriodSeconds", 30)
    _same_service_account(spec)
    for container in (*_dicts(spec.get("initContainers")), *_dicts(spec.get("containers"))):
        _default_container(container)
    for volume in _dicts(spec.get("volumes")):
        _default_volume(volume)
    return spec


def _same_service_account(spec: Raw) -> None:
    """`serviceAccount` is the deprecated alias of `serviceAccountName`; both read the same."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def _default_container(container: Raw) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("resources", {})
    image = container.get("image")
    if isinstance(image, str) and image and not container.get("imagePullPolicy"):
        container["imagePullPolicy"] = pull_policy(image)
    for port in _dicts(container.get("ports")):
        port.setdefault("protocol", "TCP")
    for variable in _dicts(container.get("env")):
        _default_field_ref(variable.get("valueFrom"))
    for probe in (container.get(name) for name in _PROBES):
        _default_probe(probe)
    hooks = container.get("lifecycle")
    for hook in ("postStart", "preStop"):
        if isinstance(hooks, dict) and isinstance(hooks.get(hook), dict):
            _default_http_get(hooks[hook].get("httpGet"))


def _default_probe(probe: Any) -> None:
    if not isinstance(probe, dict):
        return
    for key, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        if not probe.get(key):
            probe[key] = value
    _default_http_get(probe.get("httpGet"))
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")


def _default_http_get(get: Any) -> None:
    if isinstance(get, dict):
        get["path"] = get.get("path") or "/"
        get["scheme"] = get.get("scheme") or "HTTP"


def _default_field_ref(source: Any) -> None:
    if isinstance(source, dict) and isinstance(source.get("fieldRef"), dict):
        source["fieldRef"].setdefault("apiVersion", "v1")
    if isinstance(source, dict) and isinstance(source.get("resourceFieldRef"), dict):
        source["resourceFieldRef"].setdefault("divisor", "0")


def _default_volume(volume: Raw) -> None:
    if not any(k != "name" for k in volume):
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            volume[source].setdefault("defaultMode", _FILE_MODE)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    for item in _downward_items(volume):
        _default_field_ref(item)
    for part in _dicts((volume.get("projected") or {}).get("sources")):
        if isinstance(part.get("serviceAccountToken"), dict):
            part["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def _downward_items(volume: Raw) -> Iterable[Raw]:
    yield from _dicts((volume.get("downwardAPI") or {}).get("items"))
    for part in _dicts((volume.get("projected") or {}).get("sources")):
        yield from _dicts((part.get("downwardAPI") or {}).get("items"))


def default_pod(raw: Raw) -> Raw:
    """A Pod: the spec's defaults, service links on, requests from limits."""
    spec = raw.setdefault("spec", {})
    if not isinstance(spec, dict):
        return raw
    default_pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    for container in (*_dicts(spec.get("initContainers")), *_dicts(spec.get("containers"))):
        resources = container["resources"]
        if isinstance(resources, dict) and isinstance(resources.get("limits"), dict):
            requests = resources.get("requests") or {}
            resources["requests"] = {**resources["limits"], **requests}
    return raw


def default_template(workload: Raw) -> None:
    """The template of a Deployment, ReplicaSet, StatefulSet, DaemonSet or Job."""
    template = (workload.get("spec") or {}).get("template")
    if isinstance(template, dict):
        spec = template.setdefault("spec", {})
        if isinstance(spec, dict):
            default_pod_spec(spec)


def _dicts(items: Any) -> Iterable[Raw]:
    """The objects of a list that a client sent; anything else is validation's business."""
    return [i for i in items if isinstance(i, dict)] if isinstance(items, list) else []
