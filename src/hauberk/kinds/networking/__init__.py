"""The kinds of networking.k8s.io; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.networking import ingress, ingress_class, network_policy

KINDS: tuple[Kind[Any], ...] = (network_policy.KIND, ingress.KIND, ingress_class.KIND)
