"""`hauberk mesh` on the document's cluster: what it says of a call is what becomes of the call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hauberk.testing.cluster import Cluster, eventually, hauberk

pytestmark = pytest.mark.system
INSIDE, OUTSIDE = "asks-inside", "asks-outside"
LOCAL = "http://hello.default.svc.cluster.local"


@pytest.fixture(scope="module")
def clients(document: Cluster) -> Iterator[Cluster]:
    """A client with a sidecar and one without; each calls again and again and says what it gets."""
    ask = f"while :; do curl -s -o /dev/null -m 10 -w '%{{http_code}}\\n' {LOCAL}; sleep 1; done"
    rest = ("--image=hauberk.local/curl", "--command", "--", "sh", "-c", ask)
    document.must("run", INSIDE, "--labels=sidecar.istio.io/inject=true", *rest)
    document.must("run", OUTSIDE, *rest)
    try:
        document.must("wait", "--for=condition=Ready", f"pod/{INSIDE}", f"pod/{OUTSIDE}", "--timeout=30s")
        yield document
    finally:
        document.run("delete", "pod", INSIDE, OUTSIDE, "--grace-period=0", "--force")


def said(cluster: Cluster, *args: str) -> tuple[int, list[dict[str, Any]]]:
    done = hauberk("mesh", *args, "--name", cluster.name, "-o", "json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def called(cluster: Cluster, pod: str) -> str:
    lines = cluster.must("logs", pod, "-c", pod, "--tail=1").split()
    return lines[-1] if lines else ""


@pytest.mark.parametrize(
    ("pod", "code", "mark", "decides", "answer"),
    [
        (INSIDE, 0, "passes", "", "200"),
        (OUTSIDE, 3, "refused", "Gateway.networking.istio.io knative-serving/knative-local-gateway", "000"),
    ],
)
def test_a_trace_foretells_what_a_call_gets(
    clients: Cluster, pod: str, code: int, mark: str, decides: str, answer: str
) -> None:
    found, rows = said(clients, "trace", f"default/{pod}", LOCAL)
    assert (found, rows[-1]["verdict"], rows[-1].get("decides", "")) == (code, mark, decides)
    eventually(lambda: called(clients, pod) == answer, what=f"{pod} gets {answer}")


def test_a_pod_a_service_and_a_route_are_described(clients: Cluster) -> None:
    _, pod = said(clients, "describe", "pod", INSIDE)
    assert {"identity": "spiffe://cluster.local/ns/default/sa/default"}.items() <= {
        row["about"]: row["words"] for row in pod
    }.items()
    _, bare = said(clients, "describe", "pod", OUTSIDE)
    assert bare[0]["words"].startswith("outside")
    _, service = said(clients, "describe", "service", "hello")
    assert any("hello-mesh" in row.get("decides", "") for row in service)
    _, route = said(clients, "describe", "route", "hello")
    told = {row["about"]: row["words"] for row in route}
    assert told["host"] == "hello-default.apps.openshift.example.com"
    assert "passes TLS on" in told["TLS"]
    assert [row["about"] for row in route if row["about"].startswith("server")] == ["server 8443"]


def test_every_proxy_is_listed_and_in_sync(clients: Cluster) -> None:
    def synced() -> bool:
        code, rows = said(clients, "proxies")
        return code == 0 and f"{INSIDE}.default" in {row["proxy"] for row in rows}

    eventually(synced, what="proxies in sync")
