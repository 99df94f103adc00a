"""What an Envoy knows before the control plane speaks to it."""

from __future__ import annotations

import json
from pathlib import Path

from hauberk.xds.bootstrap import STATS, argv, proxy

CONFIG = proxy("uid-1", xds_socket=Path("/run/xds.sock"), admin_socket=Path("/run/p/admin.sock"))


def test_it_names_the_pod_and_the_two_sockets() -> None:
    assert CONFIG["node"]["id"] == "uid-1"
    assert CONFIG["admin"]["address"]["pipe"] == {"path": "/run/p/admin.sock", "mode": 0o600}
    clusters = {c["name"]: c for c in CONFIG["static_resources"]["clusters"]}
    endpoint = clusters["xds-grpc"]["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["address"]["pipe"]["path"] == "/run/xds.sock"
    assert json.loads(json.dumps(CONFIG)) == CONFIG


def test_upstream_sockets_are_marked_unless_told_otherwise() -> None:
    (option,) = CONFIG["cluster_manager"]["upstream_bind_config"]["socket_options"]
    assert (option["level"], option["name"], option["int_value"]) == (1, 36, 1337)
    unmarked = proxy("u", xds_socket=Path("x"), admin_socket=Path("a"), mark=0)
    assert "cluster_manager" not in unmarked


def test_the_command_has_one_worker_and_no_hot_restart() -> None:
    words = argv(Path("/envoy"), Path("/c.json"), drain_s=7)
    assert words[:3] == ["/envoy", "-c", "/c.json"]
    assert words[words.index("--concurrency") + 1] == "1"
    assert words[words.index("--drain-time-s") + 1] == "7"
    assert "--disable-hot-restart" in words


def test_statistics_by_which_the_proxy_itself_decides_are_kept() -> None:
    """The health check filter of rewritten tcp and grpc probes counts healthy hosts by gauges."""
    assert any("cluster.app-health|actor/readyz.membership_healthy".startswith(prefix) for prefix in STATS)
