"""Rules whose selector matches no running pod say so, and stop when a pod comes."""

from __future__ import annotations

from typing import Any

import pytest
from stage import INJECT, A, Room, actor, istio, ready

pytestmark = pytest.mark.system
LATE = {"matchLabels": {"app": "late"}}
PORT = {"number": 80, "name": "http", "protocol": "HTTP"}
NOBODY = "NoMatchingWorkloads"


def subsets(version: str) -> dict[str, Any]:
    return {"host": "web", "subsets": [{"name": "s", "labels": {"version": version}}]}


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("PeerAuthentication", {"selector": LATE, "mtls": {"mode": "STRICT"}}),
        ("AuthorizationPolicy", {"selector": LATE, "rules": [{}]}),
        ("ServiceEntry", {"hosts": ["late.example"], "ports": [PORT], "resolution": "STATIC",
                          "workloadSelector": {"labels": {"app": "late"}}}),
    ],
)  # fmt: skip
def test_a_rule_for_pods_that_are_not_there_says_so_until_one_comes(
    room: Room, kind: str, spec: dict[str, Any]
) -> None:
    with room.rules(istio(kind, A, "waits", spec)):
        room.soon(lambda: room.accepted(kind.lower(), A, "waits")[0], NOBODY)
        assert "app=late" in room.accepted(kind.lower(), A, "waits")[1]
        room.soon(lambda: NOBODY in room.events(A, "waits"), True)
        pod = actor(A, "late", labels={**INJECT, "app": "late"})
        with room.rules(pod):
            ready(room.cluster, A, "late")
            room.soon(lambda: room.accepted(kind.lower(), A, "waits")[0], "Applied")
        room.forget(f"{A}/late")
        room.soon(lambda: room.accepted(kind.lower(), A, "waits")[0], NOBODY, "gone with the pod")


def test_a_gateway_that_selects_no_gateway_pod_says_so(room: Room) -> None:
    def gate(labels: dict[str, str]) -> dict[str, Any]:
        return istio(
            "Gateway", A, "aims", {"selector": labels, "servers": [{"port": PORT, "hosts": ["a.b"]}]}
        )

    with room.rules(gate({"app": "web"})):  # pods, but of applications
        room.soon(lambda: room.accepted("gateway", A, "aims")[0], NOBODY)
        message = room.accepted("gateway", A, "aims")[1]
        assert "app=web matches no running gateway pod" in message
        assert "IST0101" in message
        room.soon(lambda: NOBODY in room.events(A, "aims"), True)
        room.apply(gate({"knative": "ingressgateway"}))
        room.soon(lambda: room.accepted("gateway", A, "aims")[0], "Applied")


def test_a_subset_without_pods_is_told_on_its_destination_rule(room: Room) -> None:
    with room.rules(istio("DestinationRule", A, "parts", subsets("v9"))):
        room.soon(lambda: room.accepted("destinationrule", A, "parts")[0], "SubsetHasNoPods")
        assert "version=v9" in room.accepted("destinationrule", A, "parts")[1]
        room.soon(lambda: "SubsetHasNoPods" in room.events(A, "parts"), True)
        room.apply(istio("DestinationRule", A, "parts", subsets("v1")))
        room.soon(lambda: room.accepted("destinationrule", A, "parts")[0], "Applied")
