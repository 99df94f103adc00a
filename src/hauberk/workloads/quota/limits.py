"""LimitRange at admission: defaults for containers that say nothing, bounds for all. Pure.

Source: kubernetes plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from hauberk.base.apierrors import Forbidden
from hauberk.base.quantities import parse_quantity
from hauberk.base.refs import Json, ref_of
from hauberk.kinds.core.limitrange import CLAIM, CONTAINER, KIND, POD, LimitItem
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.quota.amounts import pod_amounts, written

NOTE = "kubernetes.io/limit-ranger"


def items_of(request: Request) -> list[LimitItem]:
    """All bounds of the namespace."""
    rows = request.snapshot.list(KIND.id, request.namespace)
    return [item for raw in rows for item in KIND.parse(raw).spec.limits]


def fill(request: Request) -> Outcome:
    """Give containers of a new pod what they do not ask for."""
    if request.obj is None or request.subresource:
        return Outcome()
    items = [i for i in items_of(request) if i.type == CONTAINER]
    if not items:
        return Outcome()
    pod = dict(request.obj)
    said: list[str] = []
    spec = pod["spec"] = dict(pod.get("spec") or {})
    for section in ("initContainers", "containers"):
        if spec.get(section):
            spec[section] = [_filled(c, items, said, section) for c in spec[section]]
    if said:
        meta = pod["metadata"] = dict(pod["metadata"])
        meta["annotations"] = {
            **(meta.get("annotations") or {}),
            NOTE: "LimitRanger plugin set: " + "; ".join(said),
        }
    return Outcome(obj=pod)


def _filled(container: Json, items: Sequence[LimitItem], said: list[str], section: str) -> Json:
    resources = dict(container.get("resources") or {})
    what = "init container" if section == "initContainers" else "container"
    for part, name in (("default_request", "requests"), ("default", "limits")):
        have = dict(resources.get(name) or {})
        for item in items:
            have = {**(getattr(item, part) or {}), **have}
        new = sorted(set(have) - set(resources.get(name) or {}))
        if new:
            said.append(f"{', '.join(new)} {name.removesuffix('s')} for {what} {container['name']}")
            resources[name] = have
    return {**container, "resources": resources}


def check(request: Request) -> Outcome:
    """Refuse what is out of bounds. Forbidden."""
    if request.obj is None or request.subresource:
        return Outcome()
    items = items_of(request)
    wrong = [text for item in items for text in _wrong(request.kind, request.obj, item)]
    if wrong:
        plural = "pods" if request.kind == "Pod" else "persistentvolumeclaims"
        name = request.obj["metadata"].get("name", "")
        text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
        raise Forbidden(f'{plural} "{name}" is forbidden: {text}', ref=ref_of(request.obj))
    return Outcome()


def _wrong(kind: str, obj: Json, item: LimitItem) -> Iterator[str]:
    spec = obj.get("spec") or {}
    if kind == CLAIM:
        if item.type == CLAIM:
            asked = (spec.get("resources") or {}).get("requests") or {}
            yield from _bounds(item, _numbers(asked), _numbers(asked), "request")
    elif item.type == CONTAINER:
        for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
            resources = container.get("resources") or {}
            yield from _bounds(item, _numbers(resources.get("requests")), _numbers(resources.get("limits")))
    elif item.type == POD:
        yield from _bounds(item, pod_amounts(spec, "requests").values, pod_amounts(spec, "limits").values)


def _numbers(row: Mapping[str, Any] | None) -> Mapping[str, Decimal]:
    return {k: Decimal(str(parse_quantity(str(v)))) for k, v in (row or {}).items()}


def _bounds(
    item: LimitItem, asked: Mapping[str, Decimal], limit: Mapping[str, Decimal], word: str = "limit"
) -> Iterator[str]:
    for name, text in sorted((item.min or {}).items()):
        least, usage = _number(text), f"minimum {name} usage per {item.type} is {text}"
        if name not in asked:
            yield f"{usage}.  No request is specified"
        elif asked[name] < least:
            yield f"{usage}, but request is {_text(asked[name], text)}"
        elif name in limit and limit[name] < least:
            yield f"{usage}, but limit is {_text(limit[name], text)}"
    for name, text in sorted((item.max or {}).items()):
        usage = f"maximum {name} usage per {item.type} is {text}"
        if name not in limit:
            yield f"{usage}.  No limit is specified"
        elif limit[name] > _number(text):
            yield f"{usage}, but {word} is {_text(limit[name], text)}"
        elif name in asked and asked[name] > _number(text):
            yield f"{usage}, but request is {_text(asked[name], text)}"
    for name, text in sorted((item.max_limit_request_ratio or {}).items()):
        yield from _ratio(item.type, name, text, asked.get(name), limit.get(name))


def _ratio(kind: str, name: str, text: Any, asked: Decimal | None, limit: Decimal | None) -> Iterator[str]:
    said = f"{name} max limit to request ratio per {kind} is {text}"
    if not asked or not limit:
        word = "limit" if asked else "request"
        yield f"{said}, but no {word} is specified or {word} is 0"
    elif limit / asked > _number(text):
        yield f"{said}, but provided ratio is {limit / asked:.6f}"


def _number(text: Any) -> Decimal:
    return Decimal(str(parse_quantity(str(text))))


def _text(value: Decimal, like: Any) -> str:
    return written(value, binary=str(like).endswith("i"))


ADMISSIONS = (
    Admission(name="limit-defaults", kinds=("Pod",), operations=("CREATE",), admit=fill, mutates=True),
    Admission(name="limit-bounds", kinds=("Pod", CLAIM), operations=("CREATE",), admit=check),
)
