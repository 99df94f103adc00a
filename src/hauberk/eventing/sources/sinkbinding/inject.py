"""The environment that a SinkBinding gives to the containers of a pod template. Pure.

Source: knative/eventing pkg/apis/sources/v1/sinkbinding_lifecycle.go, Do and Undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.base.refs import Json, labels_of
from hauberk.eventing.sources.parts import overrides_text
from hauberk.kinds.eventing.addressable import Address
from hauberk.kinds.eventing.sink_binding import EXCLUDE, INCLUDE

NAMES = ("K_SINK", "K_CA_CERTS", "K_CE_OVERRIDES")
_LISTS = ("initContainers", "containers")


def environment(binding: Json, sink: Address) -> list[dict[str, str]]:
    """The variables, in upstream's order; `K_CE_OVERRIDES` is there even when it is empty."""
    rows = [("K_SINK", sink.url)]
    if sink.ca:
        rows.append(("K_CA_CERTS", sink.ca))
    rows.append(("K_CE_OVERRIDES", overrides_text(binding.get("spec") or {})))
    return [{"name": name, "value": value} for name, value in rows]


def bound(obj: Json, env: list[dict[str, str]]) -> dict[str, Any] | None:
    """The containers of the object's template with exactly this environment of ours.

    `{"containers": […], "initContainers": […]}` with the lists that exist; None when nothing would change.
    An empty `env` takes the variables away.
    """
    spec = pod_spec(obj)
    if spec is None:
        return None
    lists = {k: [_with(c, env) for c in spec[k]] for k in _LISTS if spec.get(k)}
    return None if all(lists[k] == list(spec[k]) for k in lists) else lists


def _with(container: Json, env: list[dict[str, str]]) -> dict[str, Any]:
    before = container.get("env") or []
    rest = [e for e in before if e.get("name") not in NAMES]
    after = [*rest, *env]
    if _same(before, after):
        return dict(container)
    out = {k: v for k, v in container.items() if k != "env"}
    return {**out, "env": after} if after else out


def _same(before: list[Any], after: list[Any]) -> bool:
    """Order does not matter, and a missing value is an empty one: nothing is written for either."""
    return sorted(map(_row, before)) == sorted(map(_row, after))


def _row(variable: Mapping[str, Any]) -> str:
    return repr(sorted((k, v) for k, v in variable.items() if v != ""))


def pod_spec(obj: Json) -> Json | None:
    """The specification in the object's pod template, or None when it has none."""
    spec = ((obj.get("spec") or {}).get("template") or {}).get("spec")
    return spec if isinstance(spec, Mapping) else None


def with_lists(obj: Json, lists: Mapping[str, Any]) -> dict[str, Any]:
    """The object with these lists of containers."""
    spec = obj["spec"]
    template = spec["template"]
    return {**obj, "spec": {**spec, "template": {**template, "spec": {**template["spec"], **lists}}}}


def is_selected(mode: str, namespace: Json | None, obj: Json) -> bool:
    """Whether bindings may touch the object, by its labels and its namespace's.

    | mode      | label                                  | selected |
    |-----------|----------------------------------------|----------|
    | exclusion | `bindings.knative.dev/exclude: "true"` | no       |
    | exclusion | -                                      | yes      |
    | inclusion | `bindings.knative.dev/include: "true"` on both | yes |
    | inclusion | -                                      | no       |

    Source: knative/eventing cmd/webhook/main.go, sinkBindingSelector; knative.dev/pkg
    webhook/psbinding/psbinding.go (ExclusionSelector, InclusionSelector).
    """
    both = (labels_of(namespace) if namespace else {}, labels_of(obj))
    if mode == "inclusion":
        return all(labels.get(INCLUDE) == "true" for labels in both)
    return all(labels.get(EXCLUDE) != "true" for labels in both)
