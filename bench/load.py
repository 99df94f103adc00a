"""Load on one URL by `wrk`, which names the host in SNI as a client of the mesh does."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Each connection asks, waits for the answer, and pauses at random: with equal pauses all of them would go on
# asking in the same moment, as they began. `done` says what the command line does not.
_PACED = """
math.randomseed(7)
function delay() return math.random(0, 2 * {pause_ms}) end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %.3f\\n", summary.requests,
    e.connect + e.read + e.write + e.status + e.timeout, summary.duration, latency:percentile(95) / 1000))
end
"""


@dataclass(frozen=True, slots=True)
class Paced:
    """What a paced run saw."""

    requests: int
    errors: int
    per_s: float
    p95_ms: float


def requests_per_s(host: str, port: int, *, seconds: int, connections: int = 16) -> float:
    """Requests per second over keep-alive TLS connections. Raises RuntimeError when any failed."""
    said = _wrk(host, port, "-t1", f"-c{connections}", f"-d{seconds}s", seconds=seconds)
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    if found is None:
        raise RuntimeError(said)
    return float(found[1])


def paced(host: str, port: int, *, rate: int, takes_ms: int, seconds: int) -> Paced:
    """About `rate` requests per second to a backend of `takes_ms`: connections pause as long on average."""
    connections = rate * 2 * takes_ms // 1000
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_PACED.replace("{pause_ms}", str(takes_ms)))
        script.flush()
        words = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", script.name)
        said = _wrk(host, port, *words, seconds=seconds)
    found = re.search(r"RESULT (\d+) (\d+) (\d+) ([0-9.]+)", said)
    if found is None:
        raise RuntimeError(said)
    requests, errors, micros = int(found[1]), int(found[2]), int(found[3])
    return Paced(requests, errors, requests / (micros / 1e6), float(found[4]))


def _wrk(host: str, port: int, *words: str, seconds: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder) / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {host}\n")
        inside = f"mount --bind {hosts} /etc/hosts && exec wrk {' '.join(words)} https://{host}:{port}/"
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", inside],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
    return done.stdout
