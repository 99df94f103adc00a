"""A gRPC server without generated code: it shouts back, fails as asked, and answers health checks.

| method | kind             | answer                                  |
|--------|------------------|------------------------------------------|
| Say    | one to one       | the message in upper case                |
| Spell  | server streaming | a message for each byte                  |
| Gather | client streaming | all messages in one, when the last came  |
| Chat   | both             | each message in upper case, at once      |
| Fail   | one to one       | FAILED_PRECONDITION                      |
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent import futures

import grpc

SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}


def say(request: bytes, _: grpc.ServicerContext) -> bytes:
    """One answer."""
    return request.upper()


def spell(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    """A message for each byte, and how many there were in the trailers."""
    for number in request:
        yield bytes([number])
    context.set_trailing_metadata((("count", str(len(request))),))


def gather(requests: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    """All messages in one."""
    return b"".join(requests)


def chat(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    """An answer to each message, at once."""
    for request in requests:
        yield request.upper()


def fail(_: bytes, context: grpc.ServicerContext) -> bytes:
    """A status with words."""
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as asked")
    return b""


METHODS = {
    "/test.Echo/Say": grpc.unary_unary_rpc_method_handler(say),
    "/test.Echo/Spell": grpc.unary_stream_rpc_method_handler(spell),
    "/test.Echo/Gather": grpc.stream_unary_rpc_method_handler(gather),
    "/test.Echo/Chat": grpc.stream_stream_rpc_method_handler(chat),
    "/test.Echo/Fail": grpc.unary_unary_rpc_method_handler(fail),
    "/grpc.health.v1.Health/Check": grpc.unary_unary_rpc_method_handler(lambda _, __: SERVING),
}


class All(grpc.GenericRpcHandler):
    """Finds the method by its path."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        """The handler, or None: UNIMPLEMENTED."""
        return METHODS.get(details.method)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[All()])
    server.add_insecure_port(f"[::]:{os.environ.get('PORT', '8080')}")
    server.start()
    server.wait_for_termination()
