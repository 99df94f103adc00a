"""How objects of Serving are found by what they say."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.base.refs import Json
from hauberk.ports import Index
from hauberk.serving.names import ROUTE


def _targets(route: Json) -> Iterable[str]:
    """NAMESPACE/NAME of each Configuration and Revision that the Route names or named."""
    namespace = route["metadata"]["namespace"]
    targets = [*(route["spec"].get("traffic") or ()), *((route.get("status") or {}).get("traffic") or ())]
    names = (t.get(key) for t in targets for key in ("configurationName", "revisionName"))
    return {f"{namespace}/{name}" for name in names if name}


ROUTES_BY_TARGET = Index(ROUTE, _targets)
"""Routes by the Configurations and Revisions that they name or named, as NAMESPACE/NAME."""
