"""The node's DNS on 172.30.0.10:53, UDP and TCP, from the table that the keeper tells. A child of the keeper.

Names outlive the control plane this way: the table stays until another one comes.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
from collections.abc import Callable

from hauberk.node.dns import wire

PORT = 53
_TCP_IDLE_S = 5.0
_TCP_CONNECTIONS = 64
_LENGTH = struct.Struct(">I")
_EMPTY: wire.Zone = {"a": {}, "cname": {}, "srv": {}, "ptr": {}, "parents": frozenset()}


def message(table: wire.Zone) -> bytes:
    """A table as it goes over the keeper's socket."""
    text = json.dumps(table, separators=(",", ":")).encode()
    return _LENGTH.pack(len(text)) + text


def with_parents(table: wire.Zone) -> wire.Zone:
    """The table with the names that exist only because something below them does: they are not NXDOMAIN."""
    parents = set()
    for name in (*table["a"], *table["cname"], *table["srv"]):
        while (name := name.partition(".")[2]) and name not in parents:
            parents.add(name)
    return {**table, "parents": frozenset(parents)}


class _Server:
    def __init__(self, control: socket.socket, udp: socket.socket, tcp: socket.socket) -> None:
        self.zone = _EMPTY
        self.turn = 0
        self._control = control
        self._told = b""
        self._outside_said = False
        self.udp, self.tcp = udp, tcp
        self.poll = select.epoll()
        self.calls: dict[int, Callable[[], None]] = {}
        self.connections: dict[int, socket.socket] = {}
        self._watch(control, self._hear)
        self._watch(self.udp, self._datagram)
        self._watch(self.tcp, self._accept)
        self.over = False

    def _watch(self, sock: socket.socket, call: Callable[[], None]) -> None:
        self.calls[sock.fileno()] = call
        self.poll.register(sock.fileno(), select.EPOLLIN)

    def run(self) -> None:
        while not self.over:
            for fd, _ in self.poll.poll():
                if fd in self.calls:
                    self.calls[fd]()

    def answer(self, query: bytes, limit: int) -> bytes | None:
        self.turn += 1
        reply = wire.answer(query, self.zone, turn=self.turn, limit=limit)
        if reply and not self._outside_said and reply[3] & 0xF == wire.SERVFAIL:
            self._outside_said = True
            name, _ = wire.decode_name(query, 12)
            os.write(2, f"dns: {name!r} is outside {wire.ZONE} and pods have no way out: SERVFAIL\n".encode())
        return reply

    def _hear(self) -> None:
        data = self._control.recv(1 << 18)
        if not data:
            self.over = True
            return
        self._told += data
        while len(self._told) >= _LENGTH.size:
            size = _LENGTH.unpack_from(self._told)[0] + _LENGTH.size
            if len(self._told) < size:
                return
            self.zone = with_parents(json.loads(self._told[_LENGTH.size : size]))
            self._told = self._told[size:]

    def _datagram(self) -> None:
        for _ in range(64):
            try:
                query, client = self.udp.recvfrom(4096)
                reply = self.answer(query, wire.UDP_BYTES)
                if reply:
                    self.udp.sendto(reply, client)
            except OSError:
                return

    def _accept(self) -> None:
        try:
            sock, _ = self.tcp.accept()
        except OSError:
            return
        if len(self.connections) >= _TCP_CONNECTIONS:
            self._hang_up(next(iter(self.connections.values())))
        sock.settimeout(_TCP_IDLE_S)
        self.connections[sock.fileno()] = sock
        rest = bytearray()
        self._watch(sock, lambda: self._stream(sock, rest))

    def _stream(self, sock: socket.socket, rest: bytearray) -> None:
        try:
            data = sock.recv(4096)
            rest += data
            while len(rest) >= 2 and len(rest) >= 2 + int.from_bytes(rest[:2], "big"):
                size = 2 + int.from_bytes(rest[:2], "big")
                reply = self.answer(bytes(rest[2:size]), 0xFFFF)
                del rest[:size]
                if reply:
                    sock.sendall(len(reply).to_bytes(2, "big") + reply)
        except OSError:
            data = b""
        if not data:
            self._hang_up(sock)

    def _hang_up(self, sock: socket.socket) -> None:
        self.poll.unregister(sock.fileno())
        self.calls.pop(sock.fileno(), None)
        self.connections.pop(sock.fileno(), None)
        sock.close()


def bind(address: str, port: int = PORT) -> tuple[socket.socket, socket.socket]:
    """The UDP and TCP sockets. The keeper holds them: a query waits while the server restarts."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    for sock in (udp, tcp):
        sock.bind((address, port))
        sock.setblocking(False)
    tcp.listen(16)
    return udp, tcp


def serve(control: socket.socket, udp: socket.socket, tcp: socket.socket) -> None:
    """Answer until the keeper closes `control`."""
    _Server(control, udp, tcp).run()
