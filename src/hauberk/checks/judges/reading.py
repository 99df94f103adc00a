"""HBK10xx: what was read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World

_PLACEHOLDER = re.compile(r"<[A-Za-z][A-Za-z0-9_ .-]*>|\byour-OpenShift-projects\b")
_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
# Free text, where `<name>` may be meant.
_PROSE = frozenset({"annotations", "data", "status", "message", "description"})


def unreadable(world: World) -> Iterator[Found]:
    """A file is not YAML."""
    for fault in world.faults:
        if not fault.readable:
            yield Found(item=None, found=f"{fault.place}: {fault.found}")


def no_object(world: World) -> Iterator[Found]:
    """A document is no Kubernetes object."""
    for fault in world.faults:
        if fault.readable:
            yield Found(item=None, found=f"{fault.place}: {fault.found}")


def twice(world: World) -> Iterator[Found]:
    """Several documents describe the same object."""
    for item in world.items:
        if len(item.sources) > 1:
            places = ", ".join(f"{s.file}:{s.document.node.start_mark.line + 1}" for s in item.sources)
            yield Found(item=item, found=f"{len(item.sources)} descriptions: {places}")


def placeholders(world: World) -> Iterator[Found]:
    """A placeholder was left in."""
    for item in world.items:
        for path, text in _texts(item.obj):
            match = _PLACEHOLDER.search(text)
            if match:
                yield Found(item=item, path=path, found=f"`{match[0]}`")


def _texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            if str(key) not in _PROSE:
                yield from _texts(below, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, below in enumerate(value):
            yield from _texts(below, (*path, index))


def _metadata(item: Item) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    """Every map of labels or annotations: the object's, its template's, those of overrides."""
    places: list[Path] = [("metadata",), ("spec", "template", "metadata")]
    places += [path for key in ("workloads", "deployments") for path, _ in item.rows("spec", key)]
    for place in places:
        for name in ("labels", "annotations"):
            found = item.get(*place, name)
            if isinstance(found, Mapping):
                yield (*place, name), found


def keys(world: World) -> Iterator[Found]:
    """The key of a label or annotation is not valid."""
    for item in world.items:
        for path, found in _metadata(item):
            for key in found:
                if not _KEY.fullmatch(str(key)):
                    yield Found(item=item, path=(*path, str(key)), found=f"the key `{key}`")


def values(world: World) -> Iterator[Found]:
    """A label or annotation is not text."""
    for item in world.items:
        for path, found in _metadata(item):
            for key, value in found.items():
                if not isinstance(value, str):
                    fix = f'write `{key}: "{str(value).lower()}"`'
                    kind = type(value).__name__
                    yield Found(item=item, path=(*path, str(key)), found=f"`{value}`, a {kind}", fix=fix)


# Kinds whose meaning depends on where they are.
_PLACED = (
    "ServiceMeshControlPlane.maistra.io", "ServiceMeshMemberRoll.maistra.io", "Gateway.networking.istio.io",
    "ServiceEntry.networking.istio.io", "KnativeServing.operator.knative.dev",
    "KnativeEventing.operator.knative.dev", "KnativeKafka.operator.serverless.openshift.io",
    "PeerAuthentication.security.istio.io", "AuthorizationPolicy.security.istio.io",
)  # fmt: skip


def no_namespace(world: World) -> Iterator[Found]:
    """An object does not say in which namespace it belongs."""
    for item in world.of(_PLACED):
        if not item.namespace:
            yield Found(item=item, path=("metadata", "namespace"), found="no namespace")


def said_by_the_runner(_: World) -> Iterator[Found]:
    """Nothing: `judge.run` itself says these."""
    yield from ()
