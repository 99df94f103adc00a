"""VirtualServices and DestinationRules act on requests and connections of the mesh; bad ones say so."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from stage import A, Room, Said, istio

pytestmark = pytest.mark.system
ME = f"{A}/client"
SUBSETS = [{"name": v, "labels": {"version": v}} for v in ("v1", "v2")]


def to(subset: str = "", host: str = "web", **more: Any) -> dict[str, Any]:
    return {"destination": {"host": host, **({"subset": subset} if subset else {})}, **more}


def rule(**policy: Any) -> dict[str, Any]:
    spec: dict[str, Any] = {"host": "web", "subsets": SUBSETS}
    return istio("DestinationRule", A, "web", {**spec, **({"trafficPolicy": policy} if policy else {})})


def virtual(http: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return istio("VirtualService", A, "web", {"hosts": ["web"], "http": http, **more})


def ask(room: Room, path: str = "/", *more: str) -> Said:
    return room.curl(ME, f"http://web{path}", *more)


def headers_of(said: Said) -> dict[str, str]:
    """The response's headers, as `curl -D -` printed them before the body."""
    head = said.out.partition("\r\n\r\n")[0]
    return {k.lower(): v for k, _, v in (line.partition(": ") for line in head.splitlines()[1:])}


def test_weights_share_the_requests(room: Room) -> None:
    with room.rules(rule(), virtual([{"route": [to("v1", weight=80), to("v2", weight=20)]}])):
        room.soon(lambda: ask(room).status, 200)
        asked = room.run(ME, "curl", "-sS", "http://web/?n=[1-100]")
        pods = [json.loads(line)["pod"] for line in asked.out.splitlines()]
        assert len(pods) == 100
        assert 62 <= pods.count("web-1") <= 95
    with room.rules(rule(), virtual([{"route": [to("v1", weight=100), to("v2", weight=0)]}])):
        room.soon(lambda: {ask(room).pod for _ in range(6)}, {"web-1"})


def test_matches_choose_the_route_and_the_first_counts(room: Room) -> None:
    http = [
        {"match": [{"headers": {"x-user": {"exact": "ann"}}}], "route": [to("v2")]},
        {"match": [{"uri": {"prefix": "/two"}}, {"queryParams": {"v": {"exact": "2"}}}], "route": [to("v2")]},
        {"match": [{"uri": {"regex": "/r[0-9]+"}, "method": {"exact": "POST"}}], "route": [to("v2")]},
        {"match": [{"sourceLabels": {"app": "someone-else"}}], "directResponse": {"status": 418}},
        {"route": [to("v1")]},
    ]
    with room.rules(rule(), virtual(http)):
        room.soon(lambda: ask(room).pod, "web-1")
        wanted = {
            ("/",): "web-1",
            ("/", "-H", "x-user: ann"): "web-2",
            ("/", "-H", "x-user: bob"): "web-1",
            ("/two/three",): "web-2",
            ("/?v=2",): "web-2",
            ("/r12",): "web-1",
            ("/r12", "-X", "POST"): "web-2",
            ("/rxx", "-X", "POST"): "web-1",
        }
        assert {words: ask(room, *words).pod for words in wanted} == wanted


def test_rewrites_redirects_and_header_rules_act(room: Room) -> None:
    http = [
        {"match": [{"uri": {"prefix": "/old/"}}], "rewrite": {"uri": "/new/"}, "route": [to()]},
        {"match": [{"uri": {"prefix": "/name"}}], "rewrite": {"authority": "other.example"}, "route": [to()]},
        {
            "match": [{"uri": {"prefix": "/re/"}}],
            "rewrite": {"uriRegexRewrite": {"match": "/re/([a-z]+)/.*", "rewrite": r"/\1"}},
            "route": [to()],
        },
        {
            "match": [{"uri": {"exact": "/away"}}],
            "redirect": {"uri": "/there", "authority": "elsewhere.example", "redirectCode": 302},
        },
        {"match": [{"uri": {"exact": "/tea"}}], "directResponse": {"status": 418, "body": {"string": "pot"}}},
        {
            "headers": {
                "request": {"set": {"x-set": "1"}, "add": {"x-add": "2"}, "remove": ["x-gone"]},
                "response": {"set": {"x-answer": "3"}, "remove": ["x-pod"]},
            },
            "route": [to()],
        },
    ]
    with room.rules(virtual(http)):
        room.soon(lambda: ask(room, "/old/x").status and ask(room, "/old/x").echo["path"], "/new/x")
        assert ask(room, "/name").echo["headers"]["host"] == "other.example"
        assert ask(room, "/re/abc/def").echo["path"] == "/abc"
        away = ask(room, "/away", "-D", "-")
        assert (away.status, headers_of(away)["location"]) == (302, "http://elsewhere.example/there")
        tea = ask(room, "/tea")
        assert (tea.status, tea.body) == (418, "pot")
        seen = ask(room, "/", "-H", "x-gone: 1", "-H", "x-set: 0").echo["headers"]
        assert (seen["x-set"], seen["x-add"], "x-gone" in seen) == ("1", "2", False)
        answered = headers_of(ask(room, "/", "-D", "-"))
        assert (answered["x-answer"], "x-pod" in answered) == ("3", False)


def timed(room: Room, path: str = "/") -> tuple[int, float]:
    began = time.monotonic()
    status = ask(room, path).status
    return status, time.monotonic() - began


def test_faults_delay_and_abort(room: Room) -> None:
    part = {"value": 100}
    http = [
        {"match": [{"uri": {"prefix": "/slow"}}],
         "fault": {"delay": {"fixedDelay": "600ms", "percentage": part}}, "route": [to()]},
        {"match": [{"uri": {"prefix": "/bad"}}],
         "fault": {"abort": {"httpStatus": 555, "percentage": part}}, "route": [to()]},
        {"match": [{"uri": {"prefix": "/grpc"}}],
         "fault": {"abort": {"grpcStatus": "UNAVAILABLE", "percentage": part}}, "route": [to()]},
        {"fault": {"abort": {"httpStatus": 555, "percentage": {"value": 0}}}, "route": [to()]},
    ]  # fmt: skip
    with room.rules(virtual(http)):
        room.soon(lambda: ask(room, "/bad").status, 555)
        assert ask(room, "/").status == 200
        status, took = timed(room, "/slow")
        assert status == 200
        assert took >= 0.6
        grpc = ask(room, "/grpc", "-D", "-", "-H", "content-type: application/grpc")
        assert headers_of(grpc)["grpc-status"] == "14"


def test_timeouts_and_retries(room: Room) -> None:
    http = [
        {"match": [{"uri": {"prefix": "/sleep"}}], "timeout": "300ms", "route": [to("v1")]},
        {
            "match": [{"uri": {"prefix": "/flaky"}}],
            "retries": {"attempts": 3, "retryOn": "5xx", "perTryTimeout": "1s"},
            "route": [to("v1")],
        },
        {"match": [{"uri": {"prefix": "/status"}}], "retries": {"attempts": 0}, "route": [to("v1")]},
        {"route": [to("v1")]},
    ]
    with room.rules(rule(), virtual(http)):
        room.soon(lambda: ask(room, "/sleep/2").status, 504)
        assert timed(room, "/sleep/2")[1] < 1.5
        assert ask(room, "/flaky/3/a").status == 200
        assert ask(room, "/flaky/4/b").status == 503
        assert ask(room, "/seen/flaky/4/b").echo["seen"] == 4, "one try and three more"
        assert ask(room, "/status/503").status == 503
        assert ask(room, "/seen/status/503").echo["seen"] == 1, "0 attempts: no retry"


def test_a_mirror_gets_a_copy_and_its_answer_is_dropped(room: Room) -> None:
    mirrored = {"route": [to("v1")], "mirror": {"host": "web", "subset": "v2"}}
    direct = {"match": [{"headers": {"x-to": {"exact": "v2"}}}], "route": [to("v2")]}
    with room.rules(rule(), virtual([direct, mirrored])):
        room.soon(lambda: {ask(room, "/m").pod for _ in range(4)}, {"web-1"})
        before = ask(room, "/seen/copied", "-H", "x-to: v2").echo["seen"]
        assert ask(room, "/copied").pod == "web-1"
        room.soon(lambda: ask(room, "/seen/copied", "-H", "x-to: v2").echo["seen"] - before, 1)


def test_cross_origin_rules_answer_the_browser(room: Room) -> None:
    cors = {"allowOrigins": [{"exact": "https://ok.example"}], "allowMethods": ["GET"], "maxAge": "1h"}
    with room.rules(virtual([{"corsPolicy": cors, "route": [to()]}])):
        pre = ("-X", "OPTIONS", "-H", "access-control-request-method: GET", "-D", "-")
        good = ("/", *pre, "-H", "origin: https://ok.example")
        room.soon(
            lambda: headers_of(ask(room, *good)).get("access-control-allow-origin"), "https://ok.example"
        )
        assert headers_of(ask(room, *good))["access-control-max-age"] == "3600"
        bad = headers_of(ask(room, "/", *pre, "-H", "origin: https://bad.example"))
        assert "access-control-allow-origin" not in bad


def test_connections_are_shared_and_led_by_tcp_routes(room: Room) -> None:
    tcp = [{"match": [{"port": 9000}], "route": [to("v2")]}]
    spec = {"hosts": ["web"], "tcp": tcp}
    with room.rules(rule(), istio("VirtualService", A, "lines", spec)):
        room.soon(lambda: {room.tcp(ME, "web", 9000).out.partition(":")[0] for _ in range(5)}, {"web-2"})


def test_a_delegate_continues_the_route(room: Room) -> None:
    root = virtual(
        [{"match": [{"uri": {"prefix": "/shop"}}], "delegate": {"name": "shop"}}, {"route": [to("v1")]}]
    )
    own = {"http": [{"match": [{"uri": {"prefix": "/shop/cart"}}], "route": [to("v2")]}]}
    with room.rules(rule(), istio("VirtualService", A, "shop", own), root):
        room.soon(lambda: ask(room, "/shop/cart").pod, "web-2")
        assert ask(room, "/else").pod == "web-1"


def test_connection_limits_answer_503_above_them(room: Room) -> None:
    tight = {"tcp": {"maxConnections": 1}, "http": {"http1MaxPendingRequests": 1}}
    script = (
        "for i in $(seq 8); do curl -s -o /dev/null -w '%{http_code}\\n' http://web/sleep/0.5 & done; wait"
    )
    once = virtual([{"retries": {"attempts": 0}, "route": [to()]}])
    with room.rules(rule(connectionPool=tight), once):
        room.soon(lambda: ask(room).status, 200)
        room.soon(lambda: set(room.run(ME, "bash", "-c", script).out.split()), {"200", "503"})
    wide = {"200"}
    room.soon(lambda: set(room.run(ME, "bash", "-c", script).out.split()), wide, "without the rule")


def test_an_endpoint_that_fails_is_left_out_for_a_while(room: Room) -> None:
    outlier = {
        "consecutive5xxErrors": 2, "interval": "200ms", "baseEjectionTime": "30s", "maxEjectionPercent": 100,
    }  # fmt: skip
    only_v1 = {"match": [{"uri": {"prefix": "/status"}}], "retries": {"attempts": 0}, "route": [to("v1")]}
    fail = virtual([only_v1, {"route": [to()]}])
    del fail["spec"]["http"][0]["route"][0]["destination"]["subset"]
    with room.rules(rule(outlierDetection=outlier), fail):
        room.soon(lambda: {ask(room).pod for _ in range(10)}, {"web-1", "web-2"})
        where = room.address(f"{A}/web-1")
        assert where
        for _ in range(30):
            ask(room, "/status/500")
        room.soon(lambda: ask(room).status, 503, "both have failed: none is left")
    room.soon(lambda: ask(room).status, 200, "without the rule they are back")


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        ({"http": [{"route": [to(host="nobody")]}]}, "DestinationNotFound", "nobody.m-a.svc.cluster.local"),
        ({"http": [{"route": [to("v9")]}]}, "SubsetNotFound", "v9"),
        ({"http": [{"route": [to()]}], "gateways": ["no-gate", "mesh"]}, "GatewayNotFound", "m-a/no-gate"),
        (
            {"http": [{"route": [{"destination": {"host": "web", "port": {"number": 81}}}]}]},
            "PortNotFound",
            "no port 81",
        ),
        ({"http": [{"delegate": {"name": "gone"}, "match": [{"uri": {"prefix": "/"}}]}]},
         "DelegateNotFound", "m-a/gone"),
    ],
    ids=["host", "subset", "gateway", "port", "delegate"],
)  # fmt: skip
def test_a_rule_that_names_what_is_not_there_says_so_and_harms_no_other(
    room: Room, bad: dict[str, Any], reason: str, words: str
) -> None:
    spec = {"hosts": ["web"], **bad}
    name = f"bad-{reason.lower()}"
    with room.rules(istio("VirtualService", A, name, spec)):
        room.soon(lambda: room.accepted("virtualservice", A, name)[0], reason)
        assert words in room.accepted("virtualservice", A, name)[1]
        room.soon(lambda: words in room.events(A, name), True)
        assert room.tcp(ME, "web", 9000).out.startswith("web"), "other listeners are untouched"
        assert room.curl(ME, f"http://each.{A}:8080").status == 200
        if reason in ("DestinationNotFound", "SubsetNotFound", "PortNotFound"):
            room.soon(lambda: ask(room).status, 503)
    room.soon(lambda: ask(room).status, 200)


def test_a_rule_for_a_host_that_nobody_has_says_that_it_has_no_effect(room: Room) -> None:
    with room.rules(istio("DestinationRule", A, "lost", {"host": "nobody"})):
        room.soon(lambda: room.accepted("destinationrule", A, "lost")[0], "HostNotFound")


def two(expression: str) -> dict[str, Any]:
    """A rule with the expression that would turn everything else to v2."""
    return virtual([{"match": [{"uri": {"regex": expression}}], "route": [to("v1")]}, {"route": [to("v2")]}])


def test_an_expression_that_is_none_is_refused_with_its_path(room: Room) -> None:
    with room.rules(rule(), virtual([{"route": [to("v1")]}])):
        room.soon(lambda: ask(room).pod, "web-1")
        refused = room.cluster.run("apply", "-f", "-", text=json.dumps(two("([a-z")))
        assert refused.code == 1
        assert "spec.http[0].match[0].uri.regex" in refused.err
        assert ask(room).pod == "web-1"


def test_what_envoy_refuses_is_told_on_the_pod_and_the_last_good_state_stays(room: Room) -> None:
    """`(?x)` is an expression, but none of RE2; that is known only once Envoy has seen it."""
    with room.rules(rule(), virtual([{"route": [to("v1")]}])):
        room.soon(lambda: ask(room).pod, "web-1")
        room.apply(two("(?x)a b"))
        said = "ConfigurationRefused: Envoy refused RouteConfiguration 80"
        room.soon(lambda: said in room.events(A, "client"), True)
        assert ask(room).pod == "web-1"
        assert room.curl(ME, f"http://each.{A}:8080").status == 200
        room.apply(two("/ab"))
        room.soon(lambda: (ask(room).pod, ask(room, "/ab").pod), ("web-2", "web-1"), "good again")


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("networking.istio.io/v1", "Sidecar"),
        ("networking.istio.io/v1alpha3", "EnvoyFilter"),
        ("networking.istio.io/v1", "WorkloadEntry"),
        ("security.istio.io/v1", "RequestAuthentication"),
        ("telemetry.istio.io/v1", "Telemetry"),
    ],
)
def test_what_is_stored_without_effect_says_so_where_it_is_written(room: Room, group: str, kind: str) -> None:
    made = {"apiVersion": group, "kind": kind, "metadata": {"name": "idle", "namespace": A}, "spec": {}}
    done = room.cluster.run("apply", "--dry-run=server", "-f", "-", text=json.dumps(made))
    assert done.ok, done.err
    assert f"{kind} is stored but has no effect yet" in done.err
