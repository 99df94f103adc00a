"""From an HTTP request to streams: which way the client wants, and the answer 101.

Source: apimachinery pkg/util/httpstream (spdy/upgrade.go, NegotiateProtocol), apiserver
pkg/endpoints/responsewriter; kubelet pkg/cri/streaming/{remotecommand,portforward}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hauberk.apiserver.http import SEVERAL, HttpRequest, NotBuilt
from hauberk.apiserver.streams.connection import Connection
from hauberk.apiserver.streams.websocket import accept_of
from hauberk.base.apierrors import BadRequest, Forbidden

Way = Literal["websocket", "spdy"]


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was agreed upon: the way, and the protocol of the streams."""

    way: Way
    protocol: str
    key: str = ""  # of a WebSocket

    def answer(self) -> bytes:
        """The response that ends HTTP."""
        if self.way == "spdy":
            rows = ("Upgrade: SPDY/3.1", f"X-Stream-Protocol-Version: {self.protocol}")
        else:
            chosen = (f"Sec-WebSocket-Protocol: {self.protocol}",) if self.protocol else ()
            rows = ("Upgrade: websocket", f"Sec-WebSocket-Accept: {accept_of(self.key)}", *chosen)
        head = ("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", *rows, "", "")
        return "\r\n".join(head).encode()


def agreed(request: HttpRequest, websocket: tuple[str, ...], spdy: tuple[str, ...]) -> Upgrade:
    """The first protocol that the client offers and that is served. BadRequest, Forbidden. Pure."""
    wanted = request.headers.get("upgrade", "").lower()
    if wanted == "websocket":
        offered = _listed(request.headers.get("sec-websocket-protocol", ""))
        chosen = next((p for p in offered if p in websocket), None)
        key = request.headers.get("sec-websocket-key", "")
        if chosen is None or not key:
            raise BadRequest(f"unable to upgrade: the WebSocket protocols served are {', '.join(websocket)}")
        return Upgrade("websocket", chosen, key)
    if wanted.startswith("spdy/3.1"):
        offered = _listed(request.headers.get("x-stream-protocol-version", ""))
        chosen = next((p for p in offered if p in spdy), None)
        if chosen is None:
            raise Forbidden(
                f"unable to upgrade: unable to negotiate protocol: client supports {offered}, "
                f"server accepts {list(spdy)}"
            )
        return Upgrade("spdy", chosen)
    raise BadRequest("Upgrade request required")


def _listed(text: str) -> list[str]:
    return [part.strip() for line in text.split(SEVERAL) for part in line.split(",") if part.strip()]


async def upgraded(request: HttpRequest, upgrade: Upgrade) -> Connection:
    """Take the connection and answer 101. NotBuilt where the server cannot give it away."""
    if request.take is None:
        raise NotBuilt("this server does not give its connections away")
    connection = request.take()
    await connection.write(upgrade.answer())
    return connection
