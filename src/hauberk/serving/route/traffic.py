"""From a Route's targets to revisions. Pure.

Source: knative/serving pkg/reconciler/route/traffic/{traffic,errors}.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hauberk.base.conditions import Condition, condition
from hauberk.base.refs import Json, labels_of
from hauberk.serving.names import L_CONFIGURATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One share of the traffic, with the revision that receives it."""

    revision: str
    configuration: str
    latest: bool
    percent: int | None  # None and 0: reached by its tag only
    tag: str = ""
    protocol: str = "http1"


Answer: TypeAlias = Target | Condition
"""A resolved target, or AllTrafficAssigned saying why it is not."""


def assigned(status: str, message: str, reason: str = "RevisionMissing") -> Condition:
    """AllTrafficAssigned when a target cannot be resolved.

    Source: knative/serving pkg/apis/serving/v1/route_lifecycle.go, MarkMissingTrafficTarget,
    Mark{Configuration,Revision}{NotReady,Failed}.
    """
    return Condition("AllTrafficAssigned", "False" if status == "False" else "Unknown", reason, message)


def resolve(
    targets: Sequence[Json], configurations: Mapping[str, Json], revisions: Mapping[str, Json]
) -> tuple[tuple[Target, ...], Condition]:
    """All targets and AllTrafficAssigned; no targets unless every one is resolved.

    | target names    | it is                          | AllTrafficAssigned            |
    |-----------------|--------------------------------|-------------------------------|
    | a Configuration | absent                         | False, ConfigurationMissing   |
    | a Configuration | without a ready Revision       | Unknown, RevisionMissing      |
    | a Configuration | failed, without a ready one    | False, RevisionMissing        |
    | a Revision      | absent                         | False, RevisionMissing        |
    | a Revision      | not ready yet                  | Unknown, RevisionMissing      |
    | a Revision      | failed                         | False, RevisionMissing        |
    | else            |                                | True                          |
    """
    found: list[Target] = []
    for target in targets:
        answer = (
            _of_revision(target, revisions)
            if target.get("revisionName")
            else _of_configuration(target, configurations, revisions)
        )
        if isinstance(answer, Condition):
            return (), answer
        found.append(answer)
    return tuple(found), Condition("AllTrafficAssigned", "True")


def _of_configuration(
    target: Json, configurations: Mapping[str, Json], revisions: Mapping[str, Json]
) -> Answer:
    name = target.get("configurationName", "")
    config = configurations.get(name)
    if config is None:
        text = f'Configuration "{name}" referenced in traffic not found.'
        return assigned("False", text, "ConfigurationMissing")
    revision = (config.get("status") or {}).get("latestReadyRevisionName")
    if not revision:
        row = condition(config, "Ready") or {}
        if row.get("status") == "False":
            return assigned("False", f'Configuration "{name}" does not have any ready Revision.')
        text = f'Configuration "{name}" is waiting for a Revision to become ready.'
        return assigned("Unknown", text)
    return _target(target, revision, name, revisions.get(revision), latest=True)


def _of_revision(target: Json, revisions: Mapping[str, Json]) -> Answer:
    name = target["revisionName"]
    revision = revisions.get(name)
    if revision is None:
        return assigned("False", f'Revision "{name}" referenced in traffic not found.')
    row = condition(revision, "Ready") or {}
    if row.get("status") == "False":
        return assigned("False", f'Revision "{name}" failed to become ready.')
    if row.get("status") != "True":
        return assigned("Unknown", f'Revision "{name}" is not yet ready.')
    owner = labels_of(revision).get(L_CONFIGURATION, "")
    return _target(target, name, owner, revision, latest=False)


def _target(target: Json, revision: str, configuration: str, found: Json | None, *, latest: bool) -> Target:
    containers = ((found or {}).get("spec") or {}).get("containers") or ()
    h2c = any(p.get("name") == "h2c" for c in containers for p in c.get("ports") or ())
    return Target(
        revision=revision,
        configuration=configuration,
        latest=latest,
        percent=target.get("percent"),
        tag=target.get("tag", ""),
        protocol="h2c" if h2c else "http1",
    )
