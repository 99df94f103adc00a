"""Lets requests from outside end before a cluster is stopped: `hauberk down` loses none.

New connections are refused at once. Open ones learn with their next answer that they end (`Connection:
close`, GOAWAY), and requests in flight get their answer, those that wait for a revision's first pod included.
What is carried as bytes (passthrough Routes to pods that terminate TLS themselves) is not waited for.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from hauberk.base.paths import Paths
from hauberk.base.progress import Teller
from hauberk.cluster import client
from hauberk.edge.bootstrap import admin_socket

# The connection managers that clients outside talk to: gateways of the mesh, the router, Kourier.
_BORDER = r"^http\.(gateway_|role_router|role_kourier).*downstream_rq_active$"
_CARRIED = r"^cluster\.router-https?\.upstream_cx_active$"
_QUIET_S = 0.5  # an open connection without a request for so long brings none any more
_EVERY_S = 0.02


def quiesce(paths: Paths, within_s: float, tell: Teller) -> int:
    """Wait until nothing is in flight, at most `within_s` seconds. Returns how many requests are."""
    edge = admin_socket(paths)
    borders = [path for path in sorted((paths.run / "pods").glob("*/admin.sock")) if _rows(path, _BORDER)]
    for path, target in ((edge, "/drain_listeners"), *((b, "/healthcheck/fail") for b in borders)):
        _post(path, target)
    began = quiet_since = time.monotonic()
    shown = False
    while (now := time.monotonic()) - began < within_s:
        requests = _sum(borders, _BORDER)
        if requests and not shown:
            tell.start(f"letting {requests} request{'s' if requests > 1 else ''} end")
            shown = True
        quiet_since = now if requests else quiet_since
        if not requests and (now - quiet_since >= _QUIET_S or not _sum([edge], _CARRIED)):
            break
        time.sleep(_EVERY_S)
    left = _sum(borders, _BORDER)
    if shown:
        tell.done(f"{left} cut after {within_s:g} s" if left else "")
    return left


def _sum(sockets: Iterable[Path], pattern: str) -> int:
    return sum(value for path in sockets for value in _rows(path, pattern))


def _rows(path: Path, pattern: str) -> list[int]:
    """The statistics that match; none from an Envoy that does not answer."""
    try:
        status, body = client.get(path, f"/stats?filter={quote(pattern)}", timeout_s=2)
    except OSError:
        return []
    rows = (line.rpartition(": ")[2] for line in body.decode(errors="replace").splitlines())
    return [int(value) for value in rows if value.isdigit()] if status == 200 else []


def _post(path: Path, target: str) -> None:
    try:
        client.send(path, "POST", target, timeout_s=2)
    except OSError:
        return
