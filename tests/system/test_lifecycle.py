"""Coming up, going down, and the two in the presence of others."""

from __future__ import annotations

import secrets
import socket
import stat
import subprocess
from collections.abc import Iterator

import pytest

from hauberk.cluster import find, options, processes
from hauberk.node.keeper.preflight import which
from hauberk.testing.cluster import HAUBERK, eventually, hauberk

pytestmark = pytest.mark.system


@pytest.fixture
def name() -> Iterator[str]:
    own = f"l-{secrets.token_hex(3)}"
    yield own
    hauberk("down", "--name", own, "--purge")


def links() -> str:
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


def test_down_leaves_no_process_socket_or_link(name: str) -> None:
    before = links()
    assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
    tree = processes.descendants(find.keeper(name).pid)
    assert len(tree) >= 4
    done = hauberk("down", "--name", name)
    assert done.returncode == 0, done.stderr
    assert not [pid for pid in tree if processes.find(pid)]
    assert not options.paths_of(name).run.exists()
    assert links() == before


def test_the_kubeconfig_and_the_sockets_are_private(name: str) -> None:
    assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
    paths = find.running(name).paths
    assert stat.S_IMODE(paths.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.kubeconfig.stat().st_mode) == 0o600
    keys = [p for p in paths.pki.rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()]
    assert keys
    assert all(stat.S_IMODE(k.stat().st_mode) == 0o600 for k in keys)


def test_a_taken_usual_port_is_stepped_around_and_a_taken_asked_port_is_a_problem(name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = hauberk("up", "--ephemeral", "--name", name, "--api-port", str(port))
    assert refused.returncode == 1
    assert all(word in refused.stderr for word in (str(port), "wanted:", "found:", "fix:"))
    assert not options.paths_of(name).run.exists() or not find.is_running(name)


def test_two_clusters_run_side_by_side_on_different_ports(name: str) -> None:
    other = f"{name}-b"
    try:
        assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
        assert hauberk("up", "--ephemeral", "--name", other).returncode == 0
        assert find.running(name).api_port != find.running(other).api_port
    finally:
        hauberk("down", "--name", other)


def test_status_of_a_cluster_that_does_not_run_says_how_to_start_it(name: str) -> None:
    status = hauberk("status", "--name", name)
    assert status.returncode == 1
    assert f"hauberk up --name {name}" in status.stdout + status.stderr


def test_without_nft_up_names_the_package(name: str) -> None:
    nft = which("nft")
    assert nft
    without_nft = ["unshare", "-rm", "sh", "-c", 'mount --bind /dev/null "$0" && exec "$@"', nft]
    refused = subprocess.run(
        [*without_nft, *HAUBERK, "up", "--ephemeral", "--name", name],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert "nftables" in refused.stderr
    assert "fix:" in refused.stderr


def test_foreground_stops_cleanly_on_ctrl_c(name: str) -> None:
    import signal
    import sys

    process = subprocess.Popen(
        [sys.executable, "-m", "hauberk.cli.main", "up", "--ephemeral", "--foreground", "--name", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    eventually(lambda: find.is_running(name), what="the cluster runs")
    tree = processes.descendants(find.keeper(name).pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=40)
    assert not [pid for pid in tree if processes.find(pid)]
