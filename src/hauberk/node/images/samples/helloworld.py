"""Says `Hello ${TARGET}!` over HTTP/1.1 and h2c. Source: knative docs code-samples serving/hello-world."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from http_server import Request, Response, serve  # type: ignore[import-not-found]

_BODY = f"Hello {os.environ.get('TARGET') or 'World'}!\n".encode()


def handle(_request: Request) -> Response:
    """The same answer to every request."""
    return Response(_BODY)


if __name__ == "__main__":
    serve(handle)
