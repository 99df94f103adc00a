"""The kinds of policy; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.policy import poddisruptionbudget

KINDS: tuple[Kind[Any], ...] = (poddisruptionbudget.KIND,)
