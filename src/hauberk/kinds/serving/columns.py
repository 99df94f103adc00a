"""Printer columns that the Knative kinds share."""

from __future__ import annotations

from collections.abc import Callable

from hauberk.base.conditions import condition
from hauberk.base.refs import Json, labels_of
from hauberk.kinds.meta import Column

CATEGORIES = ("all", "knative", "serving")
INTERNAL = ("knative-internal", "networking")
AUTOSCALING = ("knative-internal", "autoscaling")


def _of_ready(field: str) -> Callable[[Json, float], object]:
    return lambda obj, _now: (condition(obj, "Ready") or {}).get(field, "")


def label(key: str) -> Callable[[Json, float], object]:
    """A column's value that is one label; its key may hold dots, which JSONPath would split."""
    return lambda obj, _now: labels_of(obj).get(key, "")


READY = (
    Column("Ready", _of_ready("status")),
    Column("Reason", _of_ready("reason")),
)
URL = Column("URL", ".status.url")
LATEST = (
    Column("LatestCreated", ".status.latestCreatedRevisionName"),
    Column("LatestReady", ".status.latestReadyRevisionName"),
)
