"""The kinds of Knative Eventing; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.eventing import (
    api_server_source,
    broker,
    channel,
    container_source,
    event_policy,
    event_type,
    in_memory_channel,
    job_sink,
    kafka_channel,
    kafka_sink,
    kafka_source,
    parallel,
    ping_source,
    sequence,
    sink_binding,
    subscription,
    trigger,
)
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (
    broker.KIND,
    trigger.KIND,
    event_type.KIND,
    event_policy.KIND,
    channel.KIND,
    in_memory_channel.KIND,
    kafka_channel.KIND,
    subscription.KIND,
    ping_source.KIND,
    api_server_source.KIND,
    container_source.KIND,
    sink_binding.KIND,
    kafka_source.KIND,
    kafka_sink.KIND,
    job_sink.KIND,
    sequence.KIND,
    parallel.KIND,
)
