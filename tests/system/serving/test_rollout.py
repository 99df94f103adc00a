"""Traffic that moves by itself, and headers that choose a tag, on the document's cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hauberk.testing.cluster import eventually

NOTES = {"autoscaling.knative.dev/min-scale": "1"}
SLOWLY = {"serving.knative.dev/rollout-duration": "4s"}


def traffic(mesh: Any, name: str) -> dict[str, int]:
    rows = (mesh.get("ksvc", name).get("status") or {}).get("traffic") or ()
    return {row["revisionName"]: row.get("percent", 0) for row in rows}


def test_a_new_revision_gets_its_traffic_bit_by_bit_and_nothing_is_lost(mesh: Any, gone: Any) -> None:
    gone("slowly")
    host = mesh.deploy("slowly", env={"TARGET": "one"}, notes=NOTES, own=SLOWLY)
    seen = []
    with mesh.load(host) as load:
        mesh.deploy("slowly", env={"TARGET": "two"}, notes=NOTES, own=SLOWLY, wait=False)

        def moved() -> bool:
            shares = traffic(mesh, "slowly")
            if shares not in seen:
                seen.append(shares)
            return shares == {"slowly-00002": 100}

        eventually(moved, within_s=20, what="the new revision has all traffic")
    assert not load.lost
    assert {answer[:3] for answer in load.seen} == {"200"}
    assert {"slowly-00001": 100} in seen
    assert any(len(shares) == 2 and sum(shares.values()) == 100 for shares in seen), seen
    eventually(lambda: mesh.is_settled("slowly"), what="Ready again")


@pytest.fixture
def tag_headers(mesh: Any) -> Iterator[None]:
    """The feature, switched on through the KnativeServing as an administrator does."""

    def put(value: str | None) -> None:
        patch = {"spec": {"config": {"features": {"tag-header-based-routing": value}}}}
        mesh.cluster.must(
            "patch", "knativeserving", "knative-serving", "-n", "knative-serving", "--type=merge", "-p",
            json.dumps(patch),
        )  # fmt: skip

    put("enabled")
    yield
    put(None)


def test_a_header_chooses_a_tag(mesh: Any, gone: Any, tag_headers: None) -> None:
    gone("heads")
    mesh.deploy("heads", env={"TARGET": "one"}, notes=NOTES)
    rows = [{"revisionName": "heads-00001", "tag": "old"}, {"latestRevision": True, "percent": 100}]
    host = mesh.deploy("heads", env={"TARGET": "two"}, notes=NOTES, traffic=rows)

    def ask(tag: str) -> str:
        return str(mesh.call(host, headers={"Knative-Serving-Tag": tag}).text)

    eventually(lambda: ask("old") == "Hello one!", what="the header leads to the tag")
    assert ask("nobody") == "Hello two!"
    assert mesh.call(host).text == "Hello two!"
    assert mesh.call(f"old-{host}").text == "Hello one!"
