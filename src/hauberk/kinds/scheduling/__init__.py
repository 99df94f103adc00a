"""The kinds of scheduling.k8s.io; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.scheduling import priorityclass, runtimeclass

KINDS: tuple[Kind[Any], ...] = (priorityclass.KIND, runtimeclass.KIND)
