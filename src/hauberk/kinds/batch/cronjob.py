"""batch/v1 CronJob: jobs by the clock. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


def _active(cron: Json, _now: float) -> int:
    return len((cron.get("status") or {}).get("active") or ())


KIND = Kind(
    group="batch",
    name="CronJob",
    plural="cronjobs",
    singular="cronjob",
    versions=("v1",),
    short_names=("cj",),
    categories=("all",),
    model=Stored,
    advice=does_not_act("CronJob", "no Jobs are made"),
    namespaced=True,
    columns=(
        Column("Schedule", ".spec.schedule"),
        Column("Timezone", ".spec.timeZone"),
        Column("Suspend", ".spec.suspend", "boolean"),
        Column("Active", _active, "integer"),
        Column("Last Schedule", ".status.lastScheduleTime", "date"),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=True,
    builtin=True,
    doc="Jobs by the clock.",
)
