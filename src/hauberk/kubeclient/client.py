"""One asynchronous client of one API server, with raw objects.

Guarantees: reads and idempotent writes are tried again for a moment when the server is away or says that
it is busy; everything else fails with an exception of `base.apierrors`, `discovery.UnknownKind` or
`faults.Unreachable`.
No credential is ever part of a message.
"""

from __future__ import annotations

import asyncio
import builtins
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hauberk.base.apierrors import ApiError, MethodNotAllowed, NotFound
from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.kubeclient import discovery, faults
from hauberk.kubeclient.discovery import Resource, UnknownKind

if TYPE_CHECKING:
    import httpx2

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAGE = 500
TRIES = 3
PAUSE_S = 0.5
_BUSY = frozenset({429, 502, 503, 504})


class Kube:
    """The API of one cluster, spoken to as one field manager."""

    def __init__(
        self, http: httpx2.AsyncClient, *, server: str, manager: str = "hauberk", name: str = ""
    ) -> None:
        self._http, self.server, self.manager, self.name = http, server, manager, name
        self.warnings: builtins.list[str] = []  # what the API warned of, in order
        self._kinds: dict[str, Resource] | None = None

    async def version(self) -> Json:
        """The answer of `/version`."""
        answer: Json = await self.request("GET", "/version")
        return answer

    async def kinds(self, *, fresh: bool = False) -> Mapping[str, Resource]:
        """Every kind that the API serves; asked once, or again when `fresh`."""
        if self._kinds is None or fresh:
            core, groups = await self.request("GET", "/api"), await self.request("GET", "/apis")
            asked = discovery.versions_of(core, groups)
            listed = await asyncio.gather(*(self._group(*one) for one in asked))
            found = ((*one, answer) for one, answer in zip(asked, listed, strict=True))
            self._kinds = discovery.resources_of(found)
        return self._kinds

    async def resource(self, kind: str) -> Resource:
        """The row of a kind. Raises UnknownKind."""
        if kind not in await self.kinds():
            await self.kinds(fresh=True)  # an operator may have brought it since
        found = (await self.kinds()).get(kind)
        if found is None:
            raise UnknownKind(kind)
        return found

    async def knows(self, kind: str) -> bool:
        """Whether the API serves the kind."""
        return kind in await self.kinds()

    async def get(self, ref: Ref, *, version: str = "") -> Json:
        """The object, in the preferred version or the given one. Raises NotFound, UnknownKind."""
        row = await self.resource(ref.kind)
        path = row.path(ref.namespace, ref.name, version=version)
        answer: Json = await self.request("GET", path, ref=ref)
        return answer

    async def find_as(self, obj: Json) -> Json | None:
        """What the cluster has under the name of `obj`, in the version of `obj`; None when nothing."""
        return await self.find(ref_of(obj), version=obj["apiVersion"].rpartition("/")[2])

    async def find(self, ref: Ref, *, version: str = "") -> Json | None:
        """The object, or None when it, its namespace, its kind or this version is not there."""
        try:
            return await self.get(ref, version=version)
        except (NotFound, UnknownKind):
            return None

    async def list(
        self, kind: str, namespace: str | None = None, labels: str | Mapping[str, str] | None = None
    ) -> Sequence[Json]:
        """All objects of a kind, page by page; each with its `apiVersion` and `kind`."""
        items, _ = await self._list(kind, namespace, labels)
        return items

    async def apply(
        self, obj: Json, *, dry_run: bool = False, force: bool = False, subresource: str = ""
    ) -> Json:
        """Server-side apply. Raises Conflict when another manager owns a field and not `force`."""
        ref = ref_of(obj)
        row = await self.resource(ref.kind)
        path = row.path(ref.namespace, ref.name, subresource, version=obj["apiVersion"].rpartition("/")[2])
        params = {"force": str(force).lower(), "fieldValidation": "Warn"}
        answer: Json = await self._write("PATCH", path, obj, params, ref=ref, dry_run=dry_run, content=APPLY)
        return answer

    async def apply_status(self, ref: Ref, status: Json) -> Json:
        """Server-side apply of `status`, with force."""
        row = await self.resource(ref.kind)
        place = {"name": ref.name, **({"namespace": ref.namespace} if ref.namespace else {})}
        obj = {"apiVersion": row.api_version, "kind": row.bare_kind, "metadata": place, "status": status}
        return await self.apply(obj, force=True, subresource="status")

    async def create(self, obj: Json, *, dry_run: bool = False) -> Json:
        """Store a new object. Raises AlreadyExists, Invalid."""
        row = await self.resource(kind_of(obj))
        namespace = (obj.get("metadata") or {}).get("namespace", "")
        path = row.path(namespace, version=obj["apiVersion"].rpartition("/")[2])
        answer: Json = await self._write("POST", path, obj, {}, dry_run=dry_run)
        return answer

    async def patch(
        self, ref: Ref, patch: Json | Sequence[Json], *, subresource: str = "", dry_run: bool = False
    ) -> Json:
        """A JSON merge patch, or a JSON patch when a sequence."""
        row = await self.resource(ref.kind)
        path = row.path(ref.namespace, ref.name, subresource)
        content = MERGE if isinstance(patch, Mapping) else "application/json-patch+json"
        answer: Json = await self._write("PATCH", path, patch, {}, ref=ref, dry_run=dry_run, content=content)
        return answer

    async def delete(self, ref: Ref, *, uid: str = "", dry_run: bool = False) -> bool:
        """Begin deletion: False when it is gone already. Conflict when `uid` differs."""
        try:
            row = await self.resource(ref.kind)
            body: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
            body["propagationPolicy"] = "Background"
            if uid:
                body["preconditions"] = {"uid": uid}
            if dry_run:
                body["dryRun"] = ["All"]
            await self.request("DELETE", row.path(ref.namespace, ref.name), body=body, ref=ref)
        except (NotFound, UnknownKind):
            return False
        return True

    async def watch(
        self, kind: str, namespace: str | None = None, labels: str | Mapping[str, str] | None = None
    ) -> AsyncIterator[tuple[str, Json]]:
        """(`ADDED`|`MODIFIED`|`DELETED`, object): first all that are there, then each change.

        Ends when the server ends it; raises Gone when the revision was compacted: begin again.
        """
        items, revision = await self._list(kind, namespace, labels)
        for item in items:
            yield "ADDED", item
        row = await self.resource(kind)
        params = {"watch": "true", "resourceVersion": revision, **_selector(labels)}
        import httpx2

        path = row.path(namespace or "")
        timeout = httpx2.Timeout(30, read=None)
        try:
            async with self._http.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    raise faults.error_of(answer.status_code, _decoded(await answer.aread()))
                async for line in answer.aiter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise faults.error_of(event["object"].get("code", 500), event["object"])
                    if event["type"] != "BOOKMARK":
                        yield event["type"], event["object"]
        except httpx2.TransportError as error:
            raise faults.unreachable(self.server, error) from error

    async def logs(self, ref: Ref, container: str = "", tail: int = 20, *, previous: bool = False) -> str:
        """The last lines of a container's log; of the only one when not named."""
        row = await self.resource(ref.kind)
        params = {"tailLines": str(tail), **({"container": container} if container else {})}
        params |= {"previous": "true"} if previous else {}
        path = row.path(ref.namespace, ref.name, "log")
        answer = await self._answer("GET", path, params=params)
        return str(answer.content.decode(errors="replace"))

    async def follow(self, ref: Ref, container: str) -> AsyncIterator[str]:
        """The lines of a container's log, from the first on, until it ends."""
        row = await self.resource(ref.kind)
        import httpx2

        path = row.path(ref.namespace, ref.name, "log")
        params = {"follow": "true", "container": container}
        try:
            timeout = httpx2.Timeout(30, read=None)
            async with self._http.stream("GET", path, params=params, timeout=timeout) as answer:
                if answer.status_code >= 400:
                    raise faults.error_of(answer.status_code, _decoded(await answer.aread()))
                async for line in answer.aiter_lines():
                    yield line
        except httpx2.TransportError as error:
            raise faults.unreachable(self.server, error) from error

    async def may(
        self, verb: str, resource: str, group: str = "", namespace: str = "", name: str = ""
    ) -> bool | None:
        """Whether we may do it (SelfSubjectAccessReview); None when the API does not tell."""
        attributes = {"verb": verb, "resource": resource, "group": group}
        attributes |= {"namespace": namespace} if namespace else {}
        attributes |= {"name": name} if name else {}
        asked = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        try:
            answer = await self.create(asked)
        except (NotFound, UnknownKind, MethodNotAllowed):
            return None
        return bool((answer.get("status") or {}).get("allowed"))

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = "application/json",
        ref: Ref | None = None,
    ) -> Any:
        """The decoded answer of one request. Raises ApiError, Unreachable."""
        answer = await self._answer(method, path, params=params, body=body, content=content, ref=ref)
        return _decoded(answer.content)

    async def _list(
        self, kind: str, namespace: str | None, labels: str | Mapping[str, str] | None
    ) -> tuple[Sequence[Json], str]:
        row = await self.resource(kind)
        params = {"limit": str(PAGE), **_selector(labels)}
        items: builtins.list[Json] = []
        while True:
            page = await self.request("GET", row.path(namespace or ""), params=params)
            named = {"apiVersion": page.get("apiVersion", row.api_version), "kind": row.bare_kind}
            items += [{**named, **item} for item in page.get("items") or ()]
            after = page["metadata"].get("continue")
            if not after:
                return items, page["metadata"].get("resourceVersion", "")
            params["continue"] = after

    async def _write(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, str],
        *,
        ref: Ref | None = None,
        dry_run: bool = False,
        content: str = "application/json",
    ) -> Any:
        asked = {**params, "fieldManager": self.manager, **({"dryRun": "All"} if dry_run else {})}
        return await self.request(method, path, params=asked, body=body, content=content, ref=ref)

    async def _group(self, group: str, version: str) -> Json:
        """The resources of one group and version; many may be asked for at once."""
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        try:
            listed: Json = await self.request("GET", path)
        except ApiError:
            return {}  # an aggregated API whose server is away hides its kinds, and only these
        return listed

    async def _answer(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content: str = "application/json",
        ref: Ref | None = None,
    ) -> httpx2.Response:
        import httpx2

        headers = {"content-type": content} if body is not None else {}
        data = None if body is None else json.dumps(body).encode()
        for turn in range(1, TRIES + 1):
            try:
                answer = await self._http.request(method, path, params=params, content=data, headers=headers)
            except httpx2.ConnectError as error:  # nothing was sent: any method may be tried again
                if turn == TRIES:
                    raise faults.unreachable(self.server, error) from error
            except httpx2.TransportError as error:
                if turn == TRIES or method == "POST":
                    raise faults.unreachable(self.server, error) from error
            else:
                if answer.status_code not in _BUSY or turn == TRIES or method == "POST":
                    return self._checked(answer, ref)
            await asyncio.sleep(PAUSE_S * turn)
        raise AssertionError("the last turn returns or raises")

    def _checked(self, answer: httpx2.Response, ref: Ref | None) -> httpx2.Response:
        for text in answer.headers.get_list("warning"):
            quoted = text.partition('"')[2].rpartition('"')[0]
            self.warnings.append(quoted or text)
        if answer.status_code >= 400:
            raise faults.error_of(answer.status_code, _decoded(answer.content), ref)
        return answer


def _selector(labels: str | Mapping[str, str] | None) -> dict[str, str]:
    if not labels:
        return {}
    text = labels if isinstance(labels, str) else ",".join(f"{k}={v}" for k, v in labels.items())
    return {"labelSelector": text}


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
