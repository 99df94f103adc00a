"""config-deployment: the queue-proxy's image and resources, and how long a rollout may take.

Source: knative/serving pkg/deployment/config.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hauberk.serving.config.reading import as_duration_s

NAME = "config-deployment"
QUEUE_IMAGE = "hauberk.local/queue"
_RESOURCES = (("cpu", "25m", ""), ("memory", "", ""), ("ephemeral-storage", "", ""))


@dataclass(frozen=True, slots=True)
class Deployment:
    """`progress_deadline_s` in seconds; resources are quantities."""

    queue_image: str = QUEUE_IMAGE
    progress_deadline_s: int = 600
    skip_tag_resolving: frozenset[str] = frozenset({"kind.local", "ko.local", "dev.local", "hauberk.local"})
    queue_requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "25m"})
    queue_limits: Mapping[str, str] = field(default_factory=dict)


def parse_deployment(data: Mapping[str, str]) -> Deployment:
    """Read config-deployment's data."""
    standard = Deployment()
    skipped = data.get("registries-skipping-tag-resolving")
    requests = {r: data.get(f"queue-sidecar-{r}-request", d) for r, d, _ in _RESOURCES}
    limits = {r: data.get(f"queue-sidecar-{r}-limit", d) for r, _, d in _RESOURCES}
    return Deployment(
        queue_image=data.get("queue-sidecar-image") or data.get("queueSidecarImage") or QUEUE_IMAGE,
        progress_deadline_s=int(as_duration_s(data, "progress-deadline", 600.0)),
        skip_tag_resolving=standard.skip_tag_resolving
        if skipped is None
        else frozenset(filter(None, skipped.split(","))),
        queue_requests={r: q for r, q in requests.items() if q},
        queue_limits={r: q for r, q in limits.items() if q},
    )
