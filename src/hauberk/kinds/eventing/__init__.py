"""The kinds of Knative Eventing; `KINDS` lists them. All are stored, none acts yet."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.eventing.rows import EVENTING, FLOWS, MESSAGING, SINKS, SOURCES
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (*EVENTING, *MESSAGING, *SOURCES, *SINKS, *FLOWS)
