"""Kinds of these API groups, once each."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.knative_internal import (
    certificate,
    clusterdomainclaim,
    image,
    ingress,
    metric,
    podautoscaler,
    serverlessservice,
)
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    ingress.KIND,
    serverlessservice.KIND,
    certificate.KIND,
    clusterdomainclaim.KIND,
    podautoscaler.KIND,
    metric.KIND,
    image.KIND,
)
