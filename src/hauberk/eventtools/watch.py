"""Shows the events of a broker or channel as they come: a pod prints them, subscribed while one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hauberk.base.apierrors import ApiError
from hauberk.base.conditions import is_true
from hauberk.base.problems import Problem
from hauberk.base.refs import Ref, ref_of
from hauberk.eventtools.send import INJECT, state_of
from hauberk.eventtools.target import WATCHED, Named, parse_target, url_of, why_not_ready

if TYPE_CHECKING:
    from hauberk.kubeclient import Kube

WITHIN_S = 60.0
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be watched. `filters` are attributes by which a broker's events are chosen."""

    target: str
    namespace: str
    filters: Mapping[str, str]
    sidecar: bool
    image: str


def watched(wish: Wish) -> Named:
    """The broker or channel. Raises Problem for anything else."""
    target = parse_target(wish.target, wish.namespace)
    if not isinstance(target, Named) or target.word not in WATCHED:
        raise Problem(
            "only brokers and channels can be watched",
            wanted=f"KIND/NAME with one of {', '.join(WATCHED)}",
            found=wish.target,
            fix="hauberk events watch broker/default",
        )
    if wish.filters and target.word != "broker":
        raise Problem(
            "a channel has no filters",
            wanted="--filter with a broker",
            found=f"--filter with {wish.target}",
            fix="leave --filter out, or watch the broker",
        )
    return target


def make_objects(wish: Wish, name: str, target: Named, api_version: str) -> list[dict[str, Any]]:
    """The pod that prints, its Service, and the Trigger or Subscription. The pod is first."""
    inject = str(wish.sidecar).lower()
    labels = {"app": name, "hauberk.dev/temporary": "events", INJECT: inject}
    meta = {"name": name, "namespace": wish.namespace, "labels": labels, "annotations": {INJECT: inject}}
    container = {"name": "display", "image": wish.image, "ports": [{"containerPort": 8080}]}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod},
        _object("v1", "Service", wish, name, {"selector": {"app": name}, "ports": ports}),
        make_subscription(wish, name, target, api_version),
    ]


def make_subscription(wish: Wish, name: str, target: Named, api_version: str) -> dict[str, Any]:
    """A Trigger of a broker, or a Subscription of a channel."""
    ref = {"apiVersion": "v1", "kind": "Service", "name": name, "namespace": wish.namespace}
    if target.word == "broker":
        spec: dict[str, Any] = {"broker": target.ref.name, "subscriber": {"ref": ref}}
        if wish.filters:
            spec["filter"] = {"attributes": dict(wish.filters)}
        return _object("eventing.knative.dev/v1", "Trigger", wish, name, spec)
    channel = {"apiVersion": api_version, "kind": target.ref.kind.partition(".")[0], "name": target.ref.name}
    spec = {"channel": channel, "subscriber": {"ref": ref}}
    return _object("messaging.knative.dev/v1", "Subscription", wish, name, spec)


def _object(api_version: str, kind: str, wish: Wish, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    meta = {"name": name, "namespace": wish.namespace, "labels": {"hauberk.dev/temporary": "events"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": dict(spec)}


async def watch(kube: Kube, wish: Wish, name: str, say: Callable[[str], None]) -> AsyncIterator[str]:
    """The lines that the pod prints, until the caller stops; then all that was made is removed.

    `say` is told what is waited for. Raises Problem.
    """
    target = watched(wish)
    found = await kube.find(target.ref)
    url_of(target, found)
    assert found is not None, "url_of refuses what is not there"
    made: list[Ref] = []
    try:
        for obj in make_objects(wish, name, target, found["apiVersion"]):
            await kube.create(obj)
            made.append(ref_of(obj))
        for ref in (made[0], made[-1]):
            await _ready(kube, ref)
        say(f"events of {wish.target} in {wish.namespace}; Ctrl-C ends this and removes {made[0].name}")
        async for line in kube.follow(made[0], "display"):
            yield line
    finally:
        for ref in reversed(made):
            await kube.delete(ref)


async def _ready(kube: Kube, ref: Ref) -> None:
    waited = 0.0
    while not is_true(found := await _find(kube, ref)):
        if waited >= WITHIN_S:
            said = state_of(found) if ref.kind == "Pod" else why_not_ready(found or {})
            raise Problem(
                f"{ref} does not become ready",
                wanted=f"Ready within {WITHIN_S:g} s",
                found=said,
                fix=f"kubectl describe {ref.kind.partition('.')[0].lower()} {ref.name} -n {ref.namespace}",
            )
        await asyncio.sleep(_LOOK_S)
        waited += _LOOK_S


async def _find(kube: Kube, ref: Ref) -> Any:
    try:
        return await kube.find(ref)
    except ApiError:
        return None
