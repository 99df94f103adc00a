"""Sequence and Parallel: channels and Subscriptions, chained."""

from __future__ import annotations

from typing import Any

from hauberk.engine.plan import Controller
from hauberk.eventing.flows.parallel import controller as parallel
from hauberk.eventing.flows.sequence import controller as sequence

CONTROLLERS: tuple[Controller[Any], ...] = (sequence.CONTROLLER, parallel.CONTROLLER)
