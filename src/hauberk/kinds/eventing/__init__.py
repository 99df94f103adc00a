"""The kinds of Knative Eventing; `KINDS` lists them. Those of `rows` are stored, and act not yet."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.eventing import (
    broker,
    channel,
    event_policy,
    event_type,
    in_memory_channel,
    subscription,
    trigger,
)
from hauberk.kinds.eventing.rows import FLOWS, MESSAGING, SINKS, SOURCES
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    broker.KIND,
    trigger.KIND,
    event_type.KIND,
    event_policy.KIND,
    channel.KIND,
    in_memory_channel.KIND,
    subscription.KIND,
    *MESSAGING,
    *SOURCES,
    *SINKS,
    *FLOWS,
)
