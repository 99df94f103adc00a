"""The Serving webhooks' work: who made an object, defaults of config-defaults, upstream's refusals.

Source: knative/serving pkg/apis/serving/v1/*_defaults.go, *_validation.go; the refusal's wording is
knative.dev/pkg webhook/resourcesemantics/validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import msgspec

from hauberk.base.apierrors import BadRequest
from hauberk.base.fields import FieldError
from hauberk.base.names import is_dns_subdomain
from hauberk.base.refs import Json, Ref, annotations_of
from hauberk.kinds import BY_ID
from hauberk.kinds.knative_operator.settings import without_effect
from hauberk.kinds.serving.masks import check_masks
from hauberk.kinds.serving.pod import check_pod
from hauberk.kinds.serving.rules import out_of_bounds, upstream_text
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.serving.config import defaults, features, istio, network
from hauberk.serving.config.defaults import Defaults
from hauberk.serving.config.reading import data_of
from hauberk.serving.names import (
    A_CREATOR,
    A_MODIFIER,
    CONFIGURATION,
    DOMAIN_MAPPING,
    REVISION,
    ROUTE,
    SERVICE,
)
from hauberk.serving.secure import secure

TEMPLATED = (SERVICE, CONFIGURATION)
AUTHORED = (SERVICE, CONFIGURATION, ROUTE, DOMAIN_MAPPING)
WEBHOOK = 'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: '


def spec_of(kind: str, obj: Json) -> dict[str, Any] | None:
    """The revision specification inside an object, if it has one."""
    spec = obj.get("spec") or {}
    if kind in TEMPLATED:
        spec = (spec.get("template") or {}).get("spec")
    return spec if isinstance(spec, dict) and kind != ROUTE else None


def fill_defaults(request: Request) -> Outcome:
    """Sign the object and fill in what config-defaults decides."""
    if request.obj is None or request.subresource:
        return Outcome()
    obj = deepcopy(dict(request.obj))
    if request.kind in AUTHORED:
        _sign(obj, request)
    spec = spec_of(request.kind, obj)
    if spec is not None:
        settings = defaults.parse_defaults(data_of(request.snapshot, defaults.NAME))
        fill_spec(spec, settings)
        if features.is_not_off(data_of(request.snapshot, features.NAME), features.SECURE_DEFAULTS):
            flags = data_of(request.snapshot, features.NAME)
            secure(spec, non_root=features.is_enabled(flags, features.SECURE_DEFAULTS))
    return Outcome(obj=obj)


def _sign(obj: dict[str, Any], request: Request) -> None:
    """Note who created and who last changed the specification; children carry their owner's notes.

    Deviation: notes that a replacement leaves out stay; upstream refuses it.
    """
    if obj["metadata"].get("ownerReferences"):
        return
    notes = dict(obj["metadata"].get("annotations") or {})
    if request.old is None:
        notes |= {A_CREATOR: request.user, A_MODIFIER: request.user}
    else:
        before = annotations_of(request.old)
        notes = {**{k: before[k] for k in (A_CREATOR, A_MODIFIER) if k in before}, **notes}
        if request.old.get("spec") != obj.get("spec"):
            notes[A_MODIFIER] = request.user
    obj["metadata"] = {**obj["metadata"], "annotations": notes}


def fill_spec(spec: dict[str, Any], settings: Defaults) -> None:
    """What config-defaults decides about a revision. Mutates `spec`.

    Source: knative/serving pkg/apis/serving/v1/revision_defaults.go, RevisionSpec.SetDefaults.
    """
    if spec.get("timeoutSeconds") is None:
        spec["timeoutSeconds"] = settings.timeout_s
    for key, value in (
        ("responseStartTimeoutSeconds", settings.response_start_timeout_s),
        ("idleTimeoutSeconds", settings.idle_timeout_s),
    ):
        if spec.get(key) is None and value:
            spec[key] = value
    if spec.get("containerConcurrency") is None:
        spec["containerConcurrency"] = settings.concurrency
    if spec.get("enableServiceLinks") is None and settings.enable_service_links is not None:
        spec["enableServiceLinks"] = settings.enable_service_links
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if isinstance(container, dict):
            _fill_resources(container, settings)
    _name_inits(spec, settings.init_container_name)


def _name_inits(spec: Json, name: str) -> None:
    """One is NAME; several are NAME-0, NAME-1. Source: knative/serving v1/revision_defaults.go."""
    inits = [c for c in spec.get("initContainers") or () if isinstance(c, dict)]
    used = {c.get("name") for c in (*(spec.get("containers") or ()), *inits) if isinstance(c, dict)}
    for i, container in enumerate(inits):
        if not container.get("name"):
            wanted = name if len(inits) == 1 else f"{name}-{i}"
            while wanted in used:
                wanted += "-0"
            container["name"] = wanted
            used.add(wanted)


def _fill_resources(container: dict[str, Any], settings: Defaults) -> None:
    resources = dict(container.get("resources") or {})
    for part, values in (("requests", settings.requests), ("limits", settings.limits)):
        if values:
            resources[part] = {**values, **(resources.get(part) or {})}
    container["resources"] = resources


def refuse(request: Request) -> Outcome:
    """Refuse what upstream's webhook refuses, in its words."""
    if request.obj is None or request.subresource:
        return Outcome()
    kind = BY_ID[request.kind]
    try:
        parsed = kind.parse(request.obj)
    except msgspec.ValidationError:
        return Outcome()  # validation after admission says which field has which wrong type
    found = [*kind.validate(parsed), *_checks(request)]
    if found:
        raise BadRequest(WEBHOOK + upstream_text(found), ref=_ref(request), causes=found)
    return Outcome()


def _ref(request: Request) -> Ref:
    assert request.obj is not None, "a refused write has an object"
    return Ref(request.kind, request.namespace, str(request.obj["metadata"].get("name", "")))


def _checks(request: Request) -> Iterator[FieldError]:
    """Rules that need the cluster or the old object."""
    assert request.obj is not None, "checked before"
    spec = spec_of(request.kind, request.obj)
    if spec is not None and not request.obj["metadata"].get("ownerReferences"):
        where = "spec.template.spec" if request.kind in TEMPLATED else "spec"
        flags = data_of(request.snapshot, features.NAME)
        yield from (e.under(where) for e in check_pod(spec, flags))
        yield from (e.under(where) for e in check_masks(spec, flags))
        settings = defaults.parse_defaults(data_of(request.snapshot, defaults.NAME))
        yield from (e.under(where) for e in check_limits(spec, settings))
    if request.old is None:
        return
    if request.kind in AUTHORED and not request.obj["metadata"].get("ownerReferences"):
        yield from _signed(request.old, request.obj)
    if request.kind == REVISION and request.old.get("spec") != request.obj.get("spec"):
        yield immutable(request.old.get("spec") or {}, request.obj.get("spec") or {})
    if request.kind in TEMPLATED:
        yield from _byo_name(request.old, request.obj)


def _signed(old: Json, new: Json) -> Iterator[FieldError]:
    """Nobody changes who made an object, or without a change who changed it.

    Source: knative.dev/pkg apis/metadata_validation.go, ValidateCreatorAndModifier.
    """
    before, after = annotations_of(old), annotations_of(new)
    fixed = (A_CREATOR, A_MODIFIER) if old.get("spec") == new.get("spec") else (A_CREATOR,)
    for key in fixed:
        if key in before and before[key] != after.get(key):
            yield FieldError(f"metadata.annotations.{key}", "annotation value is immutable")


def check_limits(spec: Json, settings: Defaults) -> Iterator[FieldError]:
    """What config-defaults allows at most.

    Source: knative/serving pkg/apis/serving/v1/revision_validation.go, validateTimeoutSeconds;
    metadata_validation.go, ValidateContainerConcurrency.
    """
    timeout, concurrency = spec.get("timeoutSeconds"), spec.get("containerConcurrency")
    if isinstance(timeout, int) and timeout > settings.max_timeout_s:
        yield out_of_bounds(timeout, 0, settings.max_timeout_s, "timeoutSeconds")
    lowest = 0 if settings.allow_zero_concurrency else 1
    if isinstance(concurrency, int) and not lowest <= concurrency <= settings.max_concurrency:
        yield out_of_bounds(concurrency, lowest, settings.max_concurrency, "containerConcurrency")


def immutable(old: Json, new: Json) -> FieldError:
    """A Revision's specification never changes.

    Deviation: upstream prints a Go struct diff; here one line per changed field.
    """
    lines = [
        line
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
        for line in (f"-{key}: {old.get(key)!r}", f"+{key}: {new.get(key)!r}")
    ]
    return FieldError("spec\n" + "\n".join(lines), "Immutable fields changed (-old +new)")


def _byo_name(old: Json, new: Json) -> Iterator[FieldError]:
    """A template that names its revision must change the name when it changes anything else."""
    before = (old.get("spec") or {}).get("template") or {}
    after = (new.get("spec") or {}).get("template") or {}
    name = (after.get("metadata") or {}).get("name")
    if name and name == (before.get("metadata") or {}).get("name") and before != after:
        text = "Saw the following changes without a name change (-old +new)"
        yield FieldError("spec.template.metadata.name", text)


def refuse_config(request: Request) -> Outcome:
    """Refuse a ConfigMap of knative-serving whose values no reader could use.

    Source: knative/serving cmd/webhook/main.go, newConfigValidationController.
    """
    if request.obj is None or request.namespace != "knative-serving":
        return Outcome()
    name = str(request.obj["metadata"].get("name", ""))
    check = _CONFIG_CHECKS.get(name)
    problem = check(request.obj.get("data") or {}) if check else None
    if problem:
        part = "istio.networking.internal" if name == istio.NAME else "serving"
        text = f'admission webhook "config.webhook.{part}.knative.dev" denied the request: {problem}'
        raise BadRequest(text, ref=_ref(request))
    return Outcome(warnings=tuple(without_effect(name, request.obj.get("data") or {})))


def _check_defaults(data: Mapping[str, str]) -> str | None:
    for key in ("revision-timeout-seconds", "max-revision-timeout-seconds", "container-concurrency"):
        text = data.get(key)
        if text is not None and not text.lstrip("-").isdigit():
            cause = f'strconv.ParseInt: parsing "{text}": invalid syntax'
            return f'validation failed: failed to parse "{key}": {cause}'
    settings = defaults.parse_defaults(data)
    if settings.timeout_s > settings.max_timeout_s:
        low, high = settings.timeout_s, settings.max_timeout_s
        return (
            f"revision-timeout-seconds ({low}) cannot be greater than max-revision-timeout-seconds ({high})"
        )
    return None


_TEMPLATE_SAMPLE = {
    "Name": "foo", "Namespace": "bar", "Domain": "baz.com", "Tag": "tag",
    "Annotations": {}, "Labels": {},
}  # fmt: skip


def _check_network(data: Mapping[str, str]) -> str | None:
    """Source: knative.dev/networking pkg/config/config.go, checkDomainTemplate, checkTagTemplate."""
    settings = network.parse_network(data)
    for key, template in (
        ("domain-template", settings.domain_template),
        ("tag-template", settings.tag_template),
    ):
        host = network.fill_template(template, _TEMPLATE_SAMPLE)
        if not is_dns_subdomain(host):
            return f'validation failed: error parsing {key} "{template}": it makes the host "{host}"'
    for key, allowed in (
        ("external-domain-tls", ("enabled", "disabled")),
        ("http-protocol", ("enabled", "redirected")),
    ):
        if data.get(key, allowed[0]).lower() not in allowed:
            return f"validation failed: {key} {data[key]} in config-network ConfigMap is not supported"
    return None


def _check_istio(data: Mapping[str, str]) -> str | None:
    found = istio.problem(data)
    return f"validation failed: {found}" if found else None


_CONFIG_CHECKS: Mapping[str, Callable[[Mapping[str, str]], str | None]] = {
    defaults.NAME: _check_defaults,
    network.NAME: _check_network,
    istio.NAME: _check_istio,
}

_KINDS = (SERVICE, CONFIGURATION, REVISION, ROUTE, DOMAIN_MAPPING)

ADMISSION: tuple[Admission, ...] = (
    Admission(name="serving-defaults", kinds=_KINDS, admit=fill_defaults, mutates=True),
    # Among the mutating steps, so that it speaks before the table of kinds does: upstream's words win.
    Admission(name="serving-validation", kinds=_KINDS, admit=refuse, mutates=True),
    Admission(name="serving-config-validation", kinds=("ConfigMap",), admit=refuse_config),
)
