"""`pods/portforward`: connections to ports of a pod.

| way                                               | a connection is                                  |
|---------------------------------------------------|--------------------------------------------------|
| SPDY `portforward.k8s.io`                         | two streams of one `requestID`: `error`, `data`  |
| the same within WebSocket `SPDY/3.1+portforward…` | the same                                         |
| WebSocket `v4.channel.k8s.io`                     | for each of `ports` channels 2i, data, and 2i+1  |

Source: kubelet pkg/cri/streaming/portforward/{httpstream,websocket}.go; KEP-4006.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hauberk.apiserver.http import Answer, HttpRequest
from hauberk.apiserver.streams.connection import Connection
from hauberk.apiserver.streams.spdy import BadSpdy, Data, Event, GoAway, Opened, Ping, Reset, Spdy, data, ping
from hauberk.apiserver.streams.upgrade import agreed, upgraded
from hauberk.apiserver.streams.websocket import Tunnel, WebSocket
from hauberk.base.apierrors import ApiError, BadRequest
from hauberk.base.refs import Json
from hauberk.ports import Doors, Pipe

PORT_FORWARD = "portforward.k8s.io"
TUNNEL = f"SPDY/3.1+{PORT_FORWARD}"
V4 = "v4.channel.k8s.io"


async def forward_ports(request: HttpRequest, pod: Json, doors: Doors) -> Answer:
    """Serve one session until the client goes. BadRequest."""
    upgrade = agreed(request, (TUNNEL, V4), (PORT_FORWARD,))
    phase = (pod.get("status") or {}).get("phase")
    if phase != "Running":
        raise BadRequest(f"unable to forward port because pod is not running. Current status={phase}")
    ports = [_port(p) for text in request.values("ports") for p in text.split(",")]
    if upgrade.protocol == V4 and not ports:
        raise BadRequest("query parameter `ports` is required")
    connection = await upgraded(request, upgrade)
    try:
        if upgrade.way == "spdy":
            await _Session(connection, pod, doors).run()
            return Answer(code=101)
        socket = WebSocket(connection)
        if upgrade.protocol == TUNNEL:
            await _Session(Tunnel(socket), pod, doors).run()
        else:
            await _plain(socket, pod, doors, ports)
        await socket.close()
    finally:
        connection.close()
    return Answer(code=101)


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = 0
    if not 0 < port < 1 << 16:
        raise BadRequest(f"invalid port {text!r}")
    return port


def failed(pod: Json, port: int, why: object) -> str:
    """What a client is told about a port that cannot be reached. Pure."""
    meta = pod["metadata"]
    return f"error forwarding port {port} to pod {meta['name']}, uid {meta['uid']}: {why}"


@dataclass
class _Pair:
    """One connection: its two streams, and what the client has sent on them so far."""

    port: int
    data: int = 0
    error: int = 0
    arrived: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(64))


class _Session:
    """Connections over one SPDY session."""

    def __init__(self, connection: Connection, pod: Json, doors: Doors) -> None:
        self._connection, self._pod, self._doors = connection, pod, doors
        self._spdy = Spdy()
        self._pairs: dict[str, _Pair] = {}  # by requestID
        self._streams: dict[int, _Pair] = {}  # by data stream

    async def run(self) -> None:
        """Serve until the client goes; what is still connected then is cut."""
        async with asyncio.TaskGroup() as group:
            carried: list[asyncio.Task[None]] = []
            while (events := await self._events()) is not None:
                for event in events:
                    pair = await self._take(event)
                    if pair is not None:
                        carried.append(group.create_task(self._carry(pair)))
            for task in carried:
                task.cancel()

    async def _events(self) -> list[Event] | None:
        received = await self._connection.read()
        if not received:
            return None
        try:
            events = self._spdy.feed(received)
        except BadSpdy:
            return None
        return None if any(isinstance(event, GoAway) for event in events) else events

    async def _take(self, event: Event) -> _Pair | None:
        """Do what an event asks for; returns a connection that is complete now."""
        match event:
            case Opened(stream, headers, _):
                await self._connection.write(self._spdy.reply(stream))
                return self._opened(stream, headers.get("streamtype", ""), headers)
            case Data(stream, payload, fin) if stream in self._streams:
                pair = self._streams[stream]
                if payload:
                    await pair.arrived.put(payload)
                if fin:
                    await pair.arrived.put(b"")
            case Reset(stream) if stream in self._streams:
                await self._streams[stream].arrived.put(b"")
            case Ping(number):
                await self._connection.write(ping(number))
            case _:
                pass
        return None

    def _opened(self, stream: int, kind: str, headers: Mapping[str, str]) -> _Pair | None:
        key = headers.get("requestid", "") or headers.get("port", "")
        port = headers.get("port", "0")
        pair = self._pairs.setdefault(key, _Pair(int(port) if port.isdigit() else 0))
        if kind == "error":
            pair.error = stream
        elif kind == "data":
            pair.data = stream
            self._streams[stream] = pair
        return self._pairs.pop(key) if pair.data and pair.error else None

    async def _carry(self, pair: _Pair) -> None:
        """Carry one connection to its end, then end its streams."""
        write = self._connection.write
        try:
            pipe = await self._doors.dial(self._pod, pair.port)
        except (ApiError, OSError) as error:
            await write(data(pair.error, failed(self._pod, pair.port, error).encode()))
        else:
            await _both_ways(pair, pipe, lambda payload: write(data(pair.data, payload)))
        await write(data(pair.data, b"", fin=True))
        await write(data(pair.error, b"", fin=True))
        self._streams.pop(pair.data, None)


async def _both_ways(pair: _Pair, pipe: Pipe, send: Callable[[bytes], Awaitable[None]]) -> None:
    """Carry until the pod has ended its half."""
    async with asyncio.TaskGroup() as group:
        into = group.create_task(_into(pair, pipe))
        with contextlib.suppress(OSError):
            while payload := await pipe.read():
                await send(payload)
        into.cancel()
    pipe.close()


async def _into(pair: _Pair, pipe: Pipe) -> None:
    with contextlib.suppress(OSError):
        while payload := await pair.arrived.get():
            await pipe.write(payload)
        pipe.end_input()


async def _plain(socket: WebSocket, pod: Json, doors: Doors, ports: Sequence[int]) -> None:
    """One connection for each port, each with two numbered channels."""
    pairs = [_Pair(port, 2 * i, 2 * i + 1) for i, port in enumerate(ports)]
    for pair in pairs:
        for number in (pair.data, pair.error):
            await socket.send(bytes((number,)) + struct.pack("<H", pair.port))
    async with asyncio.TaskGroup() as group:
        carried = [group.create_task(_plain_one(socket, pod, doors, pair)) for pair in pairs]
        while (message := await socket.receive()) is not None:
            number = message[0] if message else 1
            if not number % 2 and number // 2 < len(pairs) and len(message) > 1:
                await pairs[number // 2].arrived.put(message[1:])
        for task in carried:
            task.cancel()


async def _plain_one(socket: WebSocket, pod: Json, doors: Doors, pair: _Pair) -> None:
    try:
        pipe = await doors.dial(pod, pair.port)
    except (ApiError, OSError) as error:
        await socket.send(bytes((pair.error,)) + failed(pod, pair.port, error).encode())
        return
    await _both_ways(pair, pipe, lambda payload: socket.send(bytes((pair.data,)) + payload))
    await socket.close()
