"""The kinds of batch; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.batch import cronjob, job
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    cronjob.KIND,
    job.KIND,
)
