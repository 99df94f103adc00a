"""HorizontalPodAutoscalers: what pods use becomes a number of pods.

`loop` measures and decides every 15 s, `controller` carries it out, `make` is what Knative's class asks for.
"""

from __future__ import annotations

from hauberk.autoscaler.hpa.controller import controllers, waker
from hauberk.autoscaler.hpa.loop import Loop, Reader, Reading
from hauberk.autoscaler.hpa.make import make_hpa

__all__ = ["Loop", "Reader", "Reading", "controllers", "make_hpa", "waker"]
