"""config-istio: through which Gateways apps are reached, and the Services in front of them.

Both spellings are read: `gateway.NAMESPACE.NAME: HOST` and the YAML lists `external-gateways`
and `local-gateways`; net-istio refuses both at once, and here the lists win.
Source: knative-extensions/net-istio pkg/reconciler/ingress/config/istio.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec
import yaml

from hauberk.kinds.apps.selector import LabelSelector, matches

NAME = "config-istio"
LISTS = ("external-gateways", "local-gateways")


@dataclass(frozen=True, slots=True)
class Gateway:
    """One Gateway object and the host name of the Service of its pods."""

    namespace: str
    name: str
    service: str
    selector: str = ""  # a LabelSelector of Ingresses, as JSON; empty: for those that no selector fits

    @property
    def qualified(self) -> str:
        """As a VirtualService names it."""
        return f"{self.namespace}/{self.name}"


EXTERNAL = Gateway(
    "knative-serving", "knative-ingress-gateway", "istio-ingressgateway.istio-system.svc.cluster.local"
)
LOCAL = Gateway(
    "knative-serving", "knative-local-gateway", "knative-local-gateway.istio-system.svc.cluster.local"
)


@dataclass(frozen=True, slots=True)
class Istio:
    """Gateways for external and for cluster-local hosts."""

    external: tuple[Gateway, ...] = (EXTERNAL,)
    local: tuple[Gateway, ...] = (LOCAL,)

    def of(self, labels: Mapping[str, str]) -> Istio:
        """The gateways of an Ingress with these labels: those whose selector fits, else those without one."""
        return Istio(_fitting(self.external, labels), _fitting(self.local, labels))


def _fitting(gateways: tuple[Gateway, ...], labels: Mapping[str, str]) -> tuple[Gateway, ...]:
    chosen = tuple(g for g in gateways if g.selector and _fits(g.selector, labels))
    return chosen or tuple(g for g in gateways if not g.selector)


def _fits(selector: str, labels: Mapping[str, str]) -> bool:
    return matches(msgspec.json.decode(selector.encode(), type=LabelSelector), labels)


def parse_istio(data: Mapping[str, str]) -> Istio:
    """Read config-istio's data."""
    external = tuple(_listed(data, "external-gateways")) or tuple(_dotted(data, "gateway."))
    local = tuple(_listed(data, "local-gateways")) or tuple(_dotted(data, "local-gateway."))
    return Istio(external or (EXTERNAL,), local or (LOCAL,))


def problem(data: Mapping[str, str]) -> str:
    """Why net-istio's webhook refuses this data; empty when it does not.

    Source: knative-extensions/net-istio pkg/reconciler/ingress/config/istio.go, NewIstioFromConfigMap.
    """
    lists = [key for key in LISTS if data.get(key)]
    dotted = [key for key in data if key.startswith(("gateway.", "local-gateway."))]
    if lists and dotted:
        return (
            'invalid configmap: "local-gateways" or "external-gateways" can not be defined simultaneously '
            'with "gateway." or "local-gateway."'
        )
    for key in lists:
        try:
            rows = yaml.safe_load(data[key])
        except yaml.YAMLError as error:
            return (
                f'failed to parse configmap: failed to parse "{key}" gateways: failed to unmarshal: {error}'
            )
        if found := _problem_of(rows, key.partition("-")[0]):
            return found
    return ""


def _problem_of(rows: object, kind: str) -> str:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return "failed to parse configmap: failed to unmarshal: a list of gateways is wanted"
    standard = [f"{r.get('namespace', '')}/{r.get('name', '')}" for r in rows if not r.get("labelSelector")]
    if rows and len(standard) != 1:
        text = f"exactly one {kind} gateway with no selector can be defined, here: {standard}"
        return f"failed to parse configmap: {text}"
    for row in rows:
        for field in ("namespace", "name", "service"):
            if not row.get(field):
                name = f"{row.get('namespace', '')}/{row.get('name', '')}"
                return f"invalid configuration: invalid gateway {name}: missing {field}"
    return ""


def _dotted(data: Mapping[str, str], prefix: str) -> Iterator[Gateway]:
    for key, service in sorted(data.items()):
        if not key.startswith(prefix):
            continue
        namespace, dot, name = key.removeprefix(prefix).partition(".")
        if dot:
            yield Gateway(namespace, name, service.rstrip("."))
        else:
            yield Gateway("knative-serving", namespace, service.rstrip("."))


def _listed(data: Mapping[str, str], key: str) -> Iterator[Gateway]:
    if not data.get(key):
        return
    try:
        rows = yaml.safe_load(data[key]) or []
    except yaml.YAMLError:
        return
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and {"namespace", "name", "service"} <= set(row):
            chooses = row.get("labelSelector")
            selector = json.dumps(chooses, sort_keys=True) if chooses else ""
            service = str(row["service"]).rstrip(".")
            if _is_selector(selector):
                yield Gateway(str(row["namespace"]), str(row["name"]), service, selector)


def _is_selector(text: str) -> bool:
    """Whether the JSON can be asked; the ConfigMap's admission tells the user when it cannot."""
    try:
        return not text or _fits(text, {}) in (True, False)
    except (msgspec.ValidationError, KeyError):
        return False
