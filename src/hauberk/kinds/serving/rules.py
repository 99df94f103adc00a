"""Rules of the Serving API, in upstream's words: `FieldError(path, message)` reads `message: path`.

Source: knative.dev/pkg apis/field_error.go and knative/serving pkg/apis/serving/{k8s_validation,
v1/*_validation}.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.names import is_dns_label, is_dns_subdomain
from hauberk.base.quantities import parse_duration_s
from hauberk.kinds.meta import ObjectMeta
from hauberk.kinds.serving.parts import Container, RevisionSpec, RevisionTemplate, TrafficTarget

MAX_TIMEOUT_S = 600
RESERVED_PORTS = {8008, 8012, 8013, 8022, 8112, 8113, 9090, 9091}
RESERVED_ENV = {"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"}
_RESERVED_LABELS = "serving.knative.dev/"
RESERVED_NAMES = {"queue-proxy"}
RESERVED_MOUNTS = {"/", "/dev", "/dev/log", "/tmp", "/var", "/var/log"}
_NOT_IN_CONTAINER = ("lifecycle", "stdin", "stdin_once", "tty")
_PORT_NAMES = ("", "http1", "h2c")
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def one_of_neither(*paths: str) -> FieldErrors:
    """None of several fields is set and one must be."""
    message = "expected exactly one, got neither"
    return (FieldError(path, message, "FieldValueRequired") for path in sorted(paths))


def one_of_both(*paths: str) -> FieldErrors:
    """Several fields exclude each other."""
    return (FieldError(path, "expected exactly one, got both") for path in sorted(paths))


def missing(path: str) -> FieldError:
    """A field that must be set."""
    return FieldError(path, "missing field(s)", "FieldValueRequired")


def disallowed(path: str) -> FieldError:
    """A field that upstream forbids here."""
    return FieldError(path, "must not set the field(s)", "FieldValueForbidden")


def invalid(value: object, path: str) -> FieldError:
    """A value outside the field's set."""
    return FieldError(path, f"invalid value: {value}")


def out_of_bounds(value: int, low: int, high: int, path: str) -> FieldError:
    """A number outside its range."""
    return FieldError(path, f"expected {low} <= {value} <= {high}")


def upstream_text(errors: Iterable[FieldError]) -> str:
    """All errors as upstream's webhook prints them: equal messages merged, sorted by message.

    What follows a newline in a path are the error's details, on lines of their own.

    Source: knative.dev/pkg apis/field_error.go, FieldError.Error.
    """
    merged: dict[tuple[str, str], set[str]] = {}
    for error in errors:
        path, _, details = error.path.partition("\n")
        merged.setdefault((error.message, details), set()).add(path)
    return "\n".join(
        f"{message}: {', '.join(sorted(paths))}" + (f"\n{details}" if details else "")
        for (message, details), paths in sorted(merged.items())
    )


def check_template(template: RevisionTemplate, parent: str) -> FieldErrors:
    """Rules of `spec.template`; `parent` is the Configuration's name."""
    name = template.metadata.name
    if name and not is_dns_label(name):
        yield FieldError("metadata.name", f"invalid value: not a DNS 1035 label: {name}")
    elif name and not name.startswith(f"{parent}-"):
        yield invalid(f'"{name}" must have prefix "{parent}-"', "metadata.name")
    for label in template.metadata.labels or {}:
        if label.startswith(_RESERVED_LABELS) and label != f"{_RESERVED_LABELS}configurationGeneration":
            yield FieldError(f"metadata.labels.{label}", "invalid key name", "FieldValueForbidden")
    yield from (
        e.under("metadata.annotations") for e in check_autoscaling(template.metadata.annotations or {})
    )
    yield from (e.under("spec") for e in check_spec(template.spec))


_WHOLE = {
    "autoscaling.knative.dev/min-scale": 0,
    "autoscaling.knative.dev/max-scale": 0,
    "autoscaling.knative.dev/initial-scale": 0,
    "autoscaling.knative.dev/activation-scale": 1,
}
MAX_INT32 = 2**31 - 1


def check_autoscaling(annotations: dict[str, str]) -> FieldErrors:
    """Rules of `autoscaling.knative.dev/*` annotations.

    Source: knative/serving pkg/apis/autoscaling/annotation_validation.go.
    """
    numbers: dict[str, int] = {}
    for key, low in _WHOLE.items():
        text = annotations.get(key)
        if text is None:
            continue
        if not re.fullmatch(r"[0-9]+", text):
            yield invalid(text, key)
            continue
        numbers[key] = int(text)
        if not low <= int(text) <= MAX_INT32:
            yield out_of_bounds(int(text), low, MAX_INT32, key)
    low_scale = numbers.get("autoscaling.knative.dev/min-scale", 0)
    high = numbers.get("autoscaling.knative.dev/max-scale", 0)
    if high and low_scale > high:
        for key in ("autoscaling.knative.dev/max-scale", "autoscaling.knative.dev/min-scale"):
            yield FieldError(key, f"max-scale={high} is less than min-scale={low_scale}")
    yield from _check_target(annotations)


def _check_target(annotations: dict[str, str]) -> FieldErrors:
    key = "autoscaling.knative.dev/target"
    text = annotations.get(key)
    if text is None:
        return
    try:
        if float(text) < 0.01:
            yield FieldError(key, f"target {text} should be at least 0.01")
    except ValueError:
        yield invalid(text, key)


def check_spec(spec: RevisionSpec) -> FieldErrors:
    """Rules of a revision's specification."""
    if not spec.containers:
        yield missing("containers")
    yield from check_timing(spec)
    ported = [i for i, c in enumerate(spec.containers) if c.ports]
    if len(ported) > 1:
        details = "Only a single port is allowed across all containers"
        yield FieldError(f"containers[*].ports\n{details}", "more than one container port is set")
    if len(spec.containers) > 1 and not ported:
        yield missing("containers[*].ports")
    volumes = [str(v.get("name", "")) for v in spec.volumes]
    for i, volume in enumerate(spec.volumes):
        yield from (e.under(f"volumes[{i}]") for e in _check_volume(volume, volumes))
    serving = ported[0] if ported else 0
    for i, container in enumerate(spec.containers):
        found = check_container(container, volumes, serves=i == serving)
        yield from (e.under(f"containers[{i}]") for e in found)
    yield from _check_unique_names(spec.containers)


def check_timing(spec: RevisionSpec) -> FieldErrors:
    """Relations between the timeouts; their limits are config-defaults'.

    Source: knative/serving pkg/apis/serving/v1/revision_validation.go, validateTimeoutSeconds.
    """
    longest = spec.timeout_seconds
    for path, value in (
        ("responseStartTimeoutSeconds", spec.response_start_timeout_seconds),
        ("idleTimeoutSeconds", spec.idle_timeout_seconds),
    ):
        if value is not None and longest and not 0 <= value <= longest:
            yield out_of_bounds(value, 0, longest, path)
    if spec.timeout_seconds is not None and spec.timeout_seconds < 0:
        yield out_of_bounds(spec.timeout_seconds, 0, MAX_TIMEOUT_S, "timeoutSeconds")


def _check_unique_names(containers: Sequence[Container]) -> FieldErrors:
    seen: set[str] = set()
    for i, container in enumerate(containers):
        if container.name and container.name in seen:
            yield FieldError(f"containers[{i}].name", f'duplicate container name "{container.name}"')
        seen.add(container.name)


_VOLUME_SOURCES = ("secret", "configMap", "projected", "emptyDir", "persistentVolumeClaim", "csi", "hostPath")


def _check_volume(volume: dict[str, Any], names: Sequence[str]) -> FieldErrors:
    name = str(volume.get("name", ""))
    if not is_dns_label(name):
        yield invalid(name, "name")
    if names.count(name) > 1:
        yield FieldError("name", f'duplicate volume name "{name}"')
    sources = [s for s in _VOLUME_SOURCES if s in volume]
    for source in set(volume) - set(_VOLUME_SOURCES) - {"name"}:
        yield disallowed(source)
    if not sources:
        yield from one_of_neither(*_VOLUME_SOURCES[:4])
    if len(sources) > 1:
        yield from one_of_both(*sources)


def check_container(container: Container, volumes: Sequence[str], *, serves: bool) -> FieldErrors:
    """Rules of one container; only the one that `serves` may have a port and a readiness probe on it."""
    if container.name in RESERVED_NAMES:
        yield FieldError("name", f'"{container.name}" is a reserved container name')
    if not container.image:
        yield missing("image")
    for field in _NOT_IN_CONTAINER:
        if getattr(container, field) is not None:
            yield disallowed({"stdin_once": "stdinOnce"}.get(field, field))
    for i, entry in enumerate(container.env):
        yield from (e.under(f"env[{i}]") for e in _check_env(entry))
    yield from _check_ports(container)
    yield from _check_mounts(container, volumes)
    if serves:
        for name in ("liveness_probe", "readiness_probe", "startup_probe"):
            probe = getattr(container, name)
            camel = name.replace("_p", "P")
            yield from (e.under(camel) for e in _check_probe(probe))


def _check_env(entry: dict[str, Any]) -> FieldErrors:
    name = str(entry.get("name", ""))
    if not name:
        yield missing("name")
    elif not _ENV_NAME.fullmatch(name):
        yield invalid(name, "name")


def _check_ports(container: Container) -> FieldErrors:
    if len(container.ports) > 1:
        details = "Only a single port is allowed across all containers"
        yield FieldError(f"ports\n{details}", "more than one container port is set")
    for i, port in enumerate(container.ports):
        where = f"ports[{i}]"
        if port.container_port in RESERVED_PORTS:
            said = f"{port.container_port} is a reserved port"
            yield invalid(said, f"{where}.containerPort\n{said}, please use a different value")
        elif not 0 <= port.container_port <= 65535:
            yield out_of_bounds(port.container_port, 0, 65535, f"{where}.containerPort")
        if port.protocol not in ("", "TCP"):
            yield invalid(port.protocol, f"{where}.protocol")
        if port.name not in _PORT_NAMES:
            details = "Name must be empty, or one of: 'h2c', 'http1'"
            yield FieldError(f"ports\n{details}", f"Port name {port.name} is not allowed")
        if port.host_port is not None:
            yield disallowed(f"{where}.hostPort")


def _check_mounts(container: Container, volumes: Sequence[str]) -> FieldErrors:
    seen: set[str] = set()
    for i, mount in enumerate(container.volume_mounts):
        where = f"volumeMounts[{i}]"
        if mount.name not in volumes:
            yield FieldError(f"{where}.name", "volumeMount has no matching volume")
        if not mount.mount_path:
            yield missing(f"{where}.mountPath")
        elif mount.mount_path.rstrip("/") in RESERVED_MOUNTS or mount.mount_path == "/":
            yield FieldError(f"{where}.mountPath", f'mountPath "{mount.mount_path}" is a reserved path')
        elif not mount.mount_path.startswith("/"):
            yield invalid(mount.mount_path, f"{where}.mountPath")
        if mount.mount_path in seen:
            yield invalid(f'"{mount.mount_path}" must be unique', f"{where}.mountPath")
        seen.add(mount.mount_path)


HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")


def _check_probe(probe: dict[str, Any] | None) -> FieldErrors:
    if probe is None:
        return
    found = [h for h in HANDLERS if h in probe]
    if not found:
        yield from one_of_neither(*HANDLERS)
    elif len(found) > 1:
        yield from one_of_both(*found)
    if probe.get("periodSeconds") == 0:
        for field in ("failureThreshold", "timeoutSeconds"):
            if probe.get(field):
                yield disallowed(field)


def check_traffic(targets: Sequence[TrafficTarget], *, of_service: bool) -> FieldErrors:
    """Rules of `spec.traffic`. A Service's targets name no Configuration: it has its own.

    Source: knative/serving pkg/apis/serving/v1/route_validation.go, validateTrafficList.
    """
    total = sum(t.percent or 0 for t in targets)
    tags: dict[str, int] = {}
    for i, target in enumerate(targets):
        if target.tag:
            if target.tag in tags:
                for place in (tags[target.tag], i):
                    yield FieldError(f"[{place}].tag", f"Multiple definitions for {target.tag}")
            tags.setdefault(target.tag, i)
            if not is_dns_label(target.tag):
                yield FieldError(f"[{i}].tag", f"not a DNS 1035 label: {target.tag}")
        yield from (e.under(f"[{i}]") for e in _check_target_of_route(target, of_service))
    if targets and total != 100:
        yield FieldError("", f"Traffic targets sum to {total}, want 100")


def _check_target_of_route(target: TrafficTarget, of_service: bool) -> FieldErrors:
    if target.percent is not None and not 0 <= target.percent <= 100:
        yield out_of_bounds(target.percent, 0, 100, "percent")
    if target.url:
        yield disallowed("url")
    if of_service and target.configuration_name:
        yield disallowed("configurationName")
    if not of_service and target.revision_name and target.configuration_name:
        yield from one_of_both("revisionName", "configurationName")
    if not of_service and not target.revision_name and not target.configuration_name:
        yield from one_of_neither("revisionName", "configurationName")
    if target.latest_revision is not None and target.latest_revision == bool(target.revision_name):
        yield invalid(_go(target.latest_revision), "latestRevision")
    if target.revision_name and not is_dns_subdomain(target.revision_name):
        yield invalid(target.revision_name, "revisionName")


def _go(value: bool) -> str:
    return "true" if value else "false"


def check_name(name: str) -> FieldErrors:
    """A Service's or Route's name becomes a DNS label."""
    if name and not (is_dns_label(name) and not name[0].isdigit()):
        yield FieldError("metadata.name", f"not a DNS 1035 label: {name}")


ROLLOUT = ("serving.knative.dev/rollout-duration", "serving.knative.dev/rolloutDuration")
VISIBILITY = "networking.knative.dev/visibility"


def check_service_metadata(meta: ObjectMeta) -> FieldErrors:
    """Annotations and labels of a Service, Route or Configuration itself.

    Source: knative/serving pkg/apis/serving/metadata_validation.go, ValidateHasNoAutoscalingAnnotation,
    ValidateRolloutDurationAnnotation; v1/route_validation.go, validateClusterVisibilityLabel.
    """
    notes, labels = meta.annotations or {}, meta.labels or {}
    hint = 'autoscaling annotations must be put under "spec.template.metadata.annotations" to work'
    for key in notes:
        if key.startswith("autoscaling.knative.dev"):
            where = f"metadata.annotations\n{hint}"
            yield FieldError(where, f'invalid key name "{key}"', "FieldValueForbidden")
    key = next((k for k in ROLLOUT if notes.get(k)), "")
    if key:
        yield from (e.under("metadata.annotations") for e in _check_duration(key, notes[key]))
    if labels.get(VISIBILITY, "cluster-local") != "cluster-local":
        yield invalid(labels[VISIBILITY], f"metadata.labels.{VISIBILITY}")


def _check_duration(key: str, text: str) -> FieldErrors:
    try:
        seconds = parse_duration_s(text)
    except ValueError:
        yield invalid(text, key)
        return
    if seconds != int(seconds):
        yield FieldError(key, f"rollout-duration={text} is not at second precision")
    elif seconds < 0:
        yield FieldError(key, f"rollout-duration={text} must be positive")
