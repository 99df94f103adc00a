"""The inside half: pid 1 of the pod network. Keeps the control plane running, serves `keeper.sock`."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import time
from typing import Any

from hauberk.node.dns import server as dns
from hauberk.node.keeper import linux, logpump
from hauberk.node.keeper.helpers import Helper
from hauberk.node.keeper.loop import Loop, Supervised, say, start_program
from hauberk.node.keeper.network import DNS, Network
from hauberk.node.keeper.pods import Pods
from hauberk.node.keeper.server import Server

Spec = dict[str, Any]
_TICK_S = 0.02
_STOP_S = 5.0


class Inside:
    """Everything that the inside half owns."""

    def __init__(self, spec: Spec, outer: socket.socket, nft: str) -> None:
        self._spec, self._outer = spec, outer
        self._loop = Loop()
        self._network = Network(spec["run"])
        self._table: Any = None
        self._dns: Helper | None = None
        self._pump = Helper(self._loop, "logs", logpump.serve, self._tell_pump, socket.SOCK_SEQPACKET)
        self._pods = Pods(self._loop, self._network, lambda: self._pump.socket)
        self._server = Server(self._loop, self._network, self._pods, nft, self._set_dns)
        self._control_plane = (
            Supervised(self._loop, "control plane", self._start_control_plane)
            if spec.get("control_plane")
            else None
        )
        self._deadline = 0.0

    def run(self) -> None:
        """Set up, report, serve until stopped."""
        self._network.up()
        self._pump.start()
        udp, tcp = dns.bind(DNS)
        self._dns = Helper(
            self._loop,
            "dns",
            lambda sock: dns.serve(sock, udp, tcp),
            self._tell_dns,
            keep=(udp.fileno(), tcp.fileno()),
        )
        self._dns.start()
        self._server.listen(f"{self._spec['run']}/keeper.sock")
        self._loop.read(self._outer, self._outer_spoke)
        self._loop.signal(signal.SIGTERM, self._stop)
        self._loop.signal(signal.SIGINT, lambda: None)  # the terminal's: the outside half decides
        if self._control_plane:
            self._control_plane.start()
        self._outer.sendall(json.dumps({"ready": True}).encode())
        self._loop.run()

    def _start_control_plane(self) -> int:
        log = f"{self._spec['logs']}/control-plane.log"
        return start_program(self._spec["control_plane"], dict(os.environ), log)

    def _tell_dns(self, sock: socket.socket) -> None:
        if self._table is not None:
            sock.settimeout(2.0)
            sock.sendall(dns.message(self._table))

    def _set_dns(self, table: Any) -> None:
        self._table = table
        if self._dns is not None and self._dns.socket is not None:
            self._tell_dns(self._dns.socket)

    def _tell_pump(self, sock: socket.socket) -> None:
        sock.settimeout(2.0)
        for proc in list(self._pods.procs.values()):
            socket.send_fds(sock, [proc.log.encode()], proc.pipes)

    def _outer_spoke(self) -> None:
        if not self._outer.recv(4096):
            say("the outside half is gone")
            self._loop.stop()

    def _stop(self) -> None:
        """Control plane, then pods, then the keeper itself."""
        if self._deadline:
            return
        self._deadline = time.monotonic() + self._spec.get("stop_s", _STOP_S)
        if self._control_plane:
            self._control_plane.stop()
        self._wait_control_plane()

    def _wait_control_plane(self) -> None:
        half = self._deadline - self._spec.get("stop_s", _STOP_S) / 2
        if self._control_plane and self._alive(self._control_plane.pid) and time.monotonic() < half:
            self._loop.later(_TICK_S, self._wait_control_plane)
            return
        if self._control_plane and self._alive(self._control_plane.pid):
            say("the control plane does not end; the pods are ended without it")
        for proc in self._pods.procs.values():
            os.kill(proc.pid, _end_of(proc.pid))
        self._wait_pods()

    def _wait_pods(self) -> None:
        if self._pods.procs and time.monotonic() < self._deadline:
            self._loop.later(_TICK_S, self._wait_pods)
            return
        for proc in self._pods.procs.values():
            say(f"{proc.name} of pod {proc.uid} does not end by itself")
        self._loop.stop()

    def _alive(self, pid: int) -> bool:
        return pid in self._loop.on_child


def _end_of(pid: int) -> signal.Signals:
    """SIGTERM, unless it would be lost: then waiting for the process would be in vain."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return signal.SIGKILL if linux.is_deaf(file.read(), signal.SIGTERM) else signal.SIGTERM
    except OSError:
        return signal.SIGTERM  # it has ended


def become(spec: Spec, outer: socket.socket, nft: str) -> None:
    """Run as pid 1 of fresh namespaces; returns when the cluster has been stopped."""
    linux.die_with_parent()
    linux.set_process_name("hauberk-inside")
    linux.mount("none", "/", "", linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("proc", "/proc", "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.sethostname("hauberk")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Inside(spec, outer, nft).run()
