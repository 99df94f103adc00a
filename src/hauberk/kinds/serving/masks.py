"""Fields of containers and pods that the platform keeps for itself: a developer who sets one is refused.

Source: knative/serving pkg/apis/serving/fieldmask.go (SecurityContextMask, PodSecurityContextMask,
CapabilitiesMask, VolumeMountMask, ContainerMask); k8s_validation.go, validateSecurityContext.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.refs import Json

_SECURITY = {
    "allowPrivilegeEscalation",
    "capabilities",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
}
_POD_SECURITY = {
    "fsGroup",
    "fsGroupChangePolicy",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seccompProfile",
    "supplementalGroups",
}
_MAX_ID = 2**31 - 1
_ALWAYS_ADDED = {"NET_BIND_SERVICE"}


def check_masks(spec: Json, features: Mapping[str, str]) -> FieldErrors:
    """Refuse what only the platform sets. Takes a revision's raw specification and config-features' data."""
    enabled = {name for name, value in features.items() if value.lower() != "disabled"}
    pod = spec.get("securityContext") or {}
    allowed = _POD_SECURITY if "kubernetes.podspec-securitycontext" in enabled else set()
    yield from _forbidden("securityContext", pod, allowed)
    yield from (e.under("securityContext") for e in _identities(pod))
    for group in ("containers", "initContainers"):
        for i, container in enumerate(spec.get(group) or ()):
            yield from (e.under(f"{group}[{i}]") for e in _container(container, enabled))


def _container(container: Json, enabled: set[str]) -> FieldErrors:
    if "volumeDevices" in container:
        yield _disallowed("volumeDevices")
    for i, mount in enumerate(container.get("volumeMounts") or ()):
        for field in ("mountPropagation", "subPathExpr"):
            if field in mount:
                yield _disallowed(f"volumeMounts[{i}].{field}")
    own = container.get("securityContext") or {}
    yield from _forbidden("securityContext", own, _SECURITY)
    yield from (e.under("securityContext") for e in _identities(own))
    added = set((own.get("capabilities") or {}).get("add") or ())
    if added - _ALWAYS_ADDED and "kubernetes.containerspec-addcapabilities" not in enabled:
        yield _disallowed("securityContext.capabilities.add")


def _forbidden(path: str, found: Mapping[str, Any], allowed: Iterable[str]) -> FieldErrors:
    return (_disallowed(f"{path}.{field}") for field in sorted(set(found) - set(allowed)))


def _identities(context: Mapping[str, Any]) -> FieldErrors:
    for field in ("runAsUser", "runAsGroup"):
        number = context.get(field)
        if isinstance(number, int) and not 0 <= number <= _MAX_ID:
            yield FieldError(field, f"expected 0 <= {number} <= {_MAX_ID}")


def _disallowed(path: str) -> FieldError:
    return FieldError(path, "must not set the field(s)", "FieldValueForbidden")
