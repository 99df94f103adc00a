"""The streams of one command, whichever way they come: stdin, stdout, stderr, error and resize.

| way                         | a stream is                                    | its end is            |
|-----------------------------|------------------------------------------------|-----------------------|
| WebSocket v4.channel.k8s.io | messages that begin with its number            | the end of all        |
| WebSocket v5.channel.k8s.io | the same                                       | a message 255, NUMBER |
| SPDY v4.channel.k8s.io      | a stream whose header `streamType` is its name | FIN                   |

Source: client-go tools/remotecommand/{v4,v5}.go; apimachinery pkg/util/remotecommand/constants.go;
kubelet pkg/cri/streaming/remotecommand/{websocket,httpstream}.go.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Protocol

from hauberk.apiserver.streams.connection import Connection
from hauberk.apiserver.streams.spdy import BadSpdy, Data, Event, GoAway, Opened, Ping, Reset, Spdy, data, ping
from hauberk.apiserver.streams.websocket import WebSocket

NAMES = ("stdin", "stdout", "stderr", "error", "resize")
_END = 255


@dataclass(frozen=True, slots=True)
class Input:
    """What the client sent on a stream; `end`: nothing more comes on it."""

    name: str
    payload: bytes = b""
    end: bool = False


class Channels(Protocol):
    """The streams of one command."""

    def inputs(self) -> AsyncIterator[Input]:
        """What the client sends, until it is gone."""

    async def send(self, name: str, payload: bytes) -> None:
        """Send on a stream."""

    async def finish(self) -> None:
        """End every stream, then the connection."""


class WebSocketChannels:
    """Streams by the first byte of each message."""

    def __init__(self, socket: WebSocket, *, ends: bool) -> None:
        """`ends`: the client can end one stream (v5)."""
        self._socket, self._ends = socket, ends

    async def inputs(self) -> AsyncIterator[Input]:
        """What the client sends, until it is gone."""
        while (message := await self._socket.receive()) is not None:
            if not message:
                continue
            number, payload = message[0], message[1:]
            if number == _END and self._ends and payload and payload[0] < len(NAMES):
                yield Input(NAMES[payload[0]], end=True)
            elif number < len(NAMES):
                yield Input(NAMES[number], payload)

    async def send(self, name: str, payload: bytes) -> None:
        """Send on a stream."""
        await self._socket.send(bytes((NAMES.index(name),)) + payload)

    async def finish(self) -> None:
        """End the WebSocket."""
        await self._socket.close()


class SpdyChannels:
    """Streams that the client opened, by the name in their headers."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._spdy = connection, Spdy()
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._early: list[Input] = []

    async def open(self, names: Collection[str]) -> bool:
        """Wait until all of these streams are open; False when the client goes before."""
        while not set(names) <= set(self._numbers):
            events = await self._events()
            if events is None:
                return False
            for event in events:
                self._early += await self._take(event)
        return True

    async def inputs(self) -> AsyncIterator[Input]:
        """What the client sends, until it is gone."""
        while True:
            early, self._early = self._early, []
            for one in early:
                yield one
            events = await self._events()
            if events is None:
                return
            for event in events:
                if isinstance(event, GoAway):
                    return
                for one in await self._take(event):
                    yield one

    async def _events(self) -> list[Event] | None:
        received = await self._connection.read()
        if not received:
            return None
        try:
            return self._spdy.feed(received)
        except BadSpdy:
            return None

    async def _take(self, event: Event) -> list[Input]:
        match event:
            case Opened(stream, headers, fin):
                name = headers.get("streamtype", "")
                self._numbers[name], self._names[stream] = stream, name
                await self._connection.write(self._spdy.reply(stream))
                return [Input(name, end=True)] if fin else []
            case Data(stream, payload, fin) if stream in self._names:
                name = self._names[stream]
                found = [Input(name, payload)] if payload else []
                return [*found, Input(name, end=True)] if fin else found
            case Reset(stream) if stream in self._names:
                return [Input(self._names[stream], end=True)]
            case Ping(number):
                await self._connection.write(ping(number))
            case _:
                pass
        return []

    async def send(self, name: str, payload: bytes) -> None:
        """Send on a stream, if the client opened it."""
        if name in self._numbers:
            await self._connection.write(data(self._numbers[name], payload))

    async def finish(self) -> None:
        """End every stream that the client reads."""
        for name in ("stdout", "stderr", "error"):
            if name in self._numbers:
                await self._connection.write(data(self._numbers[name], b"", fin=True))
