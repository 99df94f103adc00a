"""From the mesh model to Envoy resources: one pure function per Envoy concept.

Entry point: `resources(mesh, proxy) -> Resources`.
"""

from __future__ import annotations

from hauberk.xds.translate.proxies import resources

__all__ = ["resources"]
