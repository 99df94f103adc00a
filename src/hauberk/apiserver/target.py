"""What a path means: a resource, an object, a subresource of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hauberk.apiserver import refuse
from hauberk.apiserver.catalog import Catalog, version_text
from hauberk.base.apierrors import BadRequest, NotFound
from hauberk.base.refs import Json, Ref
from hauberk.kinds.meta import Kind

# Subresources that a path of the right form may name; each kind lists its own.
POD_SUBRESOURCES = ("log", "exec", "attach", "portforward", "binding", "eviction")


@dataclass(frozen=True, slots=True)
class Target:
    """The resource that a request is about. `namespace` is empty for all, or for cluster-scoped kinds."""

    kind: Kind[Any]
    version: str  # as the client wrote it
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def api_version(self) -> str:
        """The `apiVersion` that the client reads and writes."""
        return version_text(self.kind.group, self.version)

    @property
    def ref(self) -> Ref:
        """The object that the path names."""
        return Ref(self.kind.id, self.namespace, self.name)

    def shown(self, obj: Json) -> Json:
        """An object in the version that the client asked for."""
        return self.kind.shown(obj, self.api_version)


class PageNotFound(NotFound):
    """No resource is served below this path."""

    def __init__(self) -> None:
        # kubectl looks into the details of every refusal
        super().__init__("the server could not find the requested resource", ref=Ref("", "", ""))


def target_of(catalog: Catalog, path: str) -> Target:
    """Read `/api/v1/…` or `/apis/GROUP/VERSION/…`. PageNotFound."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise PageNotFound
    namespace = ""
    # `/namespaces/NAME` and its subresources are about the Namespace itself.
    if rest[0] == "namespaces" and len(rest) > 2 and (group, version, rest[2]) in catalog.by_plural:
        namespace, rest = rest[1], rest[2:]
    kind = catalog.by_plural.get((group, version, rest[0]))
    if kind is None or len(rest) > 3 or (namespace and not kind.namespaced):
        raise PageNotFound
    name, subresource = (*rest[1:], "", "")[:2]
    if subresource and not _has(kind, subresource):
        raise PageNotFound
    return Target(kind, version, namespace, name, subresource)


def _has(kind: Kind[Any], subresource: str) -> bool:
    if kind.id == "Pod" and subresource in POD_SUBRESOURCES:
        return True
    return subresource in kind.subresources


def check_body(target: Target, obj: Any) -> dict[str, Any]:
    """A body of the kind, name and namespace that the path names; fills in what it leaves out."""
    if not isinstance(obj, dict):
        raise BadRequest("the object provided is unrecognized (must be of type object)")
    kind = target.kind
    given = (obj.get("apiVersion") or target.api_version, obj.get("kind") or kind.name)
    if given != (target.api_version, kind.name):
        raise BadRequest(
            f"the API version in the data ({given[0]}, Kind={given[1]}) does not match the expected "
            f"API version ({target.api_version}, Kind={kind.name})"
        )
    meta = obj.get("metadata")
    if meta is not None and not isinstance(meta, dict):
        raise BadRequest("json: cannot unmarshal into Go struct field .metadata of type v1.ObjectMeta")
    meta = dict(meta or {})
    if kind.namespaced:
        if meta.get("namespace") not in (None, "", target.namespace):
            raise refuse.namespace_differs()
        meta["namespace"] = target.namespace
    if target.name:
        if meta.get("name") not in (None, "", target.name):
            raise refuse.name_differs(str(meta["name"]), target.name)
        meta["name"] = target.name
    return {**obj, "apiVersion": target.api_version, "kind": kind.name, "metadata": meta}
