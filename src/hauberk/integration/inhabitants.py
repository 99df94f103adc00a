"""What is in a namespace that somebody else would miss."""

from __future__ import annotations

import asyncio

from hauberk.base.apierrors import ApiError, MethodNotAllowed, NotFound
from hauberk.base.refs import Json, Ref, is_deleting, ref_of
from hauberk.integration.differences import AT_ONCE
from hauberk.integration.leftovers import is_ambient
from hauberk.kubeclient import Kube, Resource


async def fetch_inhabitants(kube: Kube, namespace: str) -> tuple[Ref, ...]:
    """What is in a namespace, apart from what every namespace has and what goes with its owner."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(row: Resource) -> list[Ref]:
        async with gate:
            try:
                found = await kube.list(row.kind, namespace)
            except (NotFound, MethodNotAllowed):
                return []
            except ApiError:  # what cannot be read may be somebody's
                return [Ref(row.kind, namespace, "(not readable)")]
        return [ref_of(obj) for obj in found if counts(row.kind, obj)]

    rows = [r for r in (await kube.kinds()).values() if r.namespaced and {"list", "delete"} <= r.verbs]
    answers = await asyncio.gather(*(ask(row) for row in rows))
    return tuple(ref for refs in answers for ref in refs)


def counts(kind: str, obj: Json) -> bool:
    """Whether the object is a sign that somebody uses its namespace."""
    return not is_ambient(kind, obj) and not is_deleting(obj)


def shown(refs: tuple[Ref, ...], most: int = 3) -> str:
    """The first of them, and how many more."""
    more = f" and {len(refs) - most} more" if len(refs) > most else ""
    return ", ".join(map(str, refs[:most])) + more
