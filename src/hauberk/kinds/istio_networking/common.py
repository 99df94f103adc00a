"""Pieces that Istio's networking kinds share, and the rules on them.

Source: istio/api networking/v1alpha3/*.proto; istio/istio pkg/config/validation/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hauberk.base.fields import FieldError, FieldErrors
from hauberk.base.quantities import parse_duration_s
from hauberk.kinds.meta import Part

VERSIONS = ("v1", "v1beta1", "v1alpha3")
CATEGORIES = ("istio-io", "networking-istio-io")
PROTOCOLS = (
    "HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS", "TLS", "TCP", "UDP", "MONGO", "MYSQL", "REDIS",
)  # fmt: skip
TLS_PROTOCOLS = ("HTTPS", "TLS")
_LABEL = re.compile(r"[a-zA-Z0-9]([-a-zA-Z0-9_]*[a-zA-Z0-9])?")


class Port(Part, frozen=True):
    """A port with its protocol."""

    number: int = 0
    name: str = ""
    protocol: str = ""
    target_port: int = 0


class PortSelector(Part, frozen=True):
    """A port of a Service, by number."""

    number: int = 0


class StringMatch(Part, frozen=True):
    """One of: the whole text, its beginning, an RE2 expression."""

    exact: str = ""
    prefix: str = ""
    regex: str = ""


def required(path: str, message: str) -> FieldError:
    """A field that must be set, in Istio's words."""
    return FieldError(path, message, "FieldValueRequired")


def check_port(path: str, number: int) -> FieldErrors:
    """1 … 65535."""
    if not 1 <= number <= 65535:
        yield FieldError(path, f"port number {number} must be in the range 1..65535")


def check_protocol(path: str, protocol: str) -> FieldErrors:
    """One of Istio's protocols; empty means: look at the bytes."""
    if protocol and protocol.upper() not in PROTOCOLS:
        yield FieldError(path, f"unsupported protocol: {protocol}", "FieldValueNotSupported")


def check_host(path: str, host: str, *, wildcard: bool = True) -> FieldErrors:
    """A DNS name, an IP address, or (when allowed) `*` or `*.name`."""
    if not host:
        yield required(path, "host must not be empty")
        return
    if host == "*":
        if not wildcard:
            yield FieldError(path, "wildcard host * is not allowed")
        return
    body = host[2:] if host.startswith("*.") else host.removeprefix("*")
    if host.startswith("*") and not wildcard:
        yield FieldError(path, f"wildcard host {host} is not allowed")
    if "<" in host or ">" in host:
        return  # a placeholder of documentation; `strict` names it
    for label in body.removesuffix(".").split("."):
        if len(label) > 63 or not _LABEL.fullmatch(label):
            yield FieldError(path, f'domain name "{host}" invalid (label "{label}" invalid)')
            return


def check_duration(path: str, text: str, *, least_s: float = 0.001) -> FieldErrors:
    """A Go duration of at least 1 ms."""
    if not text:
        return
    try:
        seconds = parse_duration_s(text)
    except ValueError:
        yield FieldError(path, f"invalid duration: {text}")
        return
    if seconds < least_s and seconds != 0:
        yield FieldError(path, "duration must be greater than 1ms")


def check_selector(path: str, labels: dict[str, str] | None) -> FieldErrors:
    """Workload selectors have no wildcards and no empty keys."""
    for key, value in (labels or {}).items():
        if not key:
            yield FieldError(path, "empty key is not supported in selector")
        if "*" in key or "*" in value:
            yield FieldError(path, f'wildcard is not supported in selector: "{key}={value}"')


def repeated(values: Iterable[Any]) -> list[int]:
    """Indices of items that equal an earlier one."""
    seen: set[Any] = set()
    found = []
    for i, value in enumerate(values):
        if value in seen:
            found.append(i)
        seen.add(value)
    return found
