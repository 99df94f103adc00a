"""The kinds of maistra.io; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.maistra import control_plane, member, member_roll
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (control_plane.KIND, member_roll.KIND, member.KIND)
