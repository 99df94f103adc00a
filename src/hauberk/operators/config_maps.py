"""ConfigMaps of a component: its defaults, OpenShift's changes, the admin's `spec.config`. Pure.

Source: knative/operator pkg/reconciler/common/configmap.go (ConfigMapTransform); openshift-knative/
serverless-operator openshift-knative-operator/pkg/common/config.go (Configure, ConfigureIfUnset).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hauberk.base.refs import Json
from hauberk.kinds.knative_operator.overrides import config_map_name
from hauberk.operators.objects import make

Config = Mapping[str, Mapping[str, Any]]


def wanted_of(config: Config | None) -> dict[str, dict[str, str]]:
    """The admin's `spec.config` by ConfigMap name; both spellings of one name are merged."""
    out: dict[str, dict[str, str]] = {}
    for key, values in (config or {}).items():
        data = {k: _text(v) for k, v in (values or {}).items()}
        out.setdefault(config_map_name(key), {}).update(data)
    return out


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def unless_set(wanted: dict[str, dict[str, str]], name: str, key: str, value: str, *aliases: str) -> None:
    """Set one key unless the admin set it, or an older spelling of it."""
    data = wanted.setdefault(name, {})
    if not any(k in data for k in (key, *aliases)):
        data[key] = value


def make_config_maps(
    names: Iterable[str],
    namespace: str,
    labels: Mapping[str, Mapping[str, str]],
    wanted: Mapping[str, Mapping[str, str]],
) -> Iterator[Json]:
    """Every ConfigMap of the component. Keys that an admin adds to one directly are left alone."""
    for name in names:
        yield make("v1", "ConfigMap", name, namespace, labels=labels[name], data=dict(wanted.get(name) or {}))
