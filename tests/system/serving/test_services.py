"""Knative services on the document's mesh: revisions, traffic, limits, and nothing lost on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from hauberk.testing.cluster import eventually

pytestmark = pytest.mark.system
Gone: TypeAlias = Callable[..., None]
QUICK = {"autoscaling.knative.dev/min-scale": "1"}


@pytest.mark.must("api-template-change", "loss-rollout")
def test_a_rollout_to_a_second_revision_under_load_loses_nothing(mesh: Any, gone: Gone) -> None:
    gone("rolled")
    host = mesh.deploy("rolled", env={"TARGET": "one"}, notes=QUICK)
    with mesh.load(host) as load:
        eventually(lambda: load.seen["200 Hello one!"] > 20)
        mesh.deploy("rolled", env={"TARGET": "two"}, notes=QUICK)
        eventually(lambda: load.seen["200 Hello two!"] > 50, what="answers of the second revision")
        mesh.deploy(
            "rolled",
            env={"TARGET": "one"},
            notes=QUICK,
            traffic=[{"revisionName": "rolled-00001", "percent": 100}],
        )
        before = load.seen["200 Hello one!"]
        eventually(lambda: load.seen["200 Hello one!"] > before + 50, what="answers after the rollback")
    assert not load.lost
    assert set(load.seen) == {"200 Hello one!", "200 Hello two!"}


@pytest.mark.must("loss-scale-down")
def test_pods_that_are_deleted_under_load_lose_nothing(mesh: Any, gone: Gone) -> None:
    gone("drained")
    host = mesh.deploy("drained", "autoscale", notes={"autoscaling.knative.dev/min-scale": "2"})
    eventually(lambda: len(mesh.pods("drained")) == 2, what="two pods")
    with mesh.load(host, "/?sleep=300", threads=6) as load:
        eventually(lambda: sum(load.seen.values()) > 12)
        for pod in mesh.pods("drained"):
            mesh.cluster.must("delete", "pod", pod["metadata"]["name"], "-n", "default", "--wait=false")
            time.sleep(1.5)
        eventually(lambda: len(mesh.pods("drained")) == 2, what="two pods again")
        time.sleep(0.5)
    assert not load.lost
    assert all(answer.startswith("200 ") for answer in load.seen), load.seen


def test_a_service_that_is_deleted_under_load_answers_to_the_end(mesh: Any, gone: Gone) -> None:
    gone("ended")
    host = mesh.deploy("ended", "autoscale", notes=QUICK)
    with mesh.load(host, "/?sleep=200") as load:
        eventually(lambda: sum(load.seen.values()) > 8)
        mesh.cluster.must("delete", "ksvc", "ended", "-n", "default", "--wait=false")
        time.sleep(3)
    codes = {answer[:3] for answer in load.seen}
    assert "200" in codes
    assert codes <= {"200", "404", "503"}, load.seen


@pytest.mark.must("api-weights", "api-tag-url", "api-not-sticky")
def test_traffic_is_split_and_tags_have_hosts_of_their_own(mesh: Any, gone: Gone) -> None:
    gone("split")
    mesh.deploy("split", env={"TARGET": "one"}, notes=QUICK)
    rows = [
        {"revisionName": "split-00001", "percent": 75, "tag": "old"},
        {"latestRevision": True, "percent": 25, "tag": "new"},
    ]
    host = mesh.deploy("split", env={"TARGET": "two"}, notes=QUICK, traffic=rows)
    with mesh.load(host) as load:
        eventually(lambda: sum(load.seen.values()) > 400, what="enough answers to compare shares")
    assert not load.lost
    share = load.seen["200 Hello two!"] / sum(load.seen.values())
    assert 0.15 < share < 0.35
    assert mesh.call(f"old-{host}").text == "Hello one!"
    assert mesh.call(f"new-{host}").text == "Hello two!"
    urls = {t["tag"]: t["url"] for t in mesh.get("ksvc", "split")["status"]["traffic"]}
    assert urls == {"old": f"https://old-{host}", "new": f"https://new-{host}"}


@pytest.mark.must("api-concurrency")
def test_concurrency_one_serves_one_at_a_time_and_loses_none_that_wait(mesh: Any, gone: Gone) -> None:
    gone("single")
    notes = {"autoscaling.knative.dev/min-scale": "1", "autoscaling.knative.dev/max-scale": "1"}
    host = mesh.deploy("single", "autoscale", notes=notes, spec={"containerConcurrency": 1})
    began = time.monotonic()
    with mesh.load(host, "/?sleep=200", threads=4) as load:
        time.sleep(3)
    took = time.monotonic() - began
    assert not load.lost
    served = load.seen["200 Slept for 200.00 milliseconds."]
    assert served == sum(load.seen.values())
    assert served <= took / 0.2 + 1
    assert served >= 8


@pytest.mark.must("api-timeout", "limit-begun")
@pytest.mark.parametrize("field", ["timeoutSeconds", "responseStartTimeoutSeconds"])
def test_a_response_that_has_begun_outlives_the_time_limit(
    mesh: Any, gone: Gone, protocols: str, field: str
) -> None:
    name = f"stream-{field[:4].lower()}"
    gone(name)
    host = mesh.deploy(name, protocols, notes=QUICK, spec={"timeoutSeconds": 5, field: 1})
    assert mesh.call(host, "/sse?10").text.count("data:") == 10
    reply = mesh.call(host, "/sleep?3")
    assert (reply.status, reply.text) == (504, "request timeout")


@pytest.mark.must("api-timeout", "limit-504")
def test_silence_beyond_the_idle_limit_ends_a_request(mesh: Any, gone: Gone, protocols: str) -> None:
    gone("silent")
    host = mesh.deploy("silent", protocols, notes=QUICK, spec={"idleTimeoutSeconds": 1})
    assert mesh.call(host, "/sse?10").text.count("data:") == 10
    reply = mesh.call(host, "/sleep?3")
    assert (reply.status, reply.text) == (504, "request timeout")


@pytest.mark.must("api-timeout", "limit-504")
def test_a_request_beyond_the_time_limit_gets_504(mesh: Any, gone: Gone) -> None:
    gone("late")
    host = mesh.deploy("late", "autoscale", notes=QUICK, spec={"timeoutSeconds": 1})
    assert mesh.call(host, "/?sleep=100").status == 200
    reply = mesh.call(host, "/?sleep=3000")
    assert (reply.status, reply.text) == (504, "request timeout")
