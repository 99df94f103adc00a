"""Measured loss: requests on kept connections that got no answer, or an error, while pods come and go.

Every request is a POST, which no proxy repeats by itself once it may have reached an app, and the app ends at
once on SIGTERM: without the drain, what it has in hand at its pod's end is lost.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from hauberk.base.progress import Quiet
from hauberk.cluster import find
from hauberk.demo.run import apply_document, make_certificates
from hauberk.testing.cluster import Cluster, eventually, hauberk, started

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
PRE = "autoscaling.knative.dev/"
WARM = {f"{PRE}min-scale": "1"}
SLOW = "/sleep?0.15"


def judged(load: Any, *, least: int) -> None:
    """Nothing lost, nothing but 200, and enough asked for that to mean something."""
    assert not load.lost, (len(load.lost), load.lost[:3], load.seen)
    assert set(load.seen) == {"200"}, load.seen
    assert load.seen["200"] >= least


@pytest.mark.must("loss-scale-down")
def test_scale_down_under_load_loses_nothing(mesh: Any, gone: Gone, protocols: str) -> None:
    """From three pods to one while requests go on; the pods that end still have some."""
    gone("shrinks")
    notes = {f"{PRE}min-scale": "3", f"{PRE}target-burst-capacity": "0"}
    host = mesh.deploy("shrinks", protocols, notes=notes)
    eventually(lambda: len(mesh.pods("shrinks")) == 3, what="three pods")
    with mesh.steady(host, SLOW) as load:
        eventually(lambda: load.seen["200"] > 30)
        names = [p["metadata"]["name"] for p in mesh.pods("shrinks")]
        mesh.cluster.must("delete", "pod", *names[:2], "-n", "default", "--wait=false")
        eventually(lambda: len(mesh.pods("shrinks")) == 3, what="pods in their place")
        time.sleep(2)
    judged(load, least=80)


@pytest.mark.must("loss-scale-down")
def test_the_autoscalers_scale_down_loses_nothing(mesh: Any, gone: Gone, protocols: str) -> None:
    """Six clients make several pods; five leave, and the one that stays loses nothing."""
    gone("wide")
    notes = {f"{PRE}target": "1", f"{PRE}window": "6s", f"{PRE}max-scale": "4"}
    host = mesh.deploy("wide", protocols, notes=notes)
    with mesh.steady(host, SLOW, threads=1) as load:
        with mesh.steady(host, SLOW, threads=5) as others:
            eventually(lambda: len(mesh.pods("wide")) > 2, what="several pods")
        eventually(lambda: len(mesh.pods("wide", ready=False)) < 3, within_s=30, what="fewer pods")
        time.sleep(1)
    judged(others, least=10)
    judged(load, least=30)


@pytest.mark.must("loss-rollout")
def test_a_rollout_loses_nothing(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("renewed")
    host = mesh.deploy("renewed", protocols, notes=WARM, env={"N": "1"})
    with mesh.steady(host, SLOW) as load:
        for number in ("2", "3"):
            before = load.seen["200"]
            mesh.deploy("renewed", protocols, notes=WARM, env={"N": number})
            eventually(lambda b=before: load.seen["200"] > b + 40)
    judged(load, least=80)


@pytest.mark.must("loss-delete")
def test_what_a_deleted_service_had_taken_is_answered(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("leaves")
    host = mesh.deploy("leaves", protocols, notes=WARM)
    replies: list[int] = []
    asking = [
        threading.Thread(target=lambda: replies.append(mesh.call(host, "/sleep?3").status)) for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    time.sleep(0.7)
    mesh.cluster.must("delete", "ksvc", "leaves", "-n", "default", "--wait=false")
    for thread in asking:
        thread.join(20)
    assert replies == [200] * 8


@pytest.fixture
def own(tmp_path: Path, site_of: Callable[..., Any], mesh: Any) -> Iterator[Any]:
    """A cluster of this test alone, with the document."""
    name = f"l-{secrets.token_hex(3)}"
    try:
        cluster: Cluster = started(name, tmp_path, "--ephemeral")
        make_certificates(cluster.shell, Quiet())
        apply_document(cluster.shell, cluster.kube, Quiet())
        yield mesh.__class__(cluster, tmp_path / "root.crt", mesh.annotations, mesh.template)
    finally:
        hauberk("down", "--name", name, "--grace", "0")


@pytest.mark.must("loss-down")
def test_down_answers_what_is_in_flight_and_held_and_refuses_the_rest(own: Any) -> None:
    host = own.deploy("last", "autoscale", notes=WARM)
    name = own.cluster.name
    late: list[int] = []
    with own.steady(host, "/?sleep=200") as load:
        eventually(lambda: load.seen["200"] > 20)
        asking = [
            threading.Thread(target=lambda: late.append(own.call(host, "/?sleep=2500").status))
            for _ in range(4)
        ]
        for thread in asking:
            thread.start()
        time.sleep(0.5)
        began = time.monotonic()
        down = hauberk("down", "--name", name)
        took = time.monotonic() - began
        for thread in asking:
            thread.join(10)
        eventually(lambda: load.refused == 8, within_s=5, what="every connection refused")
    assert down.returncode == 0
    assert "letting" in down.stderr
    judged(load, least=20)
    assert late == [200] * 4
    assert 1.5 < took < 15
    assert not find.is_running(name)
