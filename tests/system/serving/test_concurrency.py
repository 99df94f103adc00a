"""containerConcurrency: what runs, what waits in which order, what is refused; and when the last pod goes."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
PRE = "autoscaling.knative.dev/"
PAST, THROUGH = {f"{PRE}target-burst-capacity": "0"}, {f"{PRE}target-burst-capacity": "-1"}
APP = Path(__file__).parent / "apps" / "limits"


@pytest.fixture(scope="module")
def image(mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the app that counts."""
    folder = tmp_path_factory.mktemp("limits") / "app"
    shutil.copytree(APP, folder)
    return str(mesh.image("limits", folder))


def limited(mesh: Any, image: str, name: str, limit: int, pods: int, way: dict[str, str]) -> str:
    """A service of so many pods, each with this limit, with the activator in the way or not."""
    notes = {**way, f"{PRE}min-scale": str(pods), f"{PRE}max-scale": str(pods)}
    host = mesh.deploy(name, image, notes=notes, spec={"containerConcurrency": limit})
    mode = "Serve" if way is PAST else "Proxy"
    eventually(lambda: mesh.get("sks", f"{name}-00001")["spec"]["mode"] == mode, within_s=15, what=mode)
    eventually(lambda: len(mesh.pods(name)) == pods, within_s=20, what=f"{pods} pods")
    time.sleep(0.5)  # the gateway's endpoints
    return str(host)


def test_what_the_queue_has_no_place_for_is_refused_in_upstreams_words(
    mesh: Any, image: str, gone: Gone
) -> None:
    """One at work and ten in the queue; upstream's depth is ten times the limit."""
    gone("full")
    host = limited(mesh, image, "full", 1, 1, PAST)
    with ThreadPoolExecutor(24) as pool:
        replies = list(pool.map(lambda _: mesh.call(host, "/?300"), range(24)))
    assert Counter(r.status for r in replies) == {200: 11, 503: 13}
    assert {r.text for r in replies if r.status == 503} == {"pending request queue full"}
    assert {json.loads(r.text)["most"] for r in replies if r.status == 200} == {1}


@pytest.mark.parametrize("way", [PAST, THROUGH], ids=["in the pod's queue", "in the activator"])
def test_who_came_first_is_served_first(mesh: Any, image: str, gone: Gone, way: dict[str, str]) -> None:
    name = "fair-past" if way is PAST else "fair-through"
    gone(name)
    host = limited(mesh, image, name, 1, 1, way)

    def after(place: int) -> int:
        time.sleep(place * 0.15)
        return int(json.loads(mesh.call(host, "/?300").text)["turn"])

    with ThreadPoolExecutor(9) as pool:
        turns = list(pool.map(after, range(9)))
    assert turns == sorted(turns)


@pytest.mark.parametrize("limit", [1, 2])
def test_the_limit_holds_in_each_of_several_pods_and_all_of_them_work(
    mesh: Any, image: str, gone: Gone, limit: int
) -> None:
    name = f"several-{limit}"
    gone(name)
    host = limited(mesh, image, name, limit, 3, THROUGH)
    rounds = 4
    began = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        replies = list(pool.map(lambda _: mesh.call(host, "/?400"), range(3 * limit * rounds)))
    took = time.monotonic() - began
    rows = [json.loads(r.text) for r in replies]
    by_pod = Counter(row["pod"] for row in rows)
    assert max(row["most"] for row in rows) == limit
    assert set(by_pod.values()) == {limit * rounds}, by_pod
    assert took < rounds * 0.4 * 2, "the places are used"


def test_the_last_pod_stays_for_the_retention_period(mesh: Any, image: str, gone: Gone) -> None:
    """Upstream counts it from the moment the revision is without traffic."""
    gone("keeps")
    notes = {f"{PRE}window": "6s", f"{PRE}scale-to-zero-pod-retention-period": "9s"}
    host = mesh.deploy("keeps", image, notes=notes)
    assert mesh.call(host, "/?1").status == 200
    eventually(lambda: phase(mesh, "keeps") == "False", within_s=30, what="no traffic")
    began = time.monotonic()
    eventually(lambda: replicas(mesh, "keeps") == 0, within_s=20, what="scale to zero")
    assert 7.5 < time.monotonic() - began < 14


def phase(mesh: Any, name: str) -> str:
    """Active, as the PodAutoscaler says."""
    return str(mesh.condition(mesh.get("kpa", f"{name}-00001"), "Active").get("status"))


def replicas(mesh: Any, name: str) -> int:
    """Pods that the Deployment is to have."""
    return int(mesh.get("deploy", f"{name}-00001-deployment")["spec"]["replicas"])
