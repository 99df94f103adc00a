"""Whether a pod gets a sidecar. Pure.

Source: istio pkg/kube/inject/inject.go, injectRequired; Maistra: injection is opt-in per pod
(`spec.proxy.injection.autoInject: false` in every profile), and only in namespaces of a member roll.
Deviation: a member namespace may opt all its pods in, with label `istio-injection: enabled` or with
label or annotation `sidecar.istio.io/inject: "true"`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of

INJECT = "sidecar.istio.io/inject"
NAMESPACE_LABEL = "istio-injection"
STATUS = "sidecar.istio.io/status"
_YES = ("y", "yes", "true", "on")
_NO = ("n", "no", "false", "off")


def parse_switch(text: str | None) -> bool | None:
    """`y`, `yes`, `true`, `on` → True; `n`, `no`, `false`, `off` → False; anything else → None."""
    lowered = (text or "").lower()
    if lowered in _YES:
        return True
    return False if lowered in _NO else None


def wants_sidecar(pod: Json, namespace: Json) -> bool:
    """Choose by the pod first, then by its namespace.

    | pod label | pod annotation | namespace | sidecar             |
    |-----------|----------------|-----------|---------------------|
    | yes / no  | any            | any       | as the label says   |
    | -         | yes / no       | any       | as the annotation   |
    | -         | -              | yes       | yes                 |
    | -         | -              | no, none  | no                  |

    Never: host network, a pod that has one already.
    """
    spec: Mapping[str, Any] = pod.get("spec") or {}
    if spec.get("hostNetwork") or STATUS in annotations_of(pod):
        return False
    if any(c.get("name") == "istio-proxy" for c in spec.get("containers") or ()):
        return False
    for source in (labels_of(pod), annotations_of(pod)):
        said = parse_switch(source.get(INJECT))
        if said is not None:
            return said
    return _namespace_wants(namespace)


def _namespace_wants(namespace: Json) -> bool:
    label = labels_of(namespace).get(NAMESPACE_LABEL)
    if label in ("enabled", "disabled"):
        return label == "enabled"
    for source in (labels_of(namespace), annotations_of(namespace)):
        said = parse_switch(source.get(INJECT))
        if said is not None:
            return said
    return False
