"""`pods/exec` and `pods/attach`: a command's streams between a client and a container.

Source: kubernetes pkg/registry/core/pod/rest/subresources.go, strategy.go (streamParams); kubelet
pkg/cri/streaming/remotecommand/{exec,attach}.go.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import orjson

from hauberk.apiserver.http import Answer, HttpRequest
from hauberk.apiserver.podlog import container_of
from hauberk.apiserver.streams.channels import Channels, SpdyChannels, WebSocketChannels
from hauberk.apiserver.streams.connection import Connection
from hauberk.apiserver.streams.upgrade import Upgrade, agreed, upgraded
from hauberk.apiserver.streams.websocket import WebSocket
from hauberk.base.apierrors import ApiError, BadRequest
from hauberk.base.refs import Json
from hauberk.ports import Command, Doors, Streams

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
_SUCCESS = {"metadata": {}, "status": "Success"}


async def run_command(request: HttpRequest, pod: Json, doors: Doors, *, attach: bool) -> Answer:
    """Serve one exec or attach until the command ends or the client goes. BadRequest."""
    name = pod["metadata"]["name"]
    container = container_of(pod, request.query.get("container", ""), name)
    streams = streams_of(request)
    argv = request.values("command")
    if not attach and not argv:
        raise BadRequest("you must specify at least 1 command for the container")
    upgrade = agreed(request, (V5, V4), (V4,))
    if (phase := (pod.get("status") or {}).get("phase")) in ("Succeeded", "Failed"):
        raise BadRequest(
            f"cannot exec in or attach to a container in a completed pod; current phase is {phase}"
        )
    if attach:
        command = await doors.attach(pod, container, streams)
    else:
        command = await doors.execute(pod, container, argv, streams)
    try:
        connection = await upgraded(request, upgrade)
        try:
            await _serve(connection, upgrade, streams, command)
        finally:
            connection.close()
    finally:
        command.close()
    return Answer(code=101)


def streams_of(request: HttpRequest) -> Streams:
    """Which streams the client wants. BadRequest. Pure."""
    tty = request.flag("tty")
    wanted = Streams(
        stdin=request.flag("stdin"),
        stdout=request.flag("stdout"),
        stderr=request.flag("stderr") and not tty,  # a terminal has one output
        tty=tty,
    )
    if not (wanted.stdin or wanted.stdout or wanted.stderr):
        raise BadRequest("you must specify at least 1 of stdin, stdout, stderr")
    return wanted


async def _serve(connection: Connection, upgrade: Upgrade, streams: Streams, command: Command) -> None:
    channels: Channels
    if upgrade.way == "websocket":
        channels = WebSocketChannels(WebSocket(connection), ends=upgrade.protocol == V5)
    else:
        spdy = channels = SpdyChannels(connection)
        names = ("stdin", "stdout", "stderr")
        wanted = [n for n in names if getattr(streams, n)] + ["error"] + (["resize"] if streams.tty else [])
        if not await spdy.open(wanted):
            return
    async with asyncio.TaskGroup() as group:
        output = group.create_task(_outputs(channels, streams, command))
        inputs = group.create_task(_inputs(channels, command))
        await asyncio.wait((output, inputs), return_when=asyncio.FIRST_COMPLETED)
        if not output.done():  # the client has gone
            output.cancel()
        inputs.cancel()


async def _inputs(channels: Channels, command: Command) -> None:
    async for one in channels.inputs():
        if one.name == "stdin":
            if one.payload:
                await command.write(one.payload)
            if one.end:
                command.end_input()
        elif one.name == "resize" and one.payload:
            for width, height in sizes(one.payload):
                command.resize(width, height)


def sizes(payload: bytes) -> list[tuple[int, int]]:
    """Terminal sizes: JSON objects one after another. Pure."""
    found = []
    for line in payload.replace(b"}", b"}\n").splitlines():
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            size = orjson.loads(line)
            found.append((int(size.get("Width", 0)), int(size.get("Height", 0))))
    return found


async def _outputs(channels: Channels, streams: Streams, command: Command) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            if streams.stdout:
                group.create_task(_copy(channels, "stdout", command))
            if streams.stderr:
                group.create_task(_copy(channels, "stderr", command))
        status = status_of(await command.wait())
    except* ApiError as errors:
        status = next(e.status() for e in errors.exceptions if isinstance(e, ApiError))
    await channels.send("error", orjson.dumps(status))
    await channels.finish()


async def _copy(channels: Channels, name: str, command: Command) -> None:
    while payload := await command.read(name):
        await channels.send(name, payload)


def status_of(code: int) -> dict[str, Any]:
    """How a command ended. Pure. Source: kubelet pkg/cri/streaming/remotecommand/exec.go, ServeExec."""
    if code == 0:
        return _SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
