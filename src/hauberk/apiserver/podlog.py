"""`GET …/pods/NAME/log`.

Source: kubernetes pkg/registry/core/pod/rest/log.go, strategy.go (LogLocation, the choice of the container).
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from hauberk.apiserver.http import Answer, HttpRequest, NotBuilt
from hauberk.apiserver.target import Target
from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, annotations_of
from hauberk.base.times import epoch
from hauberk.ports import LogSource

_DEFAULT = "kubectl.kubernetes.io/default-container"


async def pod_log(request: HttpRequest, pod: Json, source: LogSource | None, target: Target) -> Answer:
    """The output of one container. BadRequest, NotBuilt when this process has no pods."""
    if source is None:
        raise NotBuilt("this API server has no node whose logs it could read")
    container = container_of(pod, request.query.get("container", ""), target.name)
    tail, since, limit = (request.number(n) for n in ("tailLines", "sinceSeconds", "limitBytes"))
    for name, value, least in (("tailLines", tail, 0), ("sinceSeconds", since, 1), ("limitBytes", limit, 1)):
        if value is not None and value < least:
            raise BadRequest(f"{name}: Invalid value: {value}: must be greater than or equal to {least}")
    if since is not None and request.query.get("sinceTime"):
        raise BadRequest("at most one of `sinceTime` or `sinceSeconds` may be specified")
    follow = request.flag("follow")
    stream = await source.read(
        pod,
        container,
        previous=request.flag("previous"),
        follow=follow,
        tail_lines=tail,
        since_s=since,
        since=_since_time(request.query.get("sinceTime", "")),
        limit_bytes=limit,
        timestamps=request.flag("timestamps"),
    )
    return Answer(content_type="text/plain", stream=_pieces(stream))


def _since_time(text: str) -> float | None:
    """RFC 3339 → epoch s. BadRequest."""
    if not text:
        return None
    try:
        return epoch(text)
    except ValueError:
        raise BadRequest(f'sinceTime: Invalid value: "{text}": must be a time as of RFC 3339') from None


async def _pieces(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield b""  # headers go out even when there is no output yet
    async for piece in stream:
        yield piece


def container_of(pod: Json, wanted: str, name: str) -> str:
    """The container whose output is meant. BadRequest when that is not clear."""
    spec = pod.get("spec") or {}
    containers = [c["name"] for c in spec.get("containers") or ()]
    every = [*(c["name"] for c in spec.get("initContainers") or ()), *containers]
    if wanted:
        if wanted not in every:
            raise BadRequest(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(containers) == 1:
        return str(containers[0])
    default = annotations_of(pod).get(_DEFAULT, "")
    if default in every:
        return default
    told = f"a container name must be specified for pod {name}, choose one of: [{' '.join(containers)}]"
    inits = every[: len(every) - len(containers)]
    raise BadRequest(told + (f" or one of the init containers: [{' '.join(inits)}]" if inits else ""))
