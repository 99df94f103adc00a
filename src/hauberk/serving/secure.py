"""Security contexts that a revision's containers get where `secure-pod-defaults` is on.

Source: knative/serving pkg/apis/serving/v1/revision_defaults.go, defaultSecurityContext.
"""

from __future__ import annotations

from typing import Any

from hauberk.base.refs import Json

_LOWEST_FREE_PORT = 1024


def secure(spec: dict[str, Any], *, non_root: bool) -> None:
    """Fill in, in place, what the restricted Pod Security Standard asks for and the author left open.

    `non_root` is false with `AllowRootBounded`, where images may run as root.
    """
    pod = spec.get("securityContext") or {}
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if isinstance(container, dict):
            container["securityContext"] = secured(container, pod, non_root=non_root)


def secured(container: Json, pod: Json, *, non_root: bool) -> dict[str, Any]:
    """A container's security context with the defaults; `pod` is the pod's own."""
    own: dict[str, Any] = dict(container.get("securityContext") or {})
    own.setdefault("allowPrivilegeEscalation", False)
    if not (pod.get("seccompProfile") or {}).get("type") and not (own.get("seccompProfile") or {}).get(
        "type"
    ):
        own["seccompProfile"] = {**(own.get("seccompProfile") or {}), "type": "RuntimeDefault"}
    if "capabilities" not in own:
        low = any(0 < (p.get("containerPort") or 0) < _LOWEST_FREE_PORT for p in container.get("ports") or ())
        own["capabilities"] = {"drop": ["ALL"], **({"add": ["NET_BIND_SERVICE"]} if low else {})}
    if non_root and pod.get("runAsNonRoot") is None:
        own.setdefault("runAsNonRoot", True)
    return own
