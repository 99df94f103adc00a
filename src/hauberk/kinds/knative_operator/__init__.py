"""The kinds by which an admin asks for Serverless's components; `KINDS` lists them."""

from __future__ import annotations

from typing import Any

from hauberk.kinds.knative_operator import knative_eventing, knative_kafka, knative_serving
from hauberk.kinds.meta import Kind

KINDS: tuple[Kind[Any], ...] = (knative_serving.KIND, knative_eventing.KIND, knative_kafka.KIND)
