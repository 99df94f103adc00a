"""What a pod specification must obey, for Pods and for templates.

Source: kubernetes pkg/apis/core/validation/validation.go, ValidatePodSpec and what it calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from hauberk.base.fields import FieldErrors
from hauberk.base.quantities import parse_quantity
from hauberk.kinds.core.container import Container, EnvVar, Handler, HttpGet, Probe, Resources
from hauberk.kinds.core.podspec import PodSpec, PodTemplateSpec
from hauberk.kinds.core.volume import Volume
from hauberk.kinds.rules import (
    at_least,
    check,
    check_labels,
    config_key,
    dns_label,
    dns_subdomain,
    duplicate,
    env_name,
    forbidden,
    invalid,
    not_found,
    port_name,
    port_number,
    required,
    unique,
    unsupported,
)

RESTART_POLICIES = ("Always", "Never", "OnFailure")
DNS_POLICIES = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
PULL_POLICIES = ("Always", "IfNotPresent", "Never")
PROTOCOLS = ("SCTP", "TCP", "UDP")
MESSAGE_POLICIES = ("FallbackToLogsOnError", "File")
_SOURCES = (
    "config_map",
    "secret",
    "empty_dir",
    "projected",
    "downward_api",
    "host_path",
    "persistent_volume_claim",
)


def check_template(template: PodTemplateSpec, path: str) -> FieldErrors:
    """A template at `path`, such as `spec.template`."""
    yield from check_labels(f"{path}.metadata.labels", template.metadata.labels)
    yield from check_pod_spec(template.spec, f"{path}.spec")


def check_pod_spec(spec: PodSpec, path: str) -> FieldErrors:
    """Everything upstream would refuse about the parts that act here."""
    yield from check_volumes(spec.volumes, f"{path}.volumes")
    if not spec.containers:
        yield required(f"{path}.containers")
    volumes = {v.name for v in spec.volumes}
    inits = [c.name for c in spec.init_containers]
    yield from _check_containers(spec.containers, f"{path}.containers", volumes, inits)
    yield from _check_containers(spec.init_containers, f"{path}.initContainers", volumes, ())
    for i, container in enumerate(spec.init_containers):
        yield from _check_init(container, f"{path}.initContainers[{i}]")
    yield from _one_of(f"{path}.restartPolicy", spec.restart_policy, RESTART_POLICIES)
    yield from _one_of(f"{path}.dnsPolicy", spec.dns_policy, DNS_POLICIES)
    if spec.dns_policy == "None" and not (spec.dns_config and spec.dns_config.nameservers):
        yield required(
            f"{path}.dnsConfig.nameservers",
            "must provide at least one DNS nameserver when `dnsPolicy` is None",
        )
    yield from at_least(f"{path}.terminationGracePeriodSeconds", spec.termination_grace_period_seconds)
    if spec.service_account_name:
        yield from check(f"{path}.serviceAccountName", spec.service_account_name, dns_subdomain)
    for name, value in (("hostname", spec.hostname), ("subdomain", spec.subdomain)):
        if value:
            yield from check(f"{path}.{name}", value, dns_label)


def _one_of(path: str, value: str, allowed: Sequence[str]) -> FieldErrors:
    if value and value not in allowed:
        yield unsupported(path, value, allowed)


def _check_containers(
    containers: Sequence[Container], path: str, volumes: set[str], taken: Sequence[str]
) -> FieldErrors:
    seen = set(taken)
    for i, container in enumerate(containers):
        at = f"{path}[{i}]"
        if container.name and container.name in seen:
            yield duplicate(f"{at}.name", container.name)
        seen.add(container.name)
        yield from check_container(container, at, volumes)


def check_container(container: Container, path: str, volumes: set[str] | None) -> FieldErrors:
    """One container; `volumes` None skips the question whether its mounts have a volume."""
    if not container.name:
        yield required(f"{path}.name")
    else:
        yield from check(f"{path}.name", container.name, dns_label)
    if not container.image:
        yield required(f"{path}.image")
    elif container.image != container.image.strip():
        yield invalid(f"{path}.image", container.image, "must not have leading or trailing whitespace")
    yield from _one_of(f"{path}.imagePullPolicy", container.image_pull_policy, PULL_POLICIES)
    yield from _one_of(
        f"{path}.terminationMessagePolicy", container.termination_message_policy, MESSAGE_POLICIES
    )
    yield from _check_ports(container, f"{path}.ports")
    for i, variable in enumerate(container.env):
        yield from _check_env(variable, f"{path}.env[{i}]")
    yield from _check_env_from(container, f"{path}.envFrom")
    yield from _check_mounts(container, f"{path}.volumeMounts", volumes)
    yield from _check_probes(container, path)
    yield from _check_hooks(container, path)
    yield from _check_resources(container.resources, f"{path}.resources")


def _check_init(container: Container, path: str) -> FieldErrors:
    """Only init containers that keep running (restartPolicy Always) may have probes and hooks."""
    if container.restart_policy == "Always":
        return
    if container.restart_policy:
        yield unsupported(f"{path}.restartPolicy", container.restart_policy, ("Always",))
    for name, value in (
        ("lifecycle", container.lifecycle),
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if value is not None:
            yield forbidden(
                f"{path}.{name}", "may not be set for init containers without restartPolicy=Always"
            )


def _check_ports(container: Container, path: str) -> FieldErrors:
    yield from unique(path, "name", [p.name for p in container.ports])
    for i, port in enumerate(container.ports):
        at = f"{path}[{i}]"
        if port.name:
            yield from check(f"{at}.name", port.name, port_name)
        if port.container_port == 0:
            yield required(f"{at}.containerPort")
        else:
            yield from check(f"{at}.containerPort", port.container_port, port_number)
        yield from _one_of(f"{at}.protocol", port.protocol, PROTOCOLS)


def _check_env(variable: EnvVar, path: str) -> FieldErrors:
    if not variable.name:
        yield required(f"{path}.name")
    else:
        yield from check(f"{path}.name", variable.name, env_name)
    source = variable.value_from
    if source is None:
        return
    chosen = [
        s
        for s in (
            source.field_ref,
            source.resource_field_ref,
            source.config_map_key_ref,
            source.secret_key_ref,
        )
        if s
    ]
    if not chosen:
        yield invalid(f"{path}.valueFrom", "", "must specify one of: `fieldRef`, `resourceFieldRef`, "
                      "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")  # fmt: skip
    elif len(chosen) > 1 or variable.value:
        yield invalid(f"{path}.valueFrom", "", "may not have more than one field specified at a time"
                      if len(chosen) > 1 else "may not be specified when `value` is not empty")  # fmt: skip
    for name, ref in (
        ("configMapKeyRef", source.config_map_key_ref),
        ("secretKeyRef", source.secret_key_ref),
    ):
        if ref is not None and not ref.name:
            yield required(f"{path}.valueFrom.{name}.name")
        if ref is not None:
            yield from [required(f"{path}.valueFrom.{name}.key")] if not ref.key else check(
                f"{path}.valueFrom.{name}.key", ref.key, config_key)  # fmt: skip


def _check_env_from(container: Container, path: str) -> FieldErrors:
    for i, source in enumerate(container.env_from):
        at = f"{path}[{i}]"
        if source.prefix:
            yield from check(f"{at}.prefix", source.prefix, env_name)
        refs = {"configMapRef": source.config_map_ref, "secretRef": source.secret_ref}
        chosen = {name: ref for name, ref in refs.items() if ref is not None}
        if not chosen:
            yield invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")
        elif len(chosen) > 1:
            yield invalid(at, "", "may not have more than one field specified at a time")
        for name, ref in chosen.items():
            if not ref.name:
                yield required(f"{at}.{name}.name")


def _check_mounts(container: Container, path: str, volumes: set[str] | None) -> FieldErrors:
    places: set[str] = set()
    for i, mount in enumerate(container.volume_mounts):
        at = f"{path}[{i}]"
        if not mount.name:
            yield required(f"{at}.name")
        elif volumes is not None and mount.name not in volumes:
            yield not_found(f"{at}.name", mount.name)
        if not mount.mount_path:
            yield required(f"{at}.mountPath")
        elif mount.mount_path in places:
            yield invalid(f"{at}.mountPath", mount.mount_path, "must be unique")
        places.add(mount.mount_path)
        if mount.sub_path.startswith("/"):
            yield invalid(f"{at}.subPath", mount.sub_path, "must be a relative path")
        if ".." in mount.sub_path.split("/"):
            yield invalid(f"{at}.subPath", mount.sub_path, "must not contain '..'")


def _check_probes(container: Container, path: str) -> FieldErrors:
    for name, probe in (
        ("livenessProbe", container.liveness_probe),
        ("readinessProbe", container.readiness_probe),
        ("startupProbe", container.startup_probe),
    ):
        if probe is None:
            continue
        yield from check_probe(probe, f"{path}.{name}")
        if name != "readinessProbe" and probe.success_threshold not in (None, 0, 1):
            yield invalid(f"{path}.{name}.successThreshold", probe.success_threshold, "must be 1")


def check_probe(probe: Probe, path: str) -> FieldErrors:
    """The handler and the numbers of a probe."""
    handlers = [h for h in (probe.http_get, probe.tcp_socket, probe.exec, probe.grpc) if h is not None]
    yield from _one_handler(len(handlers), path)
    yield from _check_action(probe, path)
    if probe.grpc is not None:
        yield from check(f"{path}.grpc.port", probe.grpc.port, port_number)
    for name, value in (
        ("initialDelaySeconds", probe.initial_delay_seconds),
        ("timeoutSeconds", probe.timeout_seconds),
        ("periodSeconds", probe.period_seconds),
        ("successThreshold", probe.success_threshold),
        ("failureThreshold", probe.failure_threshold),
    ):
        yield from at_least(f"{path}.{name}", value)


def _one_handler(count: int, path: str) -> FieldErrors:
    if count == 0:
        yield required(path, "must specify a handler type")
    elif count > 1:
        yield forbidden(path, "may not specify more than 1 handler type")


def _check_action(action: Probe | Handler, path: str) -> FieldErrors:
    if action.http_get is not None:
        yield from _check_http_get(action.http_get, f"{path}.httpGet")
    if action.tcp_socket is not None:
        yield from _check_port_ref(action.tcp_socket.port, f"{path}.tcpSocket.port")
    if action.exec is not None and not action.exec.command:
        yield required(f"{path}.exec.command")


def _check_http_get(get: HttpGet, path: str) -> FieldErrors:
    if not get.path:
        yield required(f"{path}.path")
    yield from _check_port_ref(get.port, f"{path}.port")
    yield from _one_of(f"{path}.scheme", get.scheme, ("HTTP", "HTTPS"))


def _check_port_ref(port: int | str, path: str) -> FieldErrors:
    rule: Callable[[Any], Iterator[str]] = port_number if isinstance(port, int) else port_name
    yield from check(path, port, rule)


def _check_hooks(container: Container, path: str) -> FieldErrors:
    if container.lifecycle is None:
        return
    for name, hook in (
        ("postStart", container.lifecycle.post_start),
        ("preStop", container.lifecycle.pre_stop),
    ):
        if hook is None:
            continue
        at = f"{path}.lifecycle.{name}"
        handlers = [h for h in (hook.http_get, hook.tcp_socket, hook.exec, hook.sleep) if h is not None]
        yield from _one_handler(len(handlers), at)
        yield from _check_action(hook, at)


def _check_resources(resources: Resources | None, path: str) -> FieldErrors:
    if resources is None:
        return
    limits, requests = resources.limits or {}, resources.requests or {}
    for name, amounts in (("limits", limits), ("requests", requests)):
        yield from _check_amounts(amounts, f"{path}.{name}")
    for resource in requests.keys() & limits.keys():
        try:
            over = parse_quantity(requests[resource]) > parse_quantity(limits[resource])
        except ValueError:
            continue
        if over:
            yield invalid(
                f"{path}.requests",
                requests[resource],
                f"must be less than or equal to {resource} limit of {limits[resource]}",
            )


def _check_amounts(amounts: Mapping[str, Any], path: str) -> FieldErrors:
    for resource, amount in amounts.items():
        try:
            negative = parse_quantity(amount) < 0
        except ValueError:
            yield invalid(
                f"{path}[{resource}]",
                amount,
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
            )
            continue
        if negative:
            yield invalid(f"{path}[{resource}]", amount, "must be greater than or equal to 0")


def check_volumes(volumes: Sequence[Volume], path: str) -> FieldErrors:
    """Names are unique labels and every source names what it needs."""
    yield from unique(path, "name", [v.name for v in volumes])
    for i, volume in enumerate(volumes):
        at = f"{path}[{i}]"
        if not volume.name:
            yield required(f"{at}.name")
        else:
            yield from check(f"{at}.name", volume.name, dns_label)
        if sum(getattr(volume, s) is not None for s in _SOURCES) > 1:
            yield forbidden(at, "may not specify more than 1 volume type")
        if volume.config_map is not None and not volume.config_map.name:
            yield required(f"{at}.configMap.name")
        if volume.secret is not None and not volume.secret.secret_name:
            yield required(f"{at}.secret.secretName")
        if volume.host_path is not None and not volume.host_path.path:
            yield required(f"{at}.hostPath.path")
        if volume.persistent_volume_claim is not None and not volume.persistent_volume_claim.claim_name:
            yield required(f"{at}.persistentVolumeClaim.claimName")
