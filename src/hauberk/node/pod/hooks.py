"""Runs postStart and preStop hooks. Returns the event text of a failure, or nothing.

Source: kubernetes pkg/kubelet/lifecycle/handlers.go.
"""

from __future__ import annotations

import asyncio

from hauberk.kinds.core.container import Container, Handler
from hauberk.node.runtime import StartError

from .deps import Deps
from .model import RunHook
from .probes.ask import url_of
from .probes.http1 import HttpError, get
from .spec import Pod, named_port

LIFECYCLE_AGENT = "kube-lifecycle/1.32"


async def run_hook(
    deps: Deps, pod: Pod, container: Container, action: RunHook, *, ip: str, proxied: bool
) -> str:
    """Run one hook for at most its limit. The kubelet's words for a failure, or an empty text.

    Deviation: an exec hook of a proxy container is not run, because it speaks to a program that is not there;
    the event says so.
    """
    cycle = container.lifecycle
    handler = (cycle.post_start if action.kind == "postStart" else cycle.pre_stop) if cycle else None
    if handler is None:
        return ""
    if proxied and handler.exec is not None:
        command = " ".join(handler.exec.command)
        return f"{_word(action)}: exec hooks of proxy container {container.name} are not run: {command}"
    try:
        async with asyncio.timeout(action.limit_s):
            problem = await _handle(deps, pod, container, handler, action, ip)
    except TimeoutError:
        # The grace period is over: the end goes on without the hook, as upstream's does.
        return f"{_word(action)} did not complete within its time" if action.kind == "postStart" else ""
    return f"{_word(action)} failed: {problem}" if problem else ""


def _word(action: RunHook) -> str:
    return "PostStartHook" if action.kind == "postStart" else "PreStopHook"


async def _handle(
    deps: Deps, pod: Pod, container: Container, handler: Handler, action: RunHook, ip: str
) -> str:
    if handler.sleep is not None:
        await deps.clock.sleep(handler.sleep.seconds)
        return ""
    if handler.exec is not None:
        return await _exec(deps, pod, container, handler.exec.command, action.limit_s)
    try:
        if handler.http_get is not None:
            headers = [(h.name, h.value) for h in handler.http_get.http_headers]
            url = url_of(handler.http_get, container, ip)
            answer = await get(url, headers, timeout_s=action.limit_s, user_agent=LIFECYCLE_AGENT)
            return "" if 200 <= answer.status < 400 else f"HTTP status {answer.status} from {url}"
        if handler.tcp_socket is not None:
            host = handler.tcp_socket.host or ip
            _, writer = await asyncio.open_connection(host, named_port(container, handler.tcp_socket.port))
            writer.close()
    except (HttpError, OSError, ValueError) as error:
        return str(error)
    return ""


async def _exec(deps: Deps, pod: Pod, container: Container, argv: tuple[str, ...], limit_s: float) -> str:
    try:
        result = await deps.runtime.exec(pod.uid, container.name, argv, timeout_s=limit_s)
    except StartError as error:
        return error.message
    if result.code == 0:
        return ""
    said = result.output.decode(errors="replace").strip()
    return f"command '{' '.join(argv)}' exited with {result.code}: {said}"
