"""HBK152x: Knative services in the mesh."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.quantities import parse_duration_s
from hauberk.checks import mesh
from hauberk.checks.knative import (
    INJECT,
    KSVC,
    PASSTHROUGH,
    REWRITE,
    injected,
    is_local,
    rewrites,
    serving_of,
    setting,
    template,
)
from hauberk.checks.model import Found
from hauberk.checks.world import Item, World

DISABLE_ROUTE = "serving.knative.openshift.io/disableRoute"
ROUTE_TIMEOUT = "haproxy.router.openshift.io/timeout"
SET_TIMEOUT = "serving.knative.openshift.io/setRouteTimeout"
ENVOY_FILTER = "EnvoyFilter.networking.istio.io"
STREAM_IDLE_S = 300  # Envoy's default
ROUTE_TIMEOUT_S = 600
MAX_REVISION_S = 600
META = ("spec", "template", "metadata")


def _in_mesh(world: World) -> Iterator[Item]:
    if mesh.has_mesh(world):
        yield from world.all(KSVC)


def sidecar(world: World) -> Iterator[Found]:
    """A Knative service has no sidecar."""
    for ksvc in _in_mesh(world):
        labels, annotations = template(ksvc)
        if not injected(labels, annotations) and not _by_namespace(world, ksvc):
            said = labels.get(INJECT, annotations.get(INJECT))
            place = "labels" if INJECT in labels or INJECT not in annotations else "annotations"
            text = "nothing" if said is None else f"`{said}`"
            yield Found(item=ksvc, path=(*META, place, INJECT), found=text)


def _by_namespace(world: World, ksvc: Item) -> bool:
    """Whether the namespace's label injects; a pod's own word goes before it."""
    space = world.named("Namespace", "", ksvc.namespace)
    labels, annotations = template(ksvc)
    silent = INJECT not in labels and INJECT not in annotations
    return silent and space is not None and space.labels.get("istio-injection") == "enabled"


def annotation_only(world: World) -> Iterator[Found]:
    """Injection is asked for by annotation."""
    for ksvc in _in_mesh(world):
        labels, annotations = template(ksvc)
        if INJECT not in labels and injected(labels, annotations) and mesh.flavour(world) == "sm2":
            yield Found(item=ksvc, path=(*META, "annotations", INJECT), found="an annotation")


def unseen_annotation(world: World) -> Iterator[Found]:
    """Injection is asked for where nobody reads it."""
    if mesh.flavour(world) != "sail":
        return
    for ksvc in _in_mesh(world):
        labels, annotations = template(ksvc)
        space = world.named("Namespace", "", ksvc.namespace)
        named = space is not None and space.labels.get("istio-injection") == "enabled"
        if INJECT not in labels and injected(labels, annotations) and not named:
            yield Found(item=ksvc, path=(*META, "annotations", INJECT), found="an annotation")


def probes(world: World) -> Iterator[Found]:
    """Probes of a Knative service do not pass its sidecar."""
    for ksvc in _in_mesh(world):
        labels, annotations = template(ksvc)
        if injected(labels, annotations) and not rewrites(labels, annotations):
            said = annotations.get(REWRITE)
            text = "nothing" if said is None else f"`{said}`"
            yield Found(item=ksvc, path=(*META, "annotations", REWRITE), found=text)


def no_passthrough(world: World) -> Iterator[Found]:
    """A service's Route ends TLS at the router."""
    if not mesh.on_openshift(world):
        return
    for ksvc in _in_mesh(world):
        routed = DISABLE_ROUTE not in ksvc.annotations and not is_local(ksvc)
        if routed and PASSTHROUGH not in ksvc.annotations:
            yield Found(item=ksvc, path=("metadata", "annotations", PASSTHROUGH), found="no annotation")


def presence_trap(world: World) -> Iterator[Found]:
    """An annotation acts by its presence, not by its value."""
    for ksvc in world.all(KSVC):
        for key in (PASSTHROUGH, DISABLE_ROUTE):
            said = ksvc.annotations.get(key)
            if said is not None and str(said).lower() != "true":
                yield Found(item=ksvc, path=("metadata", "annotations", key), found=f"`{said}`")


def wrong_place(world: World) -> Iterator[Found]:
    """An annotation of the Route stands on the pods."""
    for ksvc in world.all(KSVC):
        _, annotations = template(ksvc)
        for key in (PASSTHROUGH, DISABLE_ROUTE, SET_TIMEOUT):
            if key in annotations:
                yield Found(item=ksvc, path=(*META, "annotations", key), found="on the pods")


def long_requests(world: World) -> Iterator[Found]:
    """Requests that may take longer than the Route in front of them."""
    if not mesh.on_openshift(world):
        return
    for ksvc in world.all(KSVC):
        seconds = ksvc.get("spec", "template", "spec", "timeoutSeconds")
        if isinstance(seconds, int) and seconds > _route_timeout_s(ksvc) and not is_local(ksvc):
            found = f"{seconds} s behind a Route that waits {_route_timeout_s(ksvc):.0f} s"
            yield Found(item=ksvc, path=("spec", "template", "spec", "timeoutSeconds"), found=found)


def _route_timeout_s(ksvc: Item) -> float:
    said = ksvc.annotations.get(SET_TIMEOUT, ksvc.annotations.get(ROUTE_TIMEOUT))
    if said is None:
        return ROUTE_TIMEOUT_S
    try:
        return float(said) if str(said).isdigit() else parse_duration_s(str(said))
    except ValueError:
        return ROUTE_TIMEOUT_S


def idle_streams(world: World) -> Iterator[Found]:
    """Streams are cut after five minutes without data."""
    filters = (str(item.get("spec", "configPatches")) for item in world.all(ENVOY_FILTER))
    longer = any("stream_idle_timeout" in text or "streamIdleTimeout" in text for text in filters)
    if mesh.flavour(world) != "sail" or not world.whole or longer:
        return
    for ksvc in world.all(KSVC):
        seconds = ksvc.get("spec", "template", "spec", "timeoutSeconds")
        if isinstance(seconds, int) and seconds > STREAM_IDLE_S:
            found = f"{seconds} s, where the gateway ends idle streams after {STREAM_IDLE_S} s"
            yield Found(item=ksvc, path=("spec", "template", "spec", "timeoutSeconds"), found=found)


def too_long(world: World) -> Iterator[Found]:
    """The request timeout is above what Serving allows."""
    serving = serving_of(world)
    if serving is None:
        return
    _, said = setting(serving, "defaults", "max-revision-timeout-seconds")
    most = int(said) if str(said).isdigit() else MAX_REVISION_S
    for ksvc in world.all(KSVC):
        seconds = ksvc.get("spec", "template", "spec", "timeoutSeconds")
        if isinstance(seconds, int) and seconds > most:
            found = f"{seconds} s, at most {most} s are allowed"
            yield Found(item=ksvc, path=("spec", "template", "spec", "timeoutSeconds"), found=found)
