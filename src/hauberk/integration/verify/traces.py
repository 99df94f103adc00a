"""Everything that a run creates, and taking it away: at the end, after Ctrl-C, after a run was killed."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.apierrors import AlreadyExists, ApiError, NotFound
from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration.verify.model import LABEL
from hauberk.integration.verify.polling import until
from hauberk.kubeclient import Kube
from hauberk.kubeclient.discovery import UnknownKind
from hauberk.kubeclient.faults import problem_of

KSERVICE = "Service.serving.knative.dev"
BROKER, TRIGGER = "Broker.eventing.knative.dev", "Trigger.eventing.knative.dev"
KINDS = (TRIGGER, BROKER, KSERVICE, "Pod")
GONE_WITHIN_S = 30.0


class Traces:
    """What this run left in the cluster so far."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._refs: list[Ref] = []

    async def create(self, obj: Json) -> Json:
        """Create an object that `remove` will delete. Raises Problem."""
        ref = ref_of(obj)
        self._refs.append(ref)  # before: the answer to a creation may be lost
        try:
            return await self._kube.create(obj)
        except AlreadyExists:
            return await self._kube.get(ref)
        except ApiError as error:
            raise problem_of(error, f"create {ref}", ref) from error

    async def remove(self) -> None:
        """Delete all of it and wait until it is gone. Raises Problem with what is left."""
        await remove(self._kube, reversed(self._refs))


async def remove(kube: Kube, refs: Iterable[Ref]) -> None:
    """Delete these and wait until they are gone. Raises Problem with what is left."""
    wanted = tuple(refs)
    left: dict[Ref, str] = {}
    for ref in wanted:
        try:
            await kube.delete(ref)
        except (ApiError, Problem) as error:
            left[ref] = str(error).partition("\n")[0]

    async def remaining() -> list[Ref]:
        return [ref for ref in wanted if ref not in left and await kube.find(ref) is not None]

    ending, _ = await until(remaining, lambda refs: not refs, GONE_WITHIN_S)
    left |= dict.fromkeys(ending, "being deleted")
    if left:
        raise Problem(
            "what `hauberk verify` created is not gone",
            wanted="nothing left of a run",
            found="; ".join(f"{ref}: {why}" for ref, why in left.items()),
            fix=f"kubectl delete ksvc,pod -A -l {LABEL}",
        )


async def fetch_leftovers(kube: Kube, namespaces: Iterable[str]) -> tuple[Ref, ...]:
    """What runs that were ended by force have left in these namespaces."""
    found = []
    for namespace in namespaces:
        for kind in KINDS:
            try:
                found += [ref_of(obj) for obj in await kube.list(kind, namespace, LABEL) if _is_own(obj)]
            except (NotFound, UnknownKind):
                continue
    return tuple(found)


def _is_own(obj: Json) -> bool:
    """Not what another object owns: a service's pods carry the label, too, and go with it."""
    return not obj["metadata"].get("ownerReferences")
