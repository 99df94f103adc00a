"""The kinds of autoscaling; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.autoscaling import horizontalpodautoscaler
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (horizontalpodautoscaler.KIND,)
