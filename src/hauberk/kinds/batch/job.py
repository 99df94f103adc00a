"""batch/v1 Job: pods that run to their end. Stored; it does not act yet."""

from __future__ import annotations

from hauberk.base.refs import Json
from hauberk.kinds.meta import Column, Kind
from hauberk.kinds.stored import Stored, does_not_act


def _status(job: Json, _now: float) -> str:
    for row in (job.get("status") or {}).get("conditions") or ():
        if row.get("status") == "True":
            return str(row["type"])
    return "Suspended" if (job.get("spec") or {}).get("suspend") else "Running"


def _completions(job: Json, _now: float) -> str:
    done = (job.get("status") or {}).get("succeeded", 0)
    return f"{done}/{(job.get('spec') or {}).get('completions', 1)}"


KIND = Kind(
    group="batch",
    name="Job",
    plural="jobs",
    singular="job",
    versions=("v1",),
    short_names=(),
    categories=("all",),
    model=Stored,
    advice=does_not_act("Job", "no pods are made; use a Pod with restartPolicy Never"),
    namespaced=True,
    columns=(
        Column("Status", _status),
        Column("Completions", _completions),
        Column("Age", ".metadata.creationTimestamp", "date"),
    ),
    subresources=("status",),
    has_generation=True,
    builtin=True,
    doc="Pods that run to their end.",
)
