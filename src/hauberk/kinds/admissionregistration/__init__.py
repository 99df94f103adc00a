"""The kinds of one API group; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.admissionregistration import webhooks
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (webhooks.MUTATING, webhooks.VALIDATING, webhooks.POLICY, webhooks.BINDING)
