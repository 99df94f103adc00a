"""The ASGI application: who may ask, what the path means, which handler answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from hauberk.apiserver import auth, discovery, refuse
from hauberk.apiserver.audit import Audit
from hauberk.apiserver.auth import Authenticator
from hauberk.apiserver.catalog import Catalog
from hauberk.apiserver.http import (
    SWITCHED,
    Answer,
    Disconnected,
    HttpRequest,
    NotBuilt,
    Receive,
    Scope,
    Send,
    error_answer,
    json_answer,
    request_of,
    send_answer,
)
from hauberk.apiserver.openapi import V2_PROTOBUF, OpenApi
from hauberk.apiserver.podlog import pod_log
from hauberk.apiserver.rbac.attributes import Attributes
from hauberk.apiserver.rbac.authorizer import Authorizer
from hauberk.apiserver.rbac.impersonation import acting_as
from hauberk.apiserver.rbac.requestinfo import attributes_of
from hauberk.apiserver.reading import Reader
from hauberk.apiserver.streams.forward import forward_ports
from hauberk.apiserver.streams.remote import run_command
from hauberk.apiserver.target import PageNotFound, Target, target_of
from hauberk.apiserver.usage import metrics
from hauberk.apiserver.write_options import APPLY
from hauberk.apiserver.writing import Writer
from hauberk.base.apierrors import ApiError
from hauberk.kinds.metrics import GROUP as USAGE
from hauberk.ports import Doors, LogSource, Meter
from hauberk.store import Store

log = logging.getLogger(__name__)

Read = Callable[[HttpRequest, Target], Answer]
Write = Callable[[HttpRequest, Target], Awaitable[Answer]]

_INSIDE = ("exec", "attach", "portforward")
_HEALTH = ("/readyz", "/livez", "/healthz")


class Application:
    """The API over HTTP."""

    def __init__(
        self,
        store: Store,
        catalog: Catalog,
        reader: Reader,
        writer: Writer,
        authenticators: Sequence[Authenticator],
        authorizer: Authorizer,
        logs: LogSource | None,
        doors: Doors | None,
        meter: Meter | None,
        audit: Audit | None,
    ) -> None:
        self._store, self._catalog, self._reader, self._writer = store, catalog, reader, writer
        self._authenticators, self._authorizer = authenticators, authorizer
        self._logs, self._doors, self._meter, self._audit = logs, doors, meter, audit
        self._openapi = OpenApi(catalog)
        self._reads: Mapping[str, Read] = {"get": reader.get, "list": reader.list, "watch": self._watch}
        self._writes: Mapping[str, Write] = {
            "create": writer.create,
            "update": writer.update,
            "patch": writer.patch,
            "delete": writer.delete,
            "deletecollection": writer.delete_collection,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        request = request_of(scope, receive)
        began = self._audit.clock.now() if self._audit is not None else 0.0
        answer = await self._safely(request)
        if answer is None:
            return
        if self._audit is not None:
            self._audit.note(request, answer.code, began)
        await _send(answer, request, send)

    async def _safely(self, request: HttpRequest) -> Answer | None:
        """The answer, whatever happens; None when the client has gone."""
        try:
            return await self._answer(request)
        except ApiError as error:
            return error_answer(error)
        except Disconnected:
            return None
        except Exception:  # one request's bug must not end the server
            log.exception("request failed: %s %s", request.method, request.path)
            return error_answer(ApiError("an internal error has occurred; the control plane's log has it"))

    async def _answer(self, request: HttpRequest) -> Answer:
        path = request.path.rstrip("/") or "/"
        if path.startswith(_HEALTH) and path.split("/")[1] in ("readyz", "livez", "healthz"):
            return Answer(b"ok", content_type="text/plain; charset=utf-8")
        if path == "/version":
            return json_answer(discovery.VERSION)
        self._admit(request, path)
        described = self._describe(request, path)
        if described is not None:
            return described
        return await self._resource(request, target_of(self._catalog, path))

    def _admit(self, request: HttpRequest, path: str) -> None:
        """Find out who asks and whether they may. Unauthorized, Forbidden."""
        request.user = user = auth.authenticate(request.headers, self._authenticators)
        request.user, request.actor = acting_as(user, request.headers, self._authorizer), user
        if not request.user.is_master:
            self._authorizer.check(attributes_of(request.user, request.method, path, request.query))

    def _describe(self, request: HttpRequest, path: str) -> Answer | None:
        """Discovery and schemas; None when the path means a resource."""
        parts = path.strip("/").split("/")
        if parts[0] == "openapi":
            return self._schemas(request, parts)
        if path in ("/api", "/apis") and discovery.AGGREGATED in request.headers.get("accept", ""):
            answer = json_answer(discovery.aggregated(self._catalog, core=path == "/api"))
            answer.content_type = f"application/json;{discovery.AGGREGATED}"
            return answer
        found: Any = None
        match parts:
            case [""]:
                found = {
                    "paths": [
                        "/api",
                        "/apis",
                        "/healthz",
                        "/livez",
                        "/openapi/v2",
                        "/openapi/v3",
                        "/readyz",
                        "/version",
                    ]
                }
            case ["api"]:
                found = discovery.api_versions()
            case ["apis"]:
                found = discovery.group_list(self._catalog)
            case ["api", version]:
                found = discovery.resource_list(self._catalog, "", version)
            case ["apis", group]:
                found = discovery.group(self._catalog, group)
            case ["apis", group, version]:
                found = discovery.resource_list(self._catalog, group, version)
            case _:
                return None
        if found is None:
            raise PageNotFound
        return json_answer(found)

    def _schemas(self, request: HttpRequest, parts: list[str]) -> Answer:
        accept = request.headers.get("accept", "")
        match parts:
            case ["openapi", "v3"]:
                return json_answer(self._openapi.index())
            case ["openapi", "v3", *name]:
                found = self._openapi.document("/".join(name))
                if found is None:
                    raise PageNotFound
                return Answer(found, headers=(("etag", f'"{request.query.get("hash", "")}"'),))
            case ["openapi", "v2"] if "protobuf" in accept and "application/json" not in accept:
                made = self._openapi.v2_protobuf(request.headers.get("user-agent", ""))
                return Answer(made, content_type=V2_PROTOBUF)
            case ["openapi", "v2"]:
                return Answer(self._openapi.v2())
            case _:
                raise PageNotFound

    async def _resource(self, request: HttpRequest, target: Target) -> Answer:
        verb = _verb(request, target)
        _check(target, verb)
        if target.kind.group == USAGE:
            return await metrics(request, target, self._store.snapshot(), self._meter)
        if target.subresource == "log":
            return await self._log(request, target)
        if target.subresource in _INSIDE:
            return await self._inside(request, target)
        if verb in self._reads:
            await self._writer.conversions.before_read(target)
            return self._reads[verb](request, target)
        self._may_create(request, target, verb)
        return await self._writes[verb](request, target)

    def _may_create(self, request: HttpRequest, target: Target, verb: str) -> None:
        """Applying what is not there creates it. Forbidden."""
        applies = verb == "patch" and request.headers.get("content-type", "").startswith(APPLY)
        if applies and not request.user.is_master and self._store.latest(target.ref) is None:
            user, kind = request.user, target.kind
            place = (target.subresource, target.namespace, target.name)
            self._authorizer.check(Attributes(user, "create", kind.group, kind.plural, *place))

    def _watch(self, request: HttpRequest, target: Target) -> Answer:
        return Answer(stream=self._reader.watch(request, target).lines())

    async def _inside(self, request: HttpRequest, target: Target) -> Answer:
        """Streams into a pod."""
        pod = self._store.snapshot().get(target.ref)
        if pod is None:
            raise refuse.not_found(target.kind, target.name)
        if self._doors is None:
            raise NotBuilt("this API server has no node whose pods it could enter")
        if target.subresource == "portforward":
            return await forward_ports(request, pod, self._doors)
        return await run_command(request, pod, self._doors, attach=target.subresource == "attach")

    async def _log(self, request: HttpRequest, target: Target) -> Answer:
        pod = self._store.snapshot().get(target.ref)
        if pod is None:
            raise refuse.not_found(target.kind, target.name)
        return await pod_log(request, pod, self._logs, target)


def _check(target: Target, verb: str) -> None:
    """Refuse what the resource does not know."""
    kind, subresource = target.kind, target.subresource
    if not subresource and verb not in kind.verbs:
        raise refuse.no_verb(verb)
    if kind.namespaced and not target.namespace and verb not in ("list", "watch"):
        raise PageNotFound


def _verb(request: HttpRequest, target: Target) -> str:
    match request.method:
        case "GET" | "HEAD":
            if request.flag("watch"):
                return "watch"
            return "get" if target.name else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "PATCH":
            return "patch"
        case "DELETE":
            return "delete" if target.name else "deletecollection"
        case method:
            raise refuse.no_verb(method)


async def _send(answer: Answer, request: HttpRequest, send: Send) -> None:
    """Send, and stop a stream as soon as the client has left."""
    if answer.code == SWITCHED:
        return  # the connection was somebody else's, and is over
    if answer.stream is None:
        await send_answer(answer, send)
        return
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send_answer(answer, send))
        leaving = group.create_task(request.until_disconnect())
        await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        sending.cancel()
        leaving.cancel()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
