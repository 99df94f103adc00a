"""Gradual rollouts: how traffic moves from older revisions of a Configuration to its newest one. Pure.

A rollout's state is kept as JSON in an annotation of the internal Ingress. Times in it are nanoseconds.
Source: knative/serving pkg/reconciler/route/traffic/rollout.go.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hauberk.base.quantities import parse_duration_s
from hauberk.serving.route.traffic import Target

NANO = 1_000_000_000
ANNOTATIONS = ("serving.knative.dev/rollout-duration", "serving.knative.dev/rolloutDuration")


@dataclass(frozen=True, slots=True)
class Share:
    """What one revision gets, in percent of the whole Route."""

    revision: str
    percent: int


@dataclass(frozen=True, slots=True)
class Pace:
    """When a rollout began and when its next step is, in nanoseconds; zeros until it is known."""

    start: int = 0
    next: int = 0
    every: int = 0
    step: int = 0  # percent per step


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """One Configuration under one tag; `shares` are oldest first and sum to `percent`."""

    configuration: str
    tag: str = ""
    percent: int
    shares: tuple[Share, ...]
    pace: Pace = Pace()

    @property
    def key(self) -> tuple[str, str]:
        """What tells rollouts of one Route apart; also their order."""
        return self.tag, self.configuration

    @property
    def is_done(self) -> bool:
        """Whether nothing moves any more."""
        return len(self.shares) < 2


def duration_s(annotations: Mapping[str, str], default: int) -> int:
    """How long a rollout takes: the Route's annotation, else config-network's; 0 is at once."""
    text = next((annotations[key] for key in ANNOTATIONS if annotations.get(key)), "")
    try:
        return int(parse_duration_s(text)) or default if text else default
    except ValueError:
        return default


def goals(targets: Sequence[Target]) -> tuple[Rollout, ...]:
    """Where the traffic should be in the end: targets that follow a Configuration, with and without tag."""
    found: dict[tuple[str, str], Rollout] = {}
    for target in targets:
        if not target.latest:
            continue
        _add(found, target, "", target.percent or 0)
        if target.tag:
            _add(found, target, target.tag, 100)
    return tuple(found[key] for key in sorted(found))


def _add(found: dict[tuple[str, str], Rollout], target: Target, tag: str, percent: int) -> None:
    before = found.get((tag, target.configuration))
    total = percent + (before.percent if before and not tag else 0)
    row = Rollout(
        configuration=target.configuration,
        tag=tag,
        percent=total,
        shares=(Share(target.revision, total),),
    )
    found[row.key] = row


def step(
    wanted: Sequence[Rollout], before: Sequence[Rollout], now: int, *, ready: bool, takes_s: int
) -> tuple[Rollout, ...]:
    """The rollouts as they should be now. `ready`: the gateways serve what `before` says.

    | before                              | now                                              |
    |-------------------------------------|--------------------------------------------------|
    | nothing, or the same single revision | the goal                                         |
    | another newest revision             | the goal's gets 1 %, taken from the newest       |
    | the same newest one, others below   | a step further when its time has come            |
    | the Configuration gets less         | the oldest revisions give it up                  |
    """
    known = {row.key: row for row in before}
    out = []
    for goal in wanted:
        past = known.get(goal.key)
        if past is None or goal.percent == 1:
            out.append(goal)
        elif goal.percent > 1:
            paced = observe_ready(past, now, takes_s) if ready else past
            out.append(_stepped(goal, paced, now))
        elif goal.tag == "":
            out.append(goal)
    return tuple(out)


def observe_ready(row: Rollout, now: int, takes_s: int) -> Rollout:
    """Set the pace of a rollout that has begun: the first percent's own time is the shortest step."""
    if row.pace.every or not row.pace.start:
        return row
    shortest = max(1.0, math.ceil((now - row.pace.start) / NANO))
    left = max(1.0, takes_s - shortest)
    rest = float(row.percent - 1)
    steps = min(max(1.0, left / shortest), rest) or 1.0
    every = int(left / steps * NANO)
    size = math.floor(rest / steps + 0.5)  # Go rounds halves away from zero
    return replace(row, pace=Pace(row.pace.start, now + every, every, size))


def _stepped(goal: Rollout, past: Rollout, now: int) -> Rollout:
    newest = past.shares[-1].revision if past.shares else ""
    shares = _adjusted(past.shares, goal.percent - past.percent)
    if not shares or newest == goal.shares[0].revision:
        if len(shares) < 2:
            return goal
        return _advance(replace(goal, shares=shares, pace=past.pace), now)
    kept = list(shares)
    last = max(i for i, share in enumerate(kept) if share.percent > 0)
    kept[last] = replace(kept[last], percent=kept[last].percent - 1)
    begun = (*(s for s in kept if s.percent > 0), Share(goal.shares[0].revision, 1))
    return replace(goal, shares=begun, pace=Pace(start=now))


def _adjusted(shares: Sequence[Share], change: int) -> tuple[Share, ...]:
    """More goes to the newest revision, less is taken from the oldest."""
    rows = list(shares)
    if rows and change > 0:
        rows[-1] = replace(rows[-1], percent=rows[-1].percent + change)
    lost = -change
    while rows and lost > 0:
        if rows[0].percent > lost:
            rows[0] = replace(rows[0], percent=rows[0].percent - lost)
            break
        lost -= rows.pop(0).percent
    return tuple(rows)


def _advance(row: Rollout, now: int) -> Rollout:
    """One step, when it is time: what the newest gets comes from the youngest of the others."""
    if not row.pace.step or now < row.pace.next:
        return row
    older, newest, wanted = list(row.shares[:-1]), row.shares[-1], row.pace.step
    while older and wanted > 0:
        if older[-1].percent > wanted:
            older[-1] = replace(older[-1], percent=older[-1].percent - wanted)
            break
        wanted -= older.pop().percent
    if not older:
        return replace(row, shares=(Share(newest.revision, row.percent),), pace=Pace())
    grown = replace(newest, percent=min(newest.percent + row.pace.step, row.percent))
    return replace(row, shares=(*older, grown), pace=replace(row.pace, next=now + row.pace.every))


def next_step(rows: Iterable[Rollout]) -> int:
    """When something must be done again, in nanoseconds; 0 when nothing moves."""
    return min((row.pace.next for row in rows if not row.is_done and row.pace.next), default=0)


def shares_of(target: Target, tag: str, rows: Iterable[Rollout]) -> tuple[Share, ...]:
    """The revisions that a target's share goes to at present."""
    whole = 100 if tag else target.percent or 0
    if target.latest:
        for row in rows:
            if row.key == (tag, target.configuration) and not row.is_done:
                return row.shares
    return (Share(target.revision, whole),)


def dump(rows: Iterable[Rollout]) -> str:
    """The annotation's text."""
    return json.dumps({"configurations": [_row(row) for row in rows]}, separators=(",", ":"))


_PACE = (("start", "starttime"), ("next", "nextStepTime"), ("every", "stepDuration"), ("step", "stepSize"))


def _row(row: Rollout) -> dict[str, Any]:
    pace = {name: getattr(row.pace, field) for field, name in _PACE}
    return {
        "configurationName": row.configuration,
        **({"tag": row.tag} if row.tag else {}),
        "percent": row.percent,
        "revisions": [{"revisionName": s.revision, "percent": s.percent} for s in row.shares],
        "stepParams": {name: value for name, value in pace.items() if value},
    }


def load(text: str) -> tuple[Rollout, ...]:
    """The state in an annotation; nothing when it cannot be read or does not add up."""
    try:
        rows = tuple(_read(json.loads(text)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
    sound = all(
        row.percent <= 100
        and 0 <= row.pace.step <= row.percent
        and sum(share.percent for share in row.shares) == row.percent
        for row in rows
    )
    return rows if sound else ()


def _read(found: Any) -> Iterator[Rollout]:
    for row in found.get("configurations") or ():
        pace = row.get("stepParams") or {}
        yield Rollout(
            configuration=str(row["configurationName"]),
            tag=str(row.get("tag") or ""),
            percent=int(row["percent"]),
            shares=tuple(
                Share(str(r["revisionName"]), int(r["percent"])) for r in row.get("revisions") or ()
            ),
            pace=Pace(**{field: int(pace.get(name) or 0) for field, name in _PACE}),
        )
