"""Wiring of the Route controller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hauberk.base.refs import Json, Ref, controller_of, ref_of
from hauberk.engine.plan import Controller
from hauberk.ports import Snapshot
from hauberk.serving.certificate.wanted import certificate_name, local_certificate_name
from hauberk.serving.config import domain, features, network
from hauberk.serving.config.network import fill_template
from hauberk.serving.config.reading import data_of, wakes_all
from hauberk.serving.indexes import ROUTES_BY_TARGET
from hauberk.serving.names import CERTIFICATE, CONFIGURATION, INGRESS, REVISION, ROUTE
from hauberk.serving.route.plan import World, plan


def observe(snapshot: Snapshot, ref: Ref) -> World | None:
    """Read one Route, what it leads to and what it owns."""
    route = snapshot.get(ref)
    if route is None:
        return None
    uid, namespace = route["metadata"]["uid"], ref.namespace
    targets = route["spec"].get("traffic") or ()
    configs = _named(snapshot, CONFIGURATION, namespace, (t.get("configurationName") for t in targets))
    latest = [(c.get("status") or {}).get("latestReadyRevisionName") for c in configs.values()]
    wanted = [*(t.get("revisionName") for t in targets), *latest]
    settings = network.parse_network(data_of(snapshot, network.NAME))
    tags = {t.get("tag", "") for t in targets} | {""}
    names = {
        fill_template(settings.tag_template, {"Tag": t, "Name": ref.name}) if t else ref.name for t in tags
    }
    services = [s for s in snapshot.owned_by(uid, ("Service",)) if (controller_of(s) or {}).get("uid") == uid]
    taken = [s for n in sorted(names) if (s := snapshot.get(Ref("Service", namespace, n))) is not None]
    foreign = [s["metadata"]["name"] for s in taken if (controller_of(s) or {}).get("uid") != uid]
    return World(
        route=route,
        ingress=snapshot.get(Ref(INGRESS, namespace, ref.name)),
        services=tuple(services),
        foreign_service=foreign[0] if foreign else "",
        configurations=configs,
        revisions=_named(snapshot, REVISION, namespace, wanted),
        network=settings,
        certificates=_named(snapshot, CERTIFICATE, namespace, _certificate_names(route, tags)),
        domains=domain.parse_domains(data_of(snapshot, domain.NAME)),
        tag_headers=features.is_enabled(data_of(snapshot, features.NAME), features.TAG_HEADERS),
    )


def _certificate_names(route: Json, tags: Iterable[str]) -> Iterator[str]:
    for tag in sorted(tags):
        yield certificate_name(route, tag)
        yield local_certificate_name(route, tag)


def _named(snapshot: Snapshot, kind: str, namespace: str, names: Iterable[str | None]) -> dict[str, Json]:
    found = {n: snapshot.get(Ref(kind, namespace, n)) for n in names if n}
    return {n: o for n, o in found.items() if o is not None}


def wake_for_target(changed: Json, snapshot: Snapshot) -> Iterator[Ref]:
    """The Routes that name a Configuration or a Revision."""
    meta = changed["metadata"]
    yield from map(ref_of, snapshot.find(ROUTES_BY_TARGET, f"{meta['namespace']}/{meta['name']}"))


CONTROLLER: Controller[World] = Controller(
    name="route-serving",
    kind=ROUTE,
    owns=(INGRESS, "Service", CERTIFICATE),
    wakes={
        CONFIGURATION: wake_for_target,
        REVISION: wake_for_target,
        "ConfigMap": wakes_all(ROUTE, domain.NAME, network.NAME, features.NAME),
    },
    observe=observe,
    plan=plan,
)
