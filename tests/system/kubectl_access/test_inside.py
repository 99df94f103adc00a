"""Work with pods, with real kubectl: exec, attach, cp, port-forward, top, logs, events."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import struct
import subprocess
import termios
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import Space

pytestmark = pytest.mark.system

SERVE = (
    "cd /tmp; echo hello > index.html; echo to-stdout; echo to-stderr >&2; "
    "exec python3 -u -m http.server 8080 --bind 127.0.0.1"
)
WAYS = {
    "websocket": {},
    "spdy": {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"},
}


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Space]:
    """A fresh namespace with a pod that listens on its loopback."""
    name = f"i-{secrets.token_hex(3)}"
    cluster.must("create", "namespace", name)
    found = Space(cluster, name)
    found.pod("web", SERVE, env=[{"name": "COLOUR", "value": "blue"}], workingDir="/tmp")
    found.wait("pod/web", "condition=Ready")
    try:
        yield found
    finally:
        cluster.must("delete", "namespace", name, "--wait=false")


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    """How kubectl speaks to the API."""
    return WAYS[request.param]


def command(space: Space, *args: str) -> list[str]:
    return [space.cluster.kube, "-n", space.namespace, *args]


def environment(space: Space, way: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(space.cluster.options.paths.kubeconfig), **way}


def kubectl(
    space: Space, way: dict[str, str], *args: str, text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(space, *args),
        env=environment(space, way),
        input=text,
        capture_output=True,
        timeout=30,
        check=False,
    )


def test_a_commands_streams_and_exit_code_come_back(space: Space, way: dict[str, str]) -> None:
    ran = kubectl(
        space, way, "exec", "web", "--", "sh", "-c", "pwd; echo $COLOUR; hostname; echo oops >&2; exit 3"
    )
    assert ran.stdout == b"/tmp\nblue\nweb\n"
    assert ran.stderr.startswith(b"oops\n")
    assert ran.returncode == 3
    data = os.urandom(300_000)
    ran = kubectl(space, way, "exec", "-i", "web", "--", "cat", text=data)
    assert (ran.returncode, ran.stdout) == (0, data)


def test_what_cannot_run_says_why(space: Space) -> None:
    missing = space.run("exec", "web", "--", "nosuch")
    assert 'exec: "nosuch": executable file not found in $PATH' in missing.err
    assert 'pods "nobody" not found' in space.run("exec", "nobody", "--", "ls").err
    assert "container x is not valid for pod web" in space.run("exec", "web", "-c", "x", "--", "ls").err


def test_a_terminal_is_one_of_the_container_with_the_size_of_the_users(
    space: Space, way: dict[str, str]
) -> None:
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    script = "tty; read line; echo got $line; stty size; test -t 0 && exit 7"
    with subprocess.Popen(
        command(space, "exec", "-it", "web", "--", "sh", "-c", script),
        env=environment(space, way),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(ours, 4096):
                if b"/dev/pts/" in piece:
                    os.write(ours, b"typed\r")
                shown += piece
    os.close(ours)
    assert b"got typed" in shown
    assert b"33 77" in shown
    assert process.returncode == 7


def test_nothing_that_a_short_command_shows_is_lost(space: Space, way: dict[str, str]) -> None:
    for _ in range(8):
        ours, theirs = os.openpty()
        with subprocess.Popen(
            command(space, "exec", "-it", "web", "--", "sh", "-c", "echo first; echo last"),
            env=environment(space, way),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ):
            os.close(theirs)
            shown = b""
            with contextlib.suppress(OSError):
                while piece := os.read(ours, 4096):
                    shown += piece
        os.close(ours)
        assert b"first\r\nlast" in shown


def test_files_are_copied_both_ways(space: Space, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_bytes(os.urandom(2_000_000))
    space.must("cp", str(there), "web:/tmp/copied")
    space.must("cp", "web:/tmp/copied", str(back))
    assert back.read_bytes() == there.read_bytes()


@contextmanager
def forwarded(space: Space, way: dict[str, str], what: str, port: int) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        local = probe.getsockname()[1]
    process = subprocess.Popen(
        command(space, "port-forward", what, f"{local}:{port}"),
        env=environment(space, way),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        assert b"Forwarding from" in process.stdout.readline()
        yield local
    finally:
        process.terminate()
        process.communicate()


def answer_of(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return bytes(answer.read())


def test_a_port_of_the_pods_loopback_is_forwarded(space: Space, way: dict[str, str]) -> None:
    with forwarded(space, way, "pod/web", 8080) as port:
        for _ in range(5):
            assert answer_of(port) == b"hello\n"
    with forwarded(space, way, "pod/web", 9) as port, pytest.raises((OSError, HTTPException)):
        answer_of(port)


def test_a_service_is_forwarded_to_one_of_its_pods(space: Space) -> None:
    space.must("label", "pod", "web", "app=web", "--overwrite")
    space.must("create", "service", "clusterip", "web", "--tcp=80:8080")
    with forwarded(space, {}, "service/web", 80) as port:
        assert answer_of(port) == b"hello\n"


def test_attach_shows_what_the_container_says_from_now_on(space: Space, way: dict[str, str]) -> None:
    space.pod(f"talks{len(way)}", "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.2; done")
    space.wait(f"pod/talks{len(way)}", "condition=Ready")
    process = subprocess.Popen(
        command(space, "attach", f"talks{len(way)}"),
        env=environment(space, way),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout is not None
        first, second = process.stdout.readline().split(), process.stdout.readline().split()
        process.kill()
    assert (first[0], int(second[1])) == (b"line", int(first[1]) + 1)


def test_what_cannot_be_attached_to_says_why(space: Space) -> None:
    space.pod("asks", "sleep 60", stdin=True)
    space.wait("pod/asks", "condition=Ready")
    told = space.run("attach", "-i", "asks", text="x").err
    assert "has no stdin and no terminal" in told


def test_exec_is_a_permission_of_its_own(space: Space) -> None:
    space.must("create", "rolebinding", "looks", "--clusterrole=view", "--user=ann")
    refused = space.run("exec", "web", "--as", "ann", "--", "true").err
    assert (
        'User "ann" cannot get resource "pods/exec"' in refused
        or 'cannot create resource "pods/exec"' in refused
    )
    assert "to-stdout" in space.must("logs", "web", "--as", "ann")


def test_logs_by_time_and_size(space: Space) -> None:
    assert "to-stdout" in space.must("logs", "web", "--since-time=2020-01-01T00:00:00Z")
    assert space.must("logs", "web", "--since-time=2100-01-01T00:00:00Z") == ""
    assert space.must("logs", "web", "--limit-bytes=4") == "to-s"
    assert len(space.must("logs", "web", "--tail=1", "--timestamps").splitlines()) == 1


def test_top_shows_what_is_really_used(space: Space) -> None:
    space.pod("busy", "exec python3 -c 'while True: pass'")
    space.wait("pod/busy", "condition=Ready")

    def cores() -> int:
        rows = [r.split() for r in space.must("top", "pod", "busy", "--no-headers").splitlines()]
        return int(rows[0][1].removesuffix("m"))

    eventually(lambda: cores() > 100, what="a busy pod")
    assert "hauberk" in space.must("top", "node")
    space.must("delete", "pod", "busy", "--grace-period=0", "--force")


def test_debug_is_refused_in_words(space: Space) -> None:
    told = space.run("debug", "web", "--image=hauberk.local/curl", "--profile=general").err
    assert "ephemeral containers are disabled for this cluster" in told


def test_events_wait_and_rollout(space: Space) -> None:
    space.must("create", "deployment", "d", "--image=hauberk.local/helloworld")
    space.must("rollout", "status", "deployment/d", "--timeout=30s")
    space.must("wait", "deployment/d", "--for=condition=Available", "--timeout=10s")
    space.must("rollout", "restart", "deployment/d")
    space.must("rollout", "status", "deployment/d", "--timeout=30s")
    assert "2" in space.must("rollout", "history", "deployment/d")
    space.must("rollout", "undo", "deployment/d")
    assert "Scheduled" in space.must("events", "--for", "pod/web")
