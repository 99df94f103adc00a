"""The part of config-autoscaler that decides a new Deployment's size."""

from __future__ import annotations

from collections.abc import Mapping

from hauberk.serving.config.reading import as_bool, as_int

NAME = "config-autoscaler"
A_INITIAL = "autoscaling.knative.dev/initial-scale"


def initial_scale(annotations: Mapping[str, str], data: Mapping[str, str]) -> int:
    """Pods of a revision that nobody has called yet.

    Source: knative/serving pkg/reconciler/revision/resources/deploy.go, MakeDeployment.
    """
    default = as_int(data, "initial-scale", 1)
    wanted = as_int(annotations, A_INITIAL, default)
    if wanted == 0 and not as_bool(data, "allow-zero-initial-scale", False):
        return max(default, 1)
    return wanted
