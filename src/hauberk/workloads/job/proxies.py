"""Pods of a Job whose work is done and that do not end, because their sidecar runs on. Pure.

This is what happens on a real cluster, too: an injected `istio-proxy` is an ordinary container, and a pod
has succeeded when all its containers ended. The Job stays as upstream's does; an event says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hauberk.base.refs import Json
from hauberk.engine.plan import Note

PROXY = "istio-proxy"
_TEXT = (
    "Pod {} has done its work, but its sidecar istio-proxy runs on, so the Job cannot complete: let the work "
    "end with a POST to http://localhost:15020/quitquitquit, or label the pods "
    'sidecar.istio.io/inject: "false"'
)


def waiting_for_proxy(pods: Sequence[Json]) -> Iterator[Note]:
    """One Warning for each such pod.

    Deviation: upstream says nothing, and the Job is simply never complete.
    """
    for pod in pods:
        rows = (pod.get("status") or {}).get("containerStatuses") or ()
        ended = {r["name"]: "terminated" in (r.get("state") or {}) for r in rows}
        if ended.get(PROXY) is False and len(ended) > 1 and all(v for k, v in ended.items() if k != PROXY):
            yield Note("SidecarKeepsRunning", _TEXT.format(pod["metadata"]["name"]), "Warning")
