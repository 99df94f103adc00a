"""The kinds of storage.k8s.io; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.meta import Kind
from hauberk.kinds.storage import storageclass

KINDS: tuple[Kind[Any], ...] = (storageclass.KIND,)
