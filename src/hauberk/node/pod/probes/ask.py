"""Asks one probe once: httpGet, tcpSocket, exec, grpc. Answers in the kubelet's words.

Source: kubernetes pkg/kubelet/prober/prober.go, runProbe; pkg/probe/{http,tcp,exec,grpc}.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hauberk.kinds.core.container import Container, HttpGet, Probe
from hauberk.node.pod.spec import named_port

from . import grpc_health
from .http1 import HttpError, get, said

Exec = Callable[[tuple[str, ...], float], Awaitable[tuple[int, bytes]]]
"""Runs a command in the container: (argv, timeout in seconds) → exit code and output. 124: timed out."""

TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer. `text` is what follows `… probe failed: `; `warning` what follows `… probe warning: `."""

    ok: bool
    text: str = ""
    warning: str = ""


async def ask(probe: Probe, container: Container, ip: str, timeout_s: float, run: Exec) -> Heard:
    """Ask once; every failure is an answer."""
    try:
        if probe.http_get is not None:
            return await ask_http(probe.http_get, container, ip, timeout_s)
        if probe.tcp_socket is not None:
            host = probe.tcp_socket.host or ip
            return await _tcp(host, named_port(container, probe.tcp_socket.port), timeout_s)
        if probe.grpc is not None:
            return Heard(*await grpc_health.check(ip, probe.grpc.port, probe.grpc.service, timeout_s))
        if probe.exec is not None:
            return await _exec(probe.exec.command, timeout_s, run)
    except ValueError as error:
        return Heard(False, str(error))
    return Heard(False, "missing probe handler")


def url_of(http: HttpGet, container: Container, ip: str) -> str:
    """The URL of an HTTP action. Raises ValueError for a port name that the container does not have."""
    scheme = (http.scheme or "HTTP").lower()
    path = http.path if http.path.startswith("/") else f"/{http.path}"
    return f"{scheme}://{http.host or ip}:{named_port(container, http.port)}{path}"


async def ask_http(http: HttpGet, container: Container, ip: str, timeout_s: float) -> Heard:
    """200 … 399 is success."""
    headers = [(h.name, h.value) for h in http.http_headers]
    try:
        answer = await get(url_of(http, container, ip), headers, timeout_s=timeout_s)
    except HttpError as error:
        return Heard(False, str(error))
    if 200 <= answer.status < 400:
        return Heard(True, warning=answer.warning)
    return Heard(False, f"HTTP probe failed with statuscode: {answer.status}")


async def _tcp(host: str, port: int, timeout_s: float) -> Heard:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Heard(False, f"dial tcp {host}:{port}: {said(error)}")
    writer.close()
    return Heard(True)


async def _exec(command: tuple[str, ...], timeout_s: float, run: Exec) -> Heard:
    code, output = await run(command, timeout_s)
    if code == 0:
        return Heard(True)
    if code == TIMED_OUT:
        return Heard(False, f'command timed out: "{" ".join(command)}" timed out after {timeout_s:g}s')
    return Heard(False, output.decode(errors="replace").strip())
