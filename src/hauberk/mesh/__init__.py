"""The mesh as a pure model: stored objects in, proxies with their identities and policies out.

Entry points: `build(snapshot, paths=…) -> Mesh`, `READS` (kinds whose changes matter), `Mesh.findings`.
"""

from __future__ import annotations

from hauberk.mesh.build import READS, RULES, build
from hauberk.mesh.model import Domain, Endpoint, Finding, Mesh, Mode, Protocol, Proxy, Service

__all__ = [
    "READS",
    "RULES",
    "Domain",
    "Endpoint",
    "Finding",
    "Mesh",
    "Mode",
    "Protocol",
    "Proxy",
    "Service",
    "build",
]
