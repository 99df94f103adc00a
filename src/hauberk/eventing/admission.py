"""The Eventing webhooks' work: defaults that ConfigMaps decide, and upstream's refusals in its words.

Source: knative/eventing pkg/apis/{eventing,messaging}/v1/*_defaults.go, *_validation.go; the refusal's
wording is knative.dev/pkg webhook/resourcesemantics/validation.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import yaml

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref
from hauberk.eventing.config.defaults import channel_template, configuration_for, parse_broker_defaults
from hauberk.eventing.config.reading import (
    BROKER_DEFAULTS,
    CHANNEL_DEFAULTS,
    FEATURES,
    data_of,
)
from hauberk.eventing.names import BROKER, CHANNEL, PARALLEL, SEQUENCE, SYSTEM
from hauberk.kinds import BY_ID
from hauberk.kinds.eventing import KINDS
from hauberk.kinds.eventing.broker import CLASS
from hauberk.kinds.eventing.features import without_effect
from hauberk.kinds.serving.rules import upstream_text
from hauberk.ports_admission import Admission, Outcome, Request

WEBHOOK = (
    'admission webhook "validation.webhook.eventing.knative.dev" denied the request: validation failed: '
)
_YAML = {BROKER_DEFAULTS: "default-br-config", CHANNEL_DEFAULTS: "default-ch-config"}


def fill_defaults(request: Request) -> Outcome:
    """Class, configuration and delivery of a Broker; the template of a Channel."""
    if request.obj is None or request.subresource:
        return Outcome()
    obj = deepcopy(dict(request.obj))
    if request.kind == BROKER:
        _fill_broker(obj, request)
    else:
        _fill_channel(obj, request)
    return Outcome(obj=obj)


def _fill_broker(obj: dict[str, Any], request: Request) -> None:
    """Source: BrokerSpec.SetDefaults, DefaultBrokerClassIfUnset."""
    data = data_of(request.snapshot, BROKER_DEFAULTS)
    notes = dict(obj["metadata"].get("annotations") or {})
    settings = parse_broker_defaults(data, request.namespace)
    notes.setdefault(CLASS, settings.broker_class)
    obj["metadata"] = {**obj["metadata"], "annotations": notes}
    row = configuration_for(data, request.namespace, notes[CLASS])
    spec = obj.setdefault("spec", {})
    if not spec.get("config") and row.get("kind"):
        spec["config"] = {k: row[k] for k in ("apiVersion", "kind", "name", "namespace") if row.get(k)}
        spec["config"].setdefault("namespace", request.namespace)
    if spec.get("delivery") is None and isinstance(row.get("delivery"), dict):
        spec["delivery"] = deepcopy(row["delivery"])


def _fill_channel(obj: dict[str, Any], request: Request) -> None:
    spec = obj.setdefault("spec", {})
    if not spec.get("channelTemplate"):
        template = channel_template(data_of(request.snapshot, CHANNEL_DEFAULTS), request.namespace)
        if template is not None:
            spec["channelTemplate"] = dict(template)


def refuse(request: Request) -> Outcome:
    """Refuse what upstream's webhook refuses, in its words."""
    if request.obj is None or request.subresource:
        return Outcome()
    kind = BY_ID[request.kind]
    try:
        parsed = kind.parse(request.obj)
    except msgspec.ValidationError:
        return Outcome()  # validation after admission says which field has which wrong type
    found = list(kind.validate(parsed))
    if not found and request.old is not None:
        found = list(kind.validate_update(request.old, request.obj))
    if found:
        name = str(request.obj["metadata"].get("name", ""))
        ref = Ref(request.kind, request.namespace, name)
        raise BadRequest(WEBHOOK + upstream_text(found), ref=ref, causes=found)
    return Outcome()


def refuse_config(request: Request) -> Outcome:
    """Refuse a ConfigMap of knative-eventing that no reader could use; say which features do not act."""
    if request.obj is None or request.namespace != SYSTEM:
        return Outcome()
    name = str(request.obj["metadata"].get("name", ""))
    data: Json = request.obj.get("data") or {}
    if name == FEATURES:
        return Outcome(warnings=tuple(without_effect(data)))
    if name in _YAML and _YAML[name] in data:
        try:
            yaml.safe_load(data[_YAML[name]])
        except yaml.YAMLError as error:
            text = f'admission webhook "config.webhook.eventing.knative.dev" denied the request: {error}'
            raise BadRequest(text, ref=Ref("ConfigMap", SYSTEM, name)) from error
    return Outcome()


ADMISSION: tuple[Admission, ...] = (
    Admission(
        name="eventing-defaults",
        kinds=(BROKER, CHANNEL, SEQUENCE, PARALLEL),
        admit=fill_defaults,
        mutates=True,
    ),
    # Among the mutating steps, so that it speaks before the table of kinds does: upstream's words win.
    Admission(name="eventing-validation", kinds=tuple(k.id for k in KINDS), admit=refuse, mutates=True),
    Admission(name="eventing-config-validation", kinds=("ConfigMap",), admit=refuse_config),
)
