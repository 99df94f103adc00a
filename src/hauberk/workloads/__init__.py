"""Kubernetes' own workloads: what every cluster does with Namespaces, Deployments, Services and Pods.

`controllers` and `ADMISSION` are the rows that the application runs; `bootstrap_objects` is what a new
cluster starts with.
"""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.ports_admission import Admission
from hauberk.workloads import (
    addresses,
    aggregation,
    endpoints,
    mirroring,
    namespace,
    podaccess,
    replicaset,
    updates,
)
from hauberk.workloads.bootstrap import bootstrap_objects
from hauberk.workloads.cronjob import plan as cronjob
from hauberk.workloads.daemonset import plan as daemonset
from hauberk.workloads.deployment import controller as deployment
from hauberk.workloads.disruption import budget, evict
from hauberk.workloads.job import controller as job
from hauberk.workloads.quota import limits, quota
from hauberk.workloads.statefulset import controller as statefulset
from hauberk.workloads.storage import claim as volume_claim
from hauberk.workloads.storage import volume

__all__ = ["ADMISSION", "CONTROLLERS", "bootstrap_objects", "controllers"]

CONTROLLERS: tuple[Controller[Any], ...] = (
    deployment.CONTROLLER,
    replicaset.CONTROLLER,
    *job.CONTROLLERS,
    cronjob.CONTROLLER,
    statefulset.CONTROLLER,
    daemonset.CONTROLLER,
    volume_claim.CONTROLLER,
    budget.CONTROLLER,
    quota.CONTROLLER,
    *volume.CONTROLLERS,
    endpoints.CONTROLLER,
    mirroring.CONTROLLER,
    aggregation.CONTROLLER,
)
"""The rows that need no fact from outside the API."""


def controllers(root_pem: namespace.RootPem) -> tuple[Controller[Any], ...]:
    """All rows. `root_pem` gives the certificate by which pods know the API server."""
    return (*CONTROLLERS, namespace.controller(root_pem))


ADMISSION: tuple[Admission, ...] = (
    addresses.ADMISSION,
    podaccess.ADMISSION,
    volume.ADMISSION,
    *limits.ADMISSIONS,
    quota.ADMISSION,
    evict.ADMISSION,
    updates.ADMISSION,
)
