"""grpc.health.v1.Health/Check, as a probe asks it. Its two messages have one field each."""

from __future__ import annotations

from typing import Any

import grpc

from .http1 import USER_AGENT

_METHOD = "/grpc.health.v1.Health/Check"
_SERVING = 1


def encode_request(service: str) -> bytes:
    """HealthCheckRequest: field 1, the service's name."""
    name = service.encode()
    return b"" if not name else b"\x0a" + _varint(len(name)) + name


def decode_status(data: bytes) -> int:
    """HealthCheckResponse: field 1, the status; 0 (unknown) when absent or unreadable."""
    return data[1] if len(data) >= 2 and data[0] == 0x08 else 0


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


async def check(host: str, port: int, service: str, timeout_s: float) -> tuple[bool, str]:
    """Whether the service says SERVING, and what the kubelet says otherwise.

    Source: kubernetes pkg/probe/grpc/grpc.go, Probe.
    """
    options = [("grpc.primary_user_agent", USER_AGENT), ("grpc.enable_http_proxy", 0)]
    async with grpc.aio.insecure_channel(f"{host}:{port}", options=options) as channel:
        call: Any = channel.unary_unary(_METHOD)
        try:
            answer: bytes = await call(encode_request(service), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            return False, _failure(error, host, port, timeout_s)
    if decode_status(answer) == _SERVING:
        return True, ""
    return False, f'service unhealthy (responded with "{_name(decode_status(answer))}")'


def _name(status: int) -> str:
    return {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}.get(status, str(status))


def _failure(error: grpc.aio.AioRpcError, host: str, port: int, timeout_s: float) -> str:
    code = error.code()
    if code == grpc.StatusCode.UNIMPLEMENTED:
        return "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
    if code == grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"timeout: health rpc did not complete within {timeout_s:g}s"
    if code == grpc.StatusCode.UNAVAILABLE:
        return f'timeout: failed to connect service "{host}:{port}" within {timeout_s:g}s'
    return f"health rpc failed: {error.details()}"
