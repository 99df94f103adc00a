"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.authorization import reviews
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    reviews.ACCESS,
    reviews.SUBJECT,
    reviews.LOCAL,
    reviews.RULES,
    reviews.WHO,
    reviews.TOKEN,
)
