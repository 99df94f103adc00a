"""Coming up, going down, and the two in the presence of others."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from hauberk.cluster import client, find, options, processes
from hauberk.node.enter import inside_pid
from hauberk.node.keeper.preflight import which
from hauberk.testing.cluster import HAUBERK, eventually, hauberk

pytestmark = pytest.mark.system


@pytest.fixture
def name() -> Iterator[str]:
    own = f"l-{secrets.token_hex(3)}"
    yield own
    hauberk("down", "--name", own, "--purge")


def host_network() -> list[str]:
    """The host's links, its packet rules when this user may see them, and what is mounted."""
    seen = [["ip", "-o", "link"], [which("nft"), "list", "ruleset"], ["cat", "/proc/self/mounts"]]
    return [subprocess.run(argv, capture_output=True, text=True, check=False).stdout for argv in seen]


def left_of(name: str, tree: list[int]) -> list[str]:
    """Processes, unix sockets and the directory of a cluster that should be gone."""
    run = options.paths_of(name).run
    sockets = [line for line in Path("/proc/net/unix").read_text().splitlines() if f"{run}/" in line]
    return [
        *(str(pid) for pid in tree if processes.find(pid)),
        *sockets,
        *([str(run)] if run.exists() else []),
    ]


def test_down_leaves_no_process_socket_link_or_rule(name: str) -> None:
    before = host_network()
    assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
    tree = processes.descendants(find.keeper(name).pid)
    assert len(tree) >= 4
    done = hauberk("down", "--name", name)
    assert done.returncode == 0, done.stderr
    assert left_of(name, tree) == []
    assert host_network() == before


def test_the_kubeconfig_and_the_sockets_are_private(name: str) -> None:
    assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
    paths = find.running(name).paths
    assert stat.S_IMODE(paths.run.stat().st_mode) == 0o700
    assert stat.S_IMODE(paths.kubeconfig.stat().st_mode) == 0o600
    keys = [p for p in paths.pki.rglob("*") if p.is_file() and b"PRIVATE KEY" in p.read_bytes()]
    assert keys
    assert all(stat.S_IMODE(k.stat().st_mode) == 0o600 for k in keys)


@contextmanager
def taken_port(port: int = 0) -> Iterator[int]:
    """A port that somebody listens on; a given one may be somebody else's already."""
    with socket.socket() as door:
        with suppress(OSError):
            door.bind(("127.0.0.1", port))
            door.listen()
        yield port or door.getsockname()[1]


def test_usual_ports_that_are_taken_are_stepped_around_and_the_others_are_printed(name: str) -> None:
    usual = (6443, 443, 8443, 80, 8080)
    with ExitStack() as stack:
        for port in usual:
            stack.enter_context(taken_port(port))
        up = hauberk("up", "--ephemeral", "--name", name)
    assert up.returncode == 0, up.stderr
    chosen = find.running(name)
    ports = (chosen.api_port, chosen.https_port, chosen.http_port)
    assert not set(ports) & set(usual)
    assert all(f"127.0.0.1:{port}" in up.stderr for port in ports)


@pytest.mark.parametrize("door", ["api", "https", "http"])
def test_an_asked_port_that_is_taken_is_a_problem_and_nothing_starts(name: str, door: str) -> None:
    with taken_port() as port:
        refused = hauberk("up", "--ephemeral", "--name", name, f"--{door}-port", str(port))
    assert refused.returncode == 1
    assert all(word in refused.stderr for word in (str(port), "wanted:", "found:", "fix:"))
    assert not options.paths_of(name).run.exists()


def test_two_clusters_run_side_by_side_with_pod_networks_of_their_own(name: str) -> None:
    other = f"{name}-b"
    try:
        for each in (name, other):
            assert hauberk("up", "--ephemeral", "--name", each).returncode == 0
        one, two = find.running(name), find.running(other)
        assert not {one.api_port, one.https_port, one.http_port} & {
            two.api_port, two.https_port, two.http_port
        }  # fmt: skip
        networks = {os.readlink(f"/proc/{inside_pid(each.paths)}/ns/net") for each in (one, two)}
        assert len(networks | {os.readlink("/proc/self/ns/net")}) == 3
        assert hauberk("down", "--name", other).returncode == 0
        assert client.is_ready(one.paths.api_socket)
    finally:
        hauberk("down", "--name", other)


def test_up_again_does_nothing_and_up_with_other_options_says_so(name: str) -> None:
    assert hauberk("up", "--ephemeral", "--name", name).returncode == 0
    before = find.keeper(name)
    assert hauberk("up", "--name", name).returncode == 0
    refused = hauberk("up", "--name", name, "--domain", "other.example.com", "--strict")
    assert refused.returncode == 1
    assert all(word in refused.stderr for word in ("domain other.example.com", "strict True", "fix:"))
    assert find.keeper(name) == before


def test_of_two_starts_at_once_one_waits_for_the_other(name: str) -> None:
    argv = [*HAUBERK, "up", "--ephemeral", "--name", name]
    starts = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0], said
    assert sum("is already running" in text for text in said) == 1


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


@contextmanager
def in_foreground(name: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*HAUBERK, "up", "--ephemeral", "--foreground", "--name", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_foreground_stops_cleanly_on_ctrl_c_and_the_like(name: str, number: signal.Signals) -> None:
    with in_foreground(name) as process:
        eventually(lambda: client.is_ready(options.paths_of(name).api_socket), what="the API answers")
        tree = processes.descendants(find.keeper(name).pid)
        process.send_signal(number)
        process.communicate(timeout=40)
    assert process.returncode == 130
    assert left_of(name, tree) == []


@pytest.mark.parametrize("sign", ["options.json", "data/logs/keeper.log", "keeper.json", "api.sock"])
def test_ctrl_c_during_the_start_leaves_nothing(name: str, sign: str) -> None:
    """`sign` is the file whose appearance says how far the start has come."""
    run = options.paths_of(name).run
    with in_foreground(name) as process:
        eventually(lambda: (run / sign).exists(), what=sign, every_s=0.002)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=40)
    assert process.returncode == 130
    assert left_of(name, []) == []
    assert not [p for p in processes.pids() if str(run) in " ".join(processes.command_line(p))]


def test_ctrl_c_during_the_demo_leaves_nothing_and_exits_with_130(name: str) -> None:
    demo = subprocess.Popen([*HAUBERK, "demo", "--name", name], stderr=subprocess.PIPE, text=True)
    eventually(
        lambda: client.is_ready(options.paths_of(name).api_socket), what="the API answers", every_s=0.01
    )
    tree = processes.descendants(find.keeper(name).pid)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=40)
    assert demo.returncode == 130
    assert left_of(name, tree) == []


def test_the_demo_does_not_end_a_cluster_that_keeps_state(name: str, tmp_path: Path) -> None:
    env = {"XDG_DATA_HOME": str(tmp_path)}
    assert hauberk("up", "--name", name, env=env).returncode == 0
    refused = hauberk("demo", "--name", name, env=env)
    assert refused.returncode == 1
    assert "fix:    hauberk demo --name" in refused.stderr
    assert find.is_running(name)
