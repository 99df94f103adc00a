"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.core import (
    configmap,
    endpoints,
    event,
    limitrange,
    namespace,
    node,
    persistentvolume,
    persistentvolumeclaim,
    pod,
    resourcequota,
    secret,
    service,
    serviceaccount,
)
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    namespace.KIND,
    pod.KIND,
    service.KIND,
    endpoints.KIND,
    configmap.KIND,
    secret.KIND,
    serviceaccount.KIND,
    node.KIND,
    persistentvolume.KIND,
    persistentvolumeclaim.KIND,
    limitrange.KIND,
    resourcequota.KIND,
    event.KIND,
)
