"""Uses time, processor and memory as asked: `?sleep=100&prime=10000&bloat=5`.

Source: knative docs code-samples/serving/autoscale-go/autoscale.go.
"""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from http_server import Request, Response, serve  # type: ignore[import-not-found]

_MIB = 1024 * 1024


def primes(limit: int) -> int:
    """The largest prime below `limit`, by the sieve of Eratosthenes."""
    sieve = bytearray(b"\1") * limit
    sieve[:2] = b"\0" * min(2, limit)
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return sieve.rfind(1)


def handle(request: Request) -> Response:
    """Do what the query asks for and report it, a line each."""
    asked: dict[str, int] = {}
    for part in request.query.split("&"):
        key, _, value = part.partition("=")
        if key in ("sleep", "prime", "bloat"):
            if not value.isdigit():
                return Response(f"{key} is not a number: {value}\n".encode(), 400)
            asked[key] = int(value)
    lines = []
    started = time.monotonic()
    if asked.get("bloat"):
        bytearray(b"\1") * (asked["bloat"] * _MIB)
        lines.append(f"Allocated {asked['bloat']} Mb of memory.\n")
    if asked.get("prime"):
        found = primes(asked["prime"])
        lines.append(
            f"The largest prime less than {asked['prime']} is {found}.\n"
            if found > 0
            else f"There are no primes smaller than {asked['prime']}.\n"
        )
    delay = asked.get("sleep", 0) / 1000
    if delay:
        lines.append(f"Slept for {delay * 1000:.2f} milliseconds.\n")
    used = time.monotonic() - started
    return Response("".join(lines).encode() or b"\n", delay_s=max(0.0, delay - used))


if __name__ == "__main__":
    serve(handle)
