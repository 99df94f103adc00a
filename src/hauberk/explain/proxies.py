"""Whether every proxy has what the control plane published, as the control plane tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hauberk.base.apierrors import ApiError
from hauberk.base.conditions import is_true
from hauberk.base.problems import Problem
from hauberk.kubeclient import Kube

EMBEDDED = "/hauberk/v1/status"
ISTIOD = "istiod"
PORT = 15014
PARTS = ("cluster", "listener", "route", "endpoint")


@dataclass(frozen=True, slots=True)
class Row:
    """One proxy: `POD.NAMESPACE`, and SYNCED, STALE or NOT SENT."""

    proxy: str
    status: str


async def fetch_proxies(kube: Kube) -> tuple[Row, ...]:
    """Every connected proxy. Raises Problem where no control plane tells."""
    try:
        found = await kube.request("GET", EMBEDDED)
        return tuple(Row(r["proxy"], r["status"]) for r in found["proxies"]["items"])
    except (ApiError, TypeError, KeyError):
        pass
    rows: list[Row] = []
    planes = [p for p in await kube.list("Pod", labels={"app": ISTIOD}) if is_true(p)]
    for plane in planes:
        meta = plane["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{PORT}/proxy/debug/syncz"
        try:
            rows += [row_of(entry) for entry in await kube.request("GET", path)]
        except ApiError as error:
            raise _silent(f"{meta['namespace']}/{meta['name']}: {error.code} {error.reason}") from error
    if not planes:
        raise _silent("no ready pod with the label app=istiod")
    return tuple(sorted(rows, key=lambda row: row.proxy))


def row_of(entry: Mapping[str, Any]) -> Row:
    """One row of istiod's `/debug/syncz`.

    Source: istio/istio pilot/pkg/xds/debug.go, SyncStatus.
    """
    states = []
    for part in PARTS:
        sent, acked = entry.get(f"{part}_sent", ""), entry.get(f"{part}_acked", "")
        states.append("NOT SENT" if not sent else "SYNCED" if sent == acked else "STALE")
    worst = "STALE" if "STALE" in states else "SYNCED" if "SYNCED" in states else "NOT SENT"
    return Row(str(entry.get("proxy", "")), worst)


def _silent(found: str) -> Problem:
    return Problem(
        "no control plane tells the state of its proxies",
        wanted="an embedded cluster, or an istiod whose debug port 15014 the API server may reach",
        found=found,
        fix="istioctl proxy-status",
    )
