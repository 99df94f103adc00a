"""Every second: scrape the ready pods of every revision, and let the facts decide.

The calls leave through the autoscaler pod's Envoy. An autoscaler outside the mesh therefore cannot scrape a
strict pod, and then nothing shrinks, as on the real system.
Source: knative/serving pkg/autoscaler/metrics/{collector,stats_scraper,http_scrape_client}.go.
Deviation: held requests are counted where they are held, so the activator's Envoy is not scraped too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hauberk.autoscaler.config import NAME, Config, Settings, parse_config, settings_of
from hauberk.autoscaler.facts import Facts, Key, Sample
from hauberk.autoscaler.metrics import Reading, ended_between, parse_metrics, sample_of, sum_of
from hauberk.autoscaler.pods import (
    L_REVISION,
    METRICS_PORT,
    SYSTEM,
    autoscaler_pod,
    is_ready,
    pods_of,
    wants_mtls,
)
from hauberk.autoscaler.scrape import ScrapeFailed, fetch
from hauberk.base.conditions import condition
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, annotations_of, is_deleting, labels_of
from hauberk.base.times import epoch
from hauberk.ports import Api, Clock, Snapshot

log = logging.getLogger(__name__)
KIND = "PodAutoscaler.autoscaling.internal.knative.dev"
KPA = "kpa.autoscaling.knative.dev"
TICK_S = 1.0
TIMEOUT_S = 0.9
AT_ONCE = 32
YOUNG_S = 10.0


@dataclass(frozen=True, slots=True)
class _Before:
    reading: Reading
    at: float
    ended: float  # requests that ended in the interval up to this reading


def config_of(snapshot: Snapshot) -> Config:
    """The present config-autoscaler."""
    found = snapshot.get(Ref("ConfigMap", SYSTEM, NAME)) or {}
    return parse_config(found.get("data") or {})


def settings_for(autoscaler: Json, config: Config) -> Settings:
    """The settings of a PodAutoscaler."""
    spec = autoscaler.get("spec") or {}
    return settings_of(
        annotations_of(autoscaler),
        int(spec.get("containerConcurrency") or 0),
        reachable=spec.get("reachability") != "Unreachable",
        config=config,
    )


class Collector:
    """The autoscaler's loop."""

    def __init__(self, api: Api, facts: Facts, paths: Paths, clock: Clock) -> None:
        self._api, self._facts, self._paths, self._clock = api, facts, paths, clock
        self._before: dict[str, _Before] = {}  # by pod uid
        self._turn = asyncio.Semaphore(AT_ONCE)
        facts.ask_by(self.in_flight)

    async def run(self) -> None:
        """Collect until cancelled; a failing turn does not end the loop."""
        while True:
            began = self._clock.monotonic()
            try:
                await self.collect()
            except Exception:
                log.exception("collecting metrics failed")
            await self._clock.sleep(max(0.05, TICK_S - (self._clock.monotonic() - began)))

    async def collect(self) -> None:
        """One turn over all revisions."""
        snapshot = self._api.snapshot()
        config = config_of(snapshot)
        speaker = autoscaler_pod(snapshot)
        found = [a for a in snapshot.list(KIND) if not is_deleting(a) and _is_kpa(a)]
        self._facts.forget({_key(a) for a in found})
        self._forget_pods(snapshot)
        ready = self._ready(snapshot)
        async with asyncio.TaskGroup() as group:
            for autoscaler in found:
                pods = ready.get(_key(autoscaler), [])
                if pods or not self._facts.is_quiet(_key(autoscaler)):
                    group.create_task(self._revision(autoscaler, pods, config, speaker))

    def _ready(self, snapshot: Snapshot) -> dict[Key, list[Json]]:
        """The ready pods of each revision."""
        found: dict[Key, list[Json]] = {}
        for pod in snapshot.list("Pod"):
            name = labels_of(pod).get(L_REVISION)
            if name and is_ready(pod):
                found.setdefault((pod["metadata"]["namespace"], name), []).append(pod)
        return found

    def _forget_pods(self, snapshot: Snapshot) -> None:
        alive = {p["metadata"]["uid"] for p in snapshot.list("Pod")} if self._before else set()
        self._before = {uid: row for uid, row in self._before.items() if uid in alive}

    async def _revision(
        self, autoscaler: Json, pods: list[Json], config: Config, speaker: Json | None
    ) -> None:
        key = _key(autoscaler)
        settings = settings_for(autoscaler, config)
        if not pods:
            self._facts.measure(key, Sample(0.0, 0.0), 0, settings)
            return
        results = await asyncio.gather(*(self._pod(p, speaker) for p in pods))
        samples = [r for r in results if isinstance(r, Sample)]
        silent = [p for p, r in zip(pods, results, strict=True) if not isinstance(r, Sample)]
        if not samples:
            why = next(str(r) for r in results if isinstance(r, ScrapeFailed))
            if not self._facts.failure(key):
                revision = "/".join(key)
                log.warning("Failed to scrape metrics", extra={"revision": revision, "error": why})
            self._facts.fail(key, f"unsuccessful scrape, sampleSize={len(pods)}: {why}")
            return
        # A pod that just became ready may be too busy to answer: it has had no requests yet, or few.
        known = len(pods) - sum(is_young(p, self._clock.now()) for p in silent)
        self._facts.measure(key, sum_of(samples, max(known, len(samples))), len(pods), settings)

    async def _pod(self, pod: Json, speaker: Json | None) -> Sample | ScrapeFailed:
        uid = pod["metadata"]["uid"]
        try:
            if speaker is None:
                raise ScrapeFailed("no ready autoscaler pod in knative-serving")
            async with self._turn:
                socket = self._paths.egress_socket(speaker["metadata"]["uid"])
                text = await self._ask(socket, pod)
        except ScrapeFailed as error:
            return error
        reading, now = parse_metrics(text), self._clock.monotonic()
        before = self._before.get(uid)
        if before is None:
            self._before[uid] = _Before(reading, now, 0.0)
            return sample_of(None, reading, 0.0)
        self._before[uid] = _Before(reading, now, ended_between(before.reading, reading))
        return sample_of(before.reading, reading, now - before.at, ended_earlier=before.ended)

    async def in_flight(self, key: Key) -> Mapping[str, int] | None:
        """Requests in each ready pod of a revision, asked now; None when one of them does not answer."""
        snapshot = self._api.snapshot()
        speaker = autoscaler_pod(snapshot)
        pods = [p for p in pods_of(snapshot, *key) if is_ready(p)]
        if speaker is None or not pods:
            return None
        socket = self._paths.egress_socket(speaker["metadata"]["uid"])
        try:
            texts = await asyncio.gather(*(self._ask(socket, p) for p in pods))
        except ScrapeFailed:
            return None
        rows = [parse_metrics(text) for text in texts]
        return {str(p["status"]["podIP"]): int(r.active + r.waiting) for p, r in zip(pods, rows, strict=True)}

    async def _ask(self, socket: Path, pod: Json) -> str:
        return await fetch(socket, "/metrics", scrape_headers(pod), timeout_s=TIMEOUT_S)


def is_young(pod: Json, now: float) -> bool:
    """Whether the pod became ready a moment ago.

    Source: knative/serving pkg/autoscaler/metrics/stats_scraper.go, youngPodCutOffDuration.
    """
    since = (condition(pod, "Ready") or {}).get("lastTransitionTime")
    return since is not None and now - epoch(since) < YOUNG_S


def scrape_headers(pod: Json) -> Mapping[str, str]:
    """The headers by which the autoscaler pod's Envoy knows whom to call, and how."""
    address = f"{(pod.get('status') or {}).get('podIP', '')}:{METRICS_PORT}"
    headers = {"host": address, "x-envoy-original-dst-host": address, "user-agent": "hauberk-autoscaler"}
    return {**headers, "x-hauberk-peer": "mtls"} if wants_mtls(pod) else headers


def _key(autoscaler: Json) -> Key:
    return autoscaler["metadata"]["namespace"], autoscaler["metadata"]["name"]


def _is_kpa(autoscaler: Json) -> bool:
    return annotations_of(autoscaler).get("autoscaling.knative.dev/class", KPA) == KPA
