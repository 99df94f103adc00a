"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.rbac import bindings, roles

KINDS: tuple[Kind[Any], ...] = (
    roles.ROLE,
    bindings.ROLE_BINDING,
    roles.CLUSTER_ROLE,
    bindings.CLUSTER_ROLE_BINDING,
)
