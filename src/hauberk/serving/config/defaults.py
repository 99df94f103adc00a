"""config-defaults: what a revision gets when its author does not say.

Source: knative/serving pkg/apis/config/defaults.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hauberk.serving.config.reading import as_bool, as_int

NAME = "config-defaults"
_RESOURCES = ("cpu", "memory", "ephemeral-storage")


@dataclass(frozen=True, slots=True)
class Defaults:
    """Times are seconds; `requests` and `limits` are quantities by resource."""

    timeout_s: int = 300
    response_start_timeout_s: int = 0
    idle_timeout_s: int = 0
    max_timeout_s: int = 600
    concurrency: int = 0
    max_concurrency: int = 1000
    allow_zero_concurrency: bool = True
    enable_service_links: bool | None = False
    init_container_name: str = "init-container"
    requests: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, str] = field(default_factory=dict)


def parse_defaults(data: Mapping[str, str]) -> Defaults:
    """Read config-defaults' data."""
    links = data.get("enable-service-links", "false").lower()
    return Defaults(
        timeout_s=as_int(data, "revision-timeout-seconds", 300),
        response_start_timeout_s=as_int(data, "revision-response-start-timeout-seconds", 0),
        idle_timeout_s=as_int(data, "revision-idle-timeout-seconds", 0),
        max_timeout_s=as_int(data, "max-revision-timeout-seconds", 600),
        concurrency=as_int(data, "container-concurrency", 0),
        max_concurrency=as_int(data, "container-concurrency-max-limit", 1000),
        allow_zero_concurrency=as_bool(data, "allow-container-concurrency-zero", True),
        enable_service_links={"true": True, "false": False}.get(links),
        requests={r: data[f"revision-{r}-request"] for r in _RESOURCES if f"revision-{r}-request" in data},
        limits={r: data[f"revision-{r}-limit"] for r in _RESOURCES if f"revision-{r}-limit" in data},
    )
