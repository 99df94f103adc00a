"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.apiextensions import crd
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (crd.KIND,)
