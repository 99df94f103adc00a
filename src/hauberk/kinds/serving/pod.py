"""What of a pod a revision may have, as config-features says; on raw specifications, in upstream's words.

Source: knative/serving pkg/apis/serving/{k8s_validation,fieldmask}.go, pkg/apis/config/features.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json
from hauberk.kinds.serving.rules import (
    RESERVED_ENV,
    disallowed,
    invalid,
    missing,
    one_of_both,
    one_of_neither,
    out_of_bounds,
)

ON_BY_DEFAULT = frozenset({"multi-container", "kubernetes.podspec-volumes-emptydir"})
_FLAGGED = {
    "affinity": "kubernetes.podspec-affinity",
    "dnsConfig": "kubernetes.podspec-dnsconfig",
    "dnsPolicy": "kubernetes.podspec-dnspolicy",
    "hostAliases": "kubernetes.podspec-hostaliases",
    "hostIPC": "kubernetes.podspec-hostipc",
    "hostNetwork": "kubernetes.podspec-hostnetwork",
    "hostPID": "kubernetes.podspec-hostpid",
    "nodeSelector": "kubernetes.podspec-nodeselector",
    "priorityClassName": "kubernetes.podspec-priorityclassname",
    "runtimeClassName": "kubernetes.podspec-runtimeclassname",
    "schedulerName": "kubernetes.podspec-schedulername",
    "shareProcessNamespace": "kubernetes.podspec-shareprocessnamespace",
    "tolerations": "kubernetes.podspec-tolerations",
    "topologySpreadConstraints": "kubernetes.podspec-topologyspreadconstraints",
}
_NEVER = (
    "activeDeadlineSeconds", "ephemeralContainers", "hostname", "nodeName", "priority", "readinessGates",
    "restartPolicy", "setHostnameAsFQDN", "subdomain", "terminationGracePeriodSeconds",
)  # fmt: skip
_NOT_IN_INIT = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_RESOURCES = {"limits", "requests"}
_PROJECTIONS = ("configMap", "downwardAPI", "secret", "serviceAccountToken")
_POLICIES = ("", "File", "FallbackToLogsOnError")
_MAX = 2**31 - 1


def is_on(features: Mapping[str, str], flag: str) -> bool:
    """Whether a feature is enabled; where config-features is silent, as upstream's default."""
    return features.get(flag, "enabled" if flag in ON_BY_DEFAULT else "disabled").lower() == "enabled"


def check_pod(spec: Json, features: Mapping[str, str]) -> FieldErrors:
    """Rules that depend on config-features, and those that need the raw specification."""
    for field, feature in _FLAGGED.items():
        if field in spec and features.get(feature, "disabled").lower() == "disabled":
            yield disallowed(field)
    for field in _NEVER:
        if field in spec:
            yield disallowed(field)
    containers, inits = spec.get("containers") or (), spec.get("initContainers") or ()
    volumes = {str(v.get("name", "")): v for v in spec.get("volumes") or () if isinstance(v, dict)}
    mounted = {m.get("name") for c in (*containers, *inits) for m in c.get("volumeMounts") or ()}
    for i, volume in enumerate(spec.get("volumes") or ()):
        yield from (e.under(f"volumes[{i}]") for e in _check_volume(volume, mounted, features))
    yield from _check_inits(containers, inits, volumes, features)
    if len(containers) > 1 and not is_on(features, "multi-container"):
        yield FieldError("", f"multi-container is off, but found {len(containers)} containers")
    for i, container in enumerate(containers):
        serves = bool(container.get("ports")) or len(containers) == 1
        found = _check_container(container, volumes, features, serves=serves)
        yield from (e.under(f"containers[{i}]") for e in found)


def _check_volume(volume: Json, mounted: set[Any], features: Mapping[str, str]) -> FieldErrors:
    name = volume.get("name", "")
    if name not in mounted:
        yield FieldError("name", f'volume with name "{name}" not mounted')
    for source, feature in (("hostPath", "hostpath"), ("csi", "csi")):
        if source in volume and not is_on(features, f"kubernetes.podspec-volumes-{feature}"):
            yield disallowed(source)
    if "emptyDir" in volume:
        yield from _check_empty_dir(str(name), volume["emptyDir"] or {}, features)
    if "persistentVolumeClaim" in volume:
        yield from _check_claim(volume["persistentVolumeClaim"] or {}, features)
    for source in ("secret", "configMap"):
        yield from _check_items(volume.get(source) or {}, "")
    for i, part in enumerate((volume.get("projected") or {}).get("sources") or ()):
        yield from (e.under(f"projected[{i}]") for e in _check_projection(part))


def _check_empty_dir(name: str, source: Json, features: Mapping[str, str]) -> FieldErrors:
    if not is_on(features, "kubernetes.podspec-volumes-emptydir"):
        yield FieldError("", f"EmptyDir volume support is disabled, but found EmptyDir volume {name}")
    if source.get("medium", "") not in ("", "Memory"):
        yield invalid(source["medium"], "emptyDir.medium")


def _check_claim(source: Json, features: Mapping[str, str]) -> FieldErrors:
    name = source.get("claimName", "")
    if not is_on(features, "kubernetes.podspec-persistent-volume-claim"):
        text = f"Persistent volume claim support is disabled, but found persistent volume claim {name}"
        yield FieldError("", text)
    if not source.get("readOnly") and not is_on(features, "kubernetes.podspec-persistent-volume-write"):
        text = "Persistent volume write support is disabled, but found persistent volume claim"
        yield FieldError("", f"{text} {name} that is not read-only")


def _check_items(source: Json, where: str) -> FieldErrors:
    for i, item in enumerate(source.get("items") or ()):
        for field in ("key", "path"):
            if not item.get(field):
                yield missing(f"{where}items[{i}].{field}")


def _check_projection(part: Json) -> FieldErrors:
    found = [s for s in _PROJECTIONS if s in part]
    for field in sorted(set(part) - set(_PROJECTIONS)):
        yield disallowed(field)
    if not found:
        yield from one_of_neither(*_PROJECTIONS)
    elif len(found) > 1:
        yield from one_of_both(*found)
    for source in ("secret", "configMap"):
        if source in part:
            if not (part[source] or {}).get("name"):
                yield missing(f"{source}.name")
            yield from _check_items(part[source] or {}, f"{source}.")
    if "serviceAccountToken" in part and not (part["serviceAccountToken"] or {}).get("path"):
        yield missing("serviceAccountToken.path")


def _check_inits(
    containers: Sequence[Json],
    inits: Sequence[Json],
    volumes: Mapping[str, Json],
    features: Mapping[str, str],
) -> FieldErrors:
    if inits and not is_on(features, "kubernetes.podspec-init-containers"):
        text = f"pod spec support for init-containers is off, but found {len(inits)} init containers"
        yield FieldError("", text)
        return
    taken = {c.get("name") for c in containers}
    for i, container in enumerate(inits):
        where = f"initContainers[{i}]"
        if container.get("name") in taken:
            yield FieldError(f"{where}.name", f'duplicate container name "{container.get("name")}"')
        taken.add(container.get("name"))
        for field in _NOT_IN_INIT:
            if field in container:
                yield FieldError(f"{where}.{field}", "field not allowed in an init container")
        if not container.get("image"):
            yield missing(f"{where}.image")
        yield from (e.under(where) for e in _check_common(container, volumes, features, serves=False))


def _check_container(
    container: Json, volumes: Mapping[str, Json], features: Mapping[str, str], *, serves: bool
) -> FieldErrors:
    yield from _check_common(container, volumes, features, serves=serves)
    if serves:
        probe = container.get("readinessProbe")
        if isinstance(probe, dict):
            yield from (e.under("readinessProbe") for e in _check_readiness(probe))
        return
    for name in ("livenessProbe", "readinessProbe"):
        probe = container.get(name) or {}
        if not is_on(features, "multi-container-probing"):
            yield from (disallowed(f"{name}.{field}") for field in sorted(probe))


def _check_readiness(probe: Json) -> FieldErrors:
    period = probe.get("periodSeconds") or 0
    for field, low in (("periodSeconds", 0), ("initialDelaySeconds", 0)):
        if (probe.get(field) or 0) < low:
            yield out_of_bounds(probe[field], low, _MAX, field)
    if (probe.get("successThreshold") or 1) < 1:
        yield out_of_bounds(probe["successThreshold"], 1, _MAX, "successThreshold")
    for field in ("failureThreshold", "timeoutSeconds"):
        value = probe.get(field)
        if not period and value:
            yield FieldError(field, f"{field} is disallowed when periodSeconds is zero")
        elif period and value is not None and value < 1:
            yield out_of_bounds(value, 1, _MAX, field)


def _check_common(
    container: Json, volumes: Mapping[str, Json], features: Mapping[str, str], *, serves: bool
) -> FieldErrors:
    for i, entry in enumerate(container.get("env") or ()):
        yield from (e.under(f"env[{i}]") for e in _check_env(entry, features, serves=serves))
    for i, entry in enumerate(container.get("envFrom") or ()):
        found = [k for k in ("configMapRef", "secretRef") if k in entry]
        if len(found) != 1:
            named = one_of_both if found else one_of_neither
            yield from (e.under(f"envFrom[{i}]") for e in named("configMapRef", "secretRef"))
    for field in sorted(set(container.get("resources") or {}) - _RESOURCES):
        yield disallowed(f"resources.{field}")
    if container.get("terminationMessagePolicy", "") not in _POLICIES:
        yield invalid(container["terminationMessagePolicy"], "terminationMessagePolicy")
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        yield from (e.under(f"volumeMounts[{i}]") for e in _check_read_only(mount, volumes))


def _check_env(entry: Json, features: Mapping[str, str], *, serves: bool) -> FieldErrors:
    reserved = RESERVED_ENV if serves else RESERVED_ENV - {"PORT"}
    name = entry.get("name", "")
    if name in reserved:
        yield FieldError("name", f'"{name}" is a reserved environment variable')
    source = entry.get("valueFrom") or {}
    flagged = features.get("kubernetes.podspec-fieldref", "disabled").lower() == "disabled"
    for field in ("fieldRef", "resourceFieldRef"):
        if field in source and flagged:
            yield disallowed(f"valueFrom.{field}")


def _check_read_only(mount: Json, volumes: Mapping[str, Json]) -> FieldErrors:
    volume = volumes.get(mount.get("name", ""))
    if volume is None:
        return
    claim = volume.get("persistentVolumeClaim")
    writable = any(s in volume for s in ("emptyDir", "persistentVolumeClaim", "hostPath", "csi"))
    if not writable and not mount.get("readOnly"):
        yield FieldError("readOnly", "volume mount should be readOnly for this type of volume")
    if claim and claim.get("readOnly") and not mount.get("readOnly"):
        yield FieldError("readOnly", "volume is readOnly but volume mount is not")


def advice(obj: Json) -> Iterator[str]:
    """Warnings about what a template has, is accepted, and does not act on this cluster."""
    spec = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    for volume in spec.get("volumes") or ():
        if isinstance(volume, dict) and "persistentVolumeClaim" in volume:
            name = (volume["persistentVolumeClaim"] or {}).get("claimName", "")
            yield (
                f"volume {volume.get('name', '')!r} waits for PersistentVolumeClaim {name!r}, which stays "
                "Pending: the embedded cluster has no provisioner, and the revision's pods do not start"
            )
