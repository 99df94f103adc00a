"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.apps import controllerrevision, daemonset, deployment, replicaset, statefulset
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    deployment.KIND,
    replicaset.KIND,
    statefulset.KIND,
    daemonset.KIND,
    controllerrevision.KIND,
)
