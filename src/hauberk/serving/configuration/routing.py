"""Which Routes lead to a revision, as its labels and annotations say it. Pure.

Deviation: upstream's Route controller writes these; here the Configuration's plan does, so that a
Revision's metadata has one writer.
Source: knative/serving pkg/reconciler/route/labeler.go, pkg/reconciler/labeler/accessors.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hauberk.base.refs import Json, annotations_of, labels_of
from hauberk.base.times import rfc3339
from hauberk.serving.names import A_ROUTES, A_STATE_TIME, L_STATE


@dataclass(frozen=True, slots=True)
class Routing:
    """The routing labels and annotations of one revision."""

    labels: dict[str, str]
    annotations: dict[str, str]


def routes_to(revision: str, config: str, latest: Iterable[str], routes: Iterable[Json]) -> tuple[str, ...]:
    """Names of the Routes that lead to `revision`, sorted; `latest` are the Configuration's newest ones."""
    newest = set(latest)
    found = set()
    for route in routes:
        targets: list[Any] = [*(route["spec"].get("traffic") or ())]
        targets += (route.get("status") or {}).get("traffic") or ()
        named = any(t.get("revisionName") == revision for t in targets)
        followed = revision in newest and any(t.get("configurationName") == config for t in targets)
        if named or followed:
            found.add(str(route["metadata"]["name"]))
    return tuple(sorted(found))


def routing(stored: Json | None, routes: tuple[str, ...], now: float) -> Routing:
    """The routing state of a revision, as a table.

    | a Route leads here | state before     | state   |
    |--------------------|------------------|---------|
    | yes                | any              | active  |
    | no                 | none, pending    | pending |
    | no                 | active, reserve  | reserve |

    The time of the state changes with the state only.
    """
    before = labels_of(stored).get(L_STATE, "") if stored else ""
    idle = "reserve" if before in ("active", "reserve") else "pending"
    state = "active" if routes else idle
    since = annotations_of(stored).get(A_STATE_TIME) if stored and before == state else None
    annotations = {A_STATE_TIME: since or rfc3339(now)}
    if routes:
        annotations[A_ROUTES] = ",".join(routes)
    return Routing({L_STATE: state}, annotations)
