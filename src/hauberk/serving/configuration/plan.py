"""Configuration → its Revisions; their readiness back into the Configuration's status. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, condition, is_true
from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.config.gc import Retention
from hauberk.serving.configuration.make import is_latest, keep_revision, make_revision, revision_name
from hauberk.serving.configuration.retain import stale
from hauberk.serving.configuration.routing import routes_to, routing
from hauberk.serving.names import A_ROUTES, L_GENERATION, SERVING_V1, body, created


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one Configuration may depend on."""

    configuration: Json
    revisions: tuple[Json, ...]  # those this Configuration owns
    latest: Json | None  # the object that has the latest revision's name, whoever owns it
    routes: tuple[Json, ...]  # of the namespace, those that name this Configuration or its revisions
    retention: Retention = field(default_factory=Retention)


def plan(world: World, now: float) -> Plan:
    """Decide which Revisions exist, and what the Configuration's status says.

    Source: knative/serving pkg/reconciler/configuration/configuration.go, ReconcileKind.
    """
    config = world.configuration
    name = revision_name(config)
    if world.latest is not None and not _is_own(world):
        return _name_is_taken(world, name)
    ready_name = _latest_ready(world)
    status: dict[str, Any] = {
        "conditions": [_ready(world, name, ready_name).as_json()],
        "latestCreatedRevisionName": name,
    }
    if ready_name:
        status["latestReadyRevisionName"] = ready_name
    return Plan(
        children=_revisions(world, name, ready_name, now),
        others=_routes_annotation(world),
        status=status,
        notes=_notes(world, ready_name, status),
    )


def _is_own(world: World) -> bool:
    """Whether the object with the latest revision's name is that revision."""
    assert world.latest is not None, "asked only when it exists"
    return is_latest(world.latest, world.configuration)


def _name_is_taken(world: World, name: str) -> Plan:
    text = f'Revision creation failed with message: revisions.serving.knative.dev "{name}" already exists.'
    before = (world.configuration.get("status") or {}).items()
    kept = {k: v for k, v in before if k.startswith("latest")}
    children = tuple(_kept(world, r, (), 0.0) for r in world.revisions)
    row = Condition("Ready", "False", "RevisionFailed", text)
    return Plan(children=children, status={**kept, "conditions": [row.as_json()]})


def _kept(world: World, stored: Json, latest: tuple[str, ...], now: float) -> Json:
    names = _routes(world, stored["metadata"]["name"], latest)
    state = routing(stored, names, now)
    return keep_revision(stored, state.labels, state.annotations)


def _routes(world: World, revision: str, latest: tuple[str, ...]) -> tuple[str, ...]:
    return routes_to(revision, world.configuration["metadata"]["name"], latest, world.routes)


def _revisions(world: World, name: str, ready_name: str, now: float) -> tuple[Json, ...]:
    latest = tuple(filter(None, (name, ready_name)))
    gone = stale(world.revisions, set(latest), world.retention, now)
    kept = [r for r in world.revisions if r["metadata"]["name"] not in gone]
    children = [_kept(world, r, latest, now) for r in kept]
    if world.latest is None:
        state = routing(None, _routes(world, name, latest), now)
        children.append(make_revision(world.configuration, state.labels, state.annotations))
    return tuple(children)


def _generation(revision: Json) -> int:
    text = labels_of(revision).get(L_GENERATION, "0")
    return int(text) if text.isdigit() else 0


def _latest_ready(world: World) -> str:
    """The newest revision that is ready, never older than the one already reported."""
    before = str((world.configuration.get("status") or {}).get("latestReadyRevisionName", ""))
    floor = max((_generation(r) for r in world.revisions if r["metadata"]["name"] == before), default=0)
    fit = [r for r in world.revisions if is_true(r) and _generation(r) >= floor]
    return str(max(fit, key=_generation)["metadata"]["name"]) if fit else before


def _ready(world: World, name: str, ready_name: str) -> Condition:
    """Ready as a table.

    | latest revision | its Ready | Ready                 |
    |-----------------|-----------|-----------------------|
    | absent          | -         | Unknown               |
    | present         | Unknown   | Unknown               |
    | present         | True      | True                  |
    | present         | False     | False, RevisionFailed |

    Source: knative/serving pkg/apis/serving/v1/configuration_lifecycle.go, MarkLatestCreatedFailed.
    """
    found = condition(world.latest, "Ready") if world.latest else None
    if found and found["status"] == "False":
        text = f'Revision "{name}" failed with message: {found.get("message", "")}.'
        return Condition("Ready", "False", "RevisionFailed", text)
    if found and found["status"] == "True" and ready_name == name:
        return Condition("Ready", "True")
    return Condition("Ready", "Unknown")


def _routes_annotation(world: World) -> tuple[Json, ...]:
    """The Configuration's own note of the Routes that follow it."""
    meta = world.configuration["metadata"]
    names = {
        r["metadata"]["name"]
        for r in world.routes
        if any(t.get("configurationName") == meta["name"] for t in r["spec"].get("traffic") or ())
    }
    wanted = ",".join(sorted(names))
    if not wanted and A_ROUTES not in annotations_of(world.configuration):
        return ()
    notes = {A_ROUTES: wanted} if wanted else None
    place = {"name": meta["name"], "namespace": meta["namespace"], "annotations": notes}
    return (body(SERVING_V1, "Configuration", place),)


def _notes(world: World, ready_name: str, status: Json) -> tuple[Note, ...]:
    """Source: knative/serving pkg/reconciler/configuration/configuration.go, ReconcileKind."""
    before = world.configuration.get("status") or {}
    notes = []
    if world.latest is None:
        notes.append(created("Revision", status["latestCreatedRevisionName"]))
    if ready_name and before.get("latestReadyRevisionName") != ready_name:
        if not before.get("latestReadyRevisionName") and is_true(world.latest):
            notes.append(Note("ConfigurationReady", "Configuration becomes ready"))
        notes.append(Note("LatestReadyUpdate", f'LatestReadyRevisionName updated to "{ready_name}"'))
    row = status["conditions"][0]
    was = condition(world.configuration, "Ready") or {}
    if row["status"] == "False" and any(was.get(key) != row[key] for key in ("status", "reason", "message")):
        name = status["latestCreatedRevisionName"]
        was_ready = name == before.get("latestReadyRevisionName")
        reason = "LatestReadyFailed" if was_ready else "LatestCreatedFailed"
        text = f'Latest {"ready" if was_ready else "created"} revision "{name}" has failed'
        notes.append(Note(reason, text, "Warning"))
    return tuple(notes)
