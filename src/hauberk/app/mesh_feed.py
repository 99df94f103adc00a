"""Keeps every proxy's configuration equal to what the API objects say.

Changes of the kinds the mesh reads → a short pause, so that a burst becomes one build → model →
Envoy resources → the xDS server, which sends each proxy only its differences. What the model had
to leave out (a gateway server without its secret, a route to nowhere) is told on the object: a
condition in its status and an event.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk import mesh
from hauberk.base.apierrors import ApiError
from hauberk.base.conditions import condition, with_times
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.base.times import rfc3339
from hauberk.mesh import Finding
from hauberk.ports import Api, Clock, Recorder, Snapshot
from hauberk.xds import translate
from hauberk.xds.server import XdsServer
from hauberk.xds.stream import Nack

log = logging.getLogger(__name__)

CONDITION = "Accepted"
MANAGER = "hauberk-mesh"


def wanted_conditions(findings: Iterable[Finding]) -> dict[Ref, Json]:
    """One condition an object: False with every reason it was left out for."""
    grouped: dict[Ref, list[Finding]] = {}
    for finding in findings:
        grouped.setdefault(finding.ref, []).append(finding)
    return {
        ref: {
            "type": CONDITION,
            "status": "False",
            "reason": found[0].reason,
            "message": "; ".join(dict.fromkeys(f.message for f in found)),
        }
        for ref, found in grouped.items()
    }


def status_changes(
    wanted: Mapping[Ref, Json], told: Iterable[Ref], snapshot: Snapshot, now: str
) -> list[tuple[Ref, dict[str, Any]]]:
    """The status writes that make objects say what `wanted` says; `told` had a condition before.

    An object that is well again keeps the condition, as True: the reader sees that it was heard.
    """
    fine = {"type": CONDITION, "status": "True", "reason": "Applied", "message": ""}
    out = []
    for ref in [*wanted, *(r for r in told if r not in wanted)]:
        obj = snapshot.get(ref)
        if obj is None:
            continue
        status = obj.get("status") or {}
        stored = [c for c in status.get("conditions") or () if c["type"] == CONDITION]
        row = wanted.get(ref, fine)
        if stored and all(stored[0].get(key) == row[key] for key in ("status", "reason", "message")):
            continue
        out.append((ref, {"conditions": with_times([row], stored, now)}))
    return out


def already_told(snapshot: Snapshot) -> set[Ref]:
    """The objects whose status says that something was left out, whichever control plane said it."""
    return {
        ref_of(obj)
        for kind in mesh.READS
        if kind.endswith(".istio.io")
        for obj in snapshot.list(kind)
        if (row := condition(obj, CONDITION)) is not None and row["status"] == "False"
    }


def tell_refusal(api: Api, recorder: Recorder, nack: Nack) -> None:
    """Say on the pod what its Envoy refused; it goes on with what it had under that name."""
    log.warning("proxy refused a resource", extra={"nack": nack})
    kind = nack.type_url.rpartition(".")[2]
    text = f"Envoy refused {kind} {nack.name} and keeps what it had: {nack.message}"
    for pod in api.snapshot().list("Pod"):
        if pod["metadata"]["uid"] == nack.proxy:
            recorder.event(pod, "ConfigurationRefused", text, type="Warning", component="hauberk-mesh")


@dataclass
class MeshFeed:
    """Publishes to the proxies and tells the objects what was left out."""

    api: Api
    paths: Paths
    xds: XdsServer
    recorder: Recorder
    clock: Clock
    https_port: int = 443  # where clients reach the router
    published_revision: int = 0  # the store's revision that the last publish contained
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def rebuild(self) -> None:
        """Build the model of the current snapshot and publish it."""
        snapshot = self.api.snapshot()
        began = self.clock.monotonic()
        model = mesh.build(snapshot, paths=self.paths, https_port=self.https_port)
        built = self.clock.monotonic()
        self.xds.publish({proxy.uid: translate.resources(model, proxy) for proxy in model.proxies.values()})
        self.published_revision = snapshot.revision
        ms = {
            "build_ms": f"{(built - began) * 1000:.1f}",
            "publish_ms": f"{(self.clock.monotonic() - built) * 1000:.1f}",
        }
        log.debug("published", extra={"revision": snapshot.revision, "proxies": len(model.proxies), **ms})
        self._moved.set()
        self._moved = asyncio.Event()
        await self._tell(tuple(model.findings))

    async def acked(self, revision: int) -> None:
        """Wait until every connected proxy acknowledged a state that contains this revision."""
        while self.published_revision < revision:
            await self._moved.wait()
        await self.xds.acked()

    async def _tell(self, findings: tuple[Finding, ...]) -> None:
        wanted = wanted_conditions(findings)
        snapshot = self.api.snapshot()
        told = already_told(snapshot)
        for ref, status in status_changes(wanted, told, snapshot, rfc3339(self.clock.now())):
            obj = snapshot.get(ref)
            row = status["conditions"][0]
            if obj is not None and row["status"] == "False":
                self.recorder.event(
                    obj, row["reason"], row["message"], type="Warning", component="hauberk-mesh"
                )
            try:
                await self.api.apply_status(ref, status, manager=MANAGER)
            except ApiError as error:
                log.warning(
                    "status of a mesh object was not written", extra={"ref": str(ref), "error": str(error)}
                )
