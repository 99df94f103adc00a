"""Load on one URL by `wrk`, which names the host in SNI as a client of the mesh does."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path


def requests_per_s(host: str, port: int, *, seconds: int, connections: int = 16) -> float:
    """Requests per second over keep-alive TLS connections. Raises RuntimeError when any failed."""
    with tempfile.TemporaryDirectory() as folder:
        hosts = Path(folder) / "hosts"
        hosts.write_text(f"127.0.0.1 localhost {host}\n")
        inside = (
            f"mount --bind {hosts} /etc/hosts && "
            f"exec wrk -t1 -c{connections} -d{seconds}s https://{host}:{port}/"
        )
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", inside],
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 30,
        )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    found = re.search(r"Requests/sec:\s+([0-9.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout)
    return float(found[1])
