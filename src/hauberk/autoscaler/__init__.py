"""The Knative Pod Autoscaler: measured demand and held requests become a pod count.

`facts.listen(waker(engine.wake))` connects the facts to the engine, so that a held request scales at once.
"""

from __future__ import annotations

from hauberk.autoscaler import hpa
from hauberk.autoscaler.collector import Collector
from hauberk.autoscaler.controller import controllers, waker
from hauberk.autoscaler.facts import Facts

__all__ = ["Collector", "Facts", "controllers", "hpa", "waker"]
