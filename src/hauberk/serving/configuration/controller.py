"""Wiring of the Configuration controller."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json, Ref, controller_of, labels_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.config import gc
from hauberk.serving.config.reading import data_of, wakes_all
from hauberk.serving.configuration.make import revision_name
from hauberk.serving.configuration.plan import World, plan
from hauberk.serving.indexes import ROUTES_BY_TARGET
from hauberk.serving.names import CONFIGURATION, L_CONFIGURATION, REVISION, ROUTE


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Configuration, its Revisions and the Routes that lead to them."""
    config = snapshot.get(ref)
    if config is None:
        return None
    uid = config["metadata"]["uid"]
    labelled = snapshot.list(REVISION, ref.namespace, {L_CONFIGURATION: ref.name})
    own = tuple(r for r in labelled if (controller_of(r) or {}).get("uid") == uid)
    names = [r["metadata"]["name"] for r in own]
    return World(
        configuration=config,
        revisions=own,
        latest=snapshot.get(Ref(REVISION, ref.namespace, revision_name(config))),
        routes=_routes_to(snapshot, ref.namespace, [ref.name, *names]),
        retention=gc.parse_retention(data_of(snapshot, gc.NAME)),
    )


def _routes_to(snapshot: Snapshot, namespace: str, names: Iterable[str]) -> tuple[Json, ...]:
    rows = [r for name in names for r in snapshot.find(ROUTES_BY_TARGET, f"{namespace}/{name}")]
    return tuple({ref_of(r): r for r in rows}.values())


def wake_for_route(route: Json, snapshot: Snapshot) -> Iterable[Ref]:
    """The Configurations that a Route follows, or whose revisions it names or named."""
    namespace = route["metadata"]["namespace"]
    targets = [*(route["spec"].get("traffic") or ()), *((route.get("status") or {}).get("traffic") or ())]
    for target in targets:
        if target.get("configurationName"):
            yield Ref(CONFIGURATION, namespace, target["configurationName"])
        revision = snapshot.get(Ref(REVISION, namespace, target.get("revisionName") or ""))
        if revision is not None and labels_of(revision).get(L_CONFIGURATION):
            yield Ref(CONFIGURATION, namespace, labels_of(revision)[L_CONFIGURATION])


CONTROLLER: Controller[World] = Controller(
    name="configuration",
    kind=CONFIGURATION,
    owns=(REVISION,),
    wakes={ROUTE: wake_for_route, "ConfigMap": wakes_all(CONFIGURATION, gc.NAME)},
    observe=observe,
    plan=plan,
)
