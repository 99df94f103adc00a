"""The kinds of OpenShift; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.openshift import ingress_config, route

KINDS: tuple[Kind[Any], ...] = (route.KIND, ingress_config.KIND)
