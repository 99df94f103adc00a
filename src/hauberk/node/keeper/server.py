"""run/keeper.sock: a JSON object per line. A request has `id` and `op`; its answer `id` and `ok` or `error`.

Clients that subscribed are sent `{"event": "exit", ...}` lines, first those that nobody acknowledged yet.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from typing import Any

from hauberk.node.keeper import spawn
from hauberk.node.keeper.loop import Loop, say
from hauberk.node.keeper.network import Network
from hauberk.node.keeper.pods import Answer, Pods, Reply

PROTOCOL = 1
_NFT_TIMEOUT_S = 10.0
_MOST_FDS = 8


class Client:
    """One connection."""

    def __init__(self, sock: socket.socket, server: Server) -> None:
        self._sock, self._server = sock, server
        self._rest = b""
        self._fds: list[int] = []
        self.subscribed = False

    def readable(self) -> None:
        """Take what arrived and serve each whole line."""
        try:
            data, fds, _, _ = socket.recv_fds(self._sock, 1 << 18, _MOST_FDS, socket.MSG_CMSG_CLOEXEC)
        except OSError:
            data, fds = b"", []
        self._fds += fds
        if not data:
            self._server.drop(self)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._serve(line)

    def send(self, row: Answer) -> None:
        """Send a line; a client that is gone or does not read for a second is dropped."""
        try:
            self._sock.sendall(json.dumps(row, separators=(",", ":")).encode() + b"\n")
        except OSError:
            self._server.drop(self)

    def take_fds(self) -> list[int]:
        """The descriptors that came along. The taker closes them."""
        fds, self._fds = self._fds, []
        return fds

    def send_fd(self, row: Answer, fd: int) -> None:
        """Send a line, and a descriptor with it."""
        try:
            socket.send_fds(self._sock, [json.dumps(row, separators=(",", ":")).encode() + b"\n"], [fd])
        except OSError:
            self._server.drop(self)

    def close(self) -> None:
        """Close the connection, and what came along and nobody took."""
        self._sock.close()
        for fd in self.take_fds():
            os.close(fd)

    def fileno(self) -> int:
        """For the selector."""
        return self._sock.fileno()

    def _serve(self, line: bytes) -> None:
        try:
            request = json.loads(line)
            number = request.get("id")
        except (ValueError, AttributeError):
            say("a client does not speak the protocol")
            self._server.drop(self)
            return

        def reply(answer: Answer) -> None:
            if number is not None:
                self.send({"id": number, **answer})

        try:
            self._server.ops[request["op"]](self, request, reply)
        except spawn.Refused as no:
            reply({"error": {"reason": no.reason, "message": no.message, "code": no.code}})
        except (OSError, KeyError, TypeError) as error:
            reply(
                {
                    "error": {
                        "reason": "KeeperError",
                        "message": f"{type(error).__name__}: {error}",
                        "code": 128,
                    }
                }
            )


class Server:
    """Listens, and maps each `op` to what it does."""

    def __init__(
        self,
        loop: Loop,
        network: Network,
        pods: Pods,
        nft: str,
        set_dns: Callable[[Answer], None],
    ) -> None:
        self._loop, self._network, self._pods, self._nft = loop, network, pods, nft
        self._set_dns = set_dns
        self._clients: set[Client] = set()
        pods.on_exit = self._exited
        self.ops: dict[str, Callable[[Client, Any, Reply], None]] = {
            "hello": lambda _c, _r, reply: reply({"ok": {"protocol": PROTOCOL}}),
            "sandbox": self._sandbox,
            "sandboxes": self._sandboxes,
            "claim": lambda _c, r, reply: reply({"ok": pods.claim(r["spare"], r["uid"], r["log"])}),
            "remove_sandbox": lambda _c, r, reply: pods.remove(r["uid"], reply),
            "start": lambda _c, r, reply: pods.start(r["spec"], reply),
            "signal": self._signal,
            "exec": lambda _c, r, reply: pods.execute(r, reply),
            "stream": self._stream,
            "socket": self._socket,
            "nft": self._run_nft,
            "running": self._running,
            "subscribe": self._subscribe,
            "ack": lambda _c, r, _reply: pods.acknowledge(r["seq"]),
            "dns": self._dns,
        }

    def listen(self, path: str) -> None:
        """Listen on a unix socket that only this user may use."""
        if os.path.exists(path):
            os.unlink(path)
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(path)
        os.chmod(path, 0o600)
        self._door.listen(16)
        self._loop.read(self._door, self._accept)

    def drop(self, client: Client) -> None:
        """Forget a connection."""
        if client in self._clients:
            self._clients.discard(client)
            self._loop.forget(client)
            client.close()

    def _accept(self) -> None:
        sock, _ = self._door.accept()
        sock.settimeout(1.0)
        client = Client(sock, self)
        self._clients.add(client)
        self._loop.read(client, client.readable)

    def _exited(self, row: Answer) -> None:
        for client in [c for c in self._clients if c.subscribed]:
            client.send(row)

    def _sandbox(self, _client: Client, request: Answer, reply: Reply) -> None:
        reply({"ok": {"ip": self._network.add(request["uid"], request.get("ip")).ip}})

    def _sandboxes(self, _client: Client, _request: Answer, reply: Reply) -> None:
        reply({"ok": {uid: s.ip for uid, s in self._network.sandboxes.items()}})

    def _dns(self, _client: Client, request: Answer, reply: Reply) -> None:
        self._set_dns(request["table"])
        reply({"ok": {}})

    def _signal(self, _client: Client, request: Answer, reply: Reply) -> None:
        self._pods.signal(request["uid"], request["name"], request["signal"])
        reply({"ok": {}})

    def _stream(self, client: Client, request: Answer, reply: Reply) -> None:
        fds = client.take_fds()
        try:
            if len(fds) != (1 if request["tty"] else 3):
                raise spawn.Refused("KeeperError", "the descriptors of the command's streams are missing")
            self._pods.stream(request, fds, reply, client.send)
        finally:
            for fd in fds:
                os.close(fd)

    def _socket(self, client: Client, request: Answer, _reply: Reply) -> None:
        family = socket.AF_INET6 if request["v6"] else socket.AF_INET
        with self._pods.socket_in(request["uid"], family) as made:
            client.send_fd({"id": request["id"], "ok": {}}, made.fileno())

    def _running(self, _client: Client, _request: Answer, reply: Reply) -> None:
        reply({"ok": [p.as_json() for p in self._pods.procs.values()]})

    def _subscribe(self, client: Client, _request: Answer, reply: Reply) -> None:
        reply({"ok": {}})
        client.subscribed = True
        for row in list(self._pods.exits):
            client.send(row)

    def _run_nft(self, _client: Client, request: Answer, reply: Reply) -> None:
        netns = None
        if request.get("uid"):
            sandbox = self._network.sandboxes.get(request["uid"])
            if sandbox is None:
                raise spawn.Refused("CreatePodSandboxError", "the pod has no sandbox")
            netns = sandbox.fd

        def finish(answer: Answer) -> None:
            done = answer.get("ok")
            if done and done["code"]:
                say(f"nft refused rules: {done['output'][:500]}")
                answer = {
                    "error": {"reason": "NftFailed", "message": done["output"][:2000], "code": done["code"]}
                }
            reply(answer)

        started = spawn.run_in(netns, [self._nft, "-f", "-"], request["script"])
        self._pods.collect(started, finish, timeout_s=_NFT_TIMEOUT_S, limit=4000)
