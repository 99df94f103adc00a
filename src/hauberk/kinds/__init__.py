"""Every Kubernetes kind of the product, once."""

from __future__ import annotations

from typing import Any

from hauberk.kinds import (
    admissionregistration,
    apiextensions,
    apps,
    authorization,
    autoscaling,
    batch,
    coordination,
    core,
    discovery,
    eventing,
    istio_networking,
    istio_security,
    knative_internal,
    knative_operator,
    maistra,
    metrics,
    networking,
    openshift,
    policy,
    rbac,
    scheduling,
    serving,
    storage,
)
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    *core.KINDS,
    *apps.KINDS,
    *discovery.KINDS,
    *coordination.KINDS,
    *networking.KINDS,
    *batch.KINDS,
    *autoscaling.KINDS,
    *policy.KINDS,
    *scheduling.KINDS,
    *storage.KINDS,
    *rbac.KINDS,
    *authorization.KINDS,
    *metrics.KINDS,
    *admissionregistration.KINDS,
    *apiextensions.KINDS,
    *istio_networking.KINDS,
    *istio_security.KINDS,
    *maistra.KINDS,
    *serving.KINDS,
    *knative_internal.KINDS,
    *knative_operator.KINDS,
    *eventing.KINDS,
    *openshift.KINDS,
)

BY_ID = {kind.id: kind for kind in KINDS}
