"""Kinds of this API group, once each."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.serving import configuration, domainmapping, revision, route, service

KINDS: tuple[Kind[Any], ...] = (
    service.KIND,
    configuration.KIND,
    revision.KIND,
    route.KIND,
    domainmapping.KIND,
)
