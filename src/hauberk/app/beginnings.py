"""What the store of a new cluster holds before anybody writes; an old one keeps what it has."""

from __future__ import annotations

import asyncio

from hauberk import openshift, workloads
from hauberk.apiserver.rbac.defaults import bring_up
from hauberk.base.apierrors import AlreadyExists
from hauberk.base.refs import Json, labels_of, ref_of
from hauberk.kinds.definitions import OWN, definitions
from hauberk.ports import Api


async def create_missing(api: Api, domain: str) -> None:
    """Namespaces, the router, definitions, roles: what is missing of them."""
    for obj in (*workloads.bootstrap_objects(), *openshift.bootstrap_objects(domain)):
        try:
            await api.create(obj)
        except AlreadyExists:
            continue
    await asyncio.gather(*(_define(api, obj) for obj in definitions()))
    await bring_up(api)


async def _define(api: Api, wanted: Json) -> None:
    """A definition of the product's own, as this release has it; one that a user put in its place stays."""
    try:
        await api.create(wanted)
    except AlreadyExists:
        stored = api.snapshot().get(ref_of(wanted))
        if stored is not None and labels_of(stored).get(OWN) not in (None, labels_of(wanted)[OWN]):
            await api.apply(wanted, manager="hauberk")
