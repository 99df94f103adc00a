"""Before anything is changed: what the cluster must offer, each point with what was found and the fix."""

from __future__ import annotations

from hauberk.integration.preflight.rows import Row, passes
from hauberk.integration.preflight.run import preflight

__all__ = ["Row", "passes", "preflight"]
