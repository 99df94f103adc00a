"""A machine or a state that is not as it should be: one clear Problem, or it heals."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hauberk.cluster import find, options, processes
from hauberk.demo.shell import kubernetes_client
from hauberk.testing.cluster import HAUBERK, eventually, hauberk

pytestmark = pytest.mark.system


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    own = f"s-{secrets.token_hex(3)}"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    yield own
    hauberk("down", "--name", own, "--purge")


def up(name: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return hauberk("up", "--name", name, *flags)


def assert_problem(ran: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit 1, and the four parts of one Problem, without a traceback."""
    assert ran.returncode == 1, ran.stderr
    assert all(ran.stderr.count(part) == 1 for part in ("wanted: ", "found:  ", "fix:    ")), ran.stderr
    assert "Traceback" not in ran.stderr
    assert all(word in ran.stderr for word in words), ran.stderr


# What lies in the way before a start.


def stale_run(name: str) -> None:
    run = options.paths_of(name).run
    (run / "pods" / "gone").mkdir(parents=True, mode=0o700)
    run.chmod(0o700)
    (run / "keeper.json").write_text(json.dumps({"pid": os.getpid(), "inside_pid": 1}))
    for rest in (
        "keeper.sock",
        "api.sock",
        "result.json",
        "keeper-spec.json",
        "problem.json",
        "options.json",
    ):
        (run / rest).write_text("left by a crash")


def spoilt_record(name: str) -> None:
    data = options.paths_of(name).data
    data.mkdir(parents=True, mode=0o700)
    (data / "options.json").write_text('{"name": ')


@pytest.mark.parametrize("spoil", [stale_run, spoilt_record])
def test_what_a_crash_left_does_not_keep_a_cluster_from_starting(
    name: str, spoil: Callable[[str], None]
) -> None:
    spoil(name)
    started = up(name)
    assert started.returncode == 0, started.stderr
    assert find.running(name).name == name


@pytest.mark.parametrize("content", ["{", '{"pid": 1}'])
def test_a_running_cluster_is_found_and_stopped_whatever_its_files_say(name: str, content: str) -> None:
    assert up(name).returncode == 0
    run = options.paths_of(name).run
    keeper = find.keeper(name)
    for file in ("keeper.json", "options.json"):
        (run / file).write_text(content)
    assert find.keeper(name) == keeper
    assert hauberk("status", "--name", name).returncode == 0
    assert up(name).returncode == 0
    assert hauberk("down", "--name", name).returncode == 0
    assert not run.exists()


def test_a_cluster_whose_run_directory_was_removed_is_found_and_stopped(name: str) -> None:
    assert up(name).returncode == 0
    tree = processes.descendants(find.keeper(name).pid)
    away = Path(f"{options.paths_of(name).run}-away")
    options.paths_of(name).run.rename(away)
    try:
        assert hauberk("down", "--name", name).returncode == 0
    finally:
        shutil.rmtree(away, ignore_errors=True)
    assert [pid for pid in tree if processes.find(pid)] == []


def test_a_spoilt_database_is_named_at_once_and_is_not_touched(name: str) -> None:
    assert up(name).returncode == 0
    assert hauberk("down", "--name", name).returncode == 0
    database = options.paths_of(name).database
    garbage = b"not a database" * 1000
    database.write_bytes(garbage)
    assert_problem(up(name), str(database), "not a database")
    assert database.read_bytes() == garbage
    assert not options.paths_of(name).run.exists()


def kubectl(name: str, *args: str) -> str:
    config = str(options.paths_of(name).kubeconfig)
    ran = subprocess.run(
        [kubernetes_client(), "--kubeconfig", config, *args],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_lost_key_of_the_secrets_is_named_and_the_right_one_opens_them_again(name: str) -> None:
    assert up(name).returncode == 0
    kubectl(name, "create", "secret", "generic", "s", "--from-literal=word=hidden")
    assert hauberk("down", "--name", name).returncode == 0
    key = options.paths_of(name).pki / "secrets.key"
    aside = key.rename(key.with_name("aside"))
    assert_problem(up(name), "the cluster's Secrets cannot be read", str(key), "put the key back")
    assert not key.exists(), "a new key would hide the loss"
    aside.rename(key)
    assert up(name).returncode == 0
    assert kubectl(name, "get", "secret", "s", "-o", "jsonpath={.data.word}") == "aGlkZGVu"


def test_an_audit_policy_that_cannot_be_used_is_named(name: str) -> None:
    assert up(name).returncode == 0
    assert hauberk("down", "--name", name).returncode == 0
    policy = options.paths_of(name).data / "audit-policy.yaml"
    policy.write_text("kind: Policy\nrules: [{level: RequestResponse}]\n")
    assert_problem(up(name), "audit policy", "level RequestResponse", "audit-policy.yaml")
    policy.write_text("kind: Policy\nrules: [{level: None}]\n")
    assert up(name).returncode == 0


def test_a_control_plane_that_cannot_start_again_says_why_and_its_pods_stay(name: str) -> None:
    assert up(name).returncode == 0
    paths = options.paths_of(name)
    eventually(lambda: find.ask_keeper(paths, "running"), what="the router's process")
    os.kill(find.control_plane(name), signal.SIGKILL)
    for file in (paths.database, Path(f"{paths.database}-wal")):  # the log alone would heal the file
        file.write_bytes(b"not a database" * 1000)
    eventually(lambda: find.problem_of(paths), what="the control plane's last words")
    status = hauberk("status", "--name", name)
    assert status.returncode == 1
    assert "the cluster's database cannot be opened" in status.stdout
    assert_problem(up(name), str(paths.database))
    assert find.ask_keeper(paths, "running")


# What the machine does not give.


def in_user_namespace(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command after a script, as root of a user and mount namespace of their own."""
    line = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh"]
    return subprocess.run([*line, *argv], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("kind", ["user", "net"])
def test_forbidden_namespaces_are_a_problem_with_the_command_that_allows_them(name: str, kind: str) -> None:
    setting = f"max_{kind}_namespaces"
    refused = in_user_namespace(f"echo 0 > /proc/sys/user/{setting}", *HAUBERK, "up", "--name", name)
    assert_problem(refused, f"sudo sysctl -w user.{setting}=")
    assert not options.paths_of(name).run.exists()


def test_a_run_directory_that_cannot_be_written_is_a_problem(name: str) -> None:
    root = options.run_root()
    root.mkdir(mode=0o700, exist_ok=True)
    read_only = f"mount -t tmpfs tmpfs {root} && mount -o remount,ro {root}"
    assert_problem(in_user_namespace(read_only, *HAUBERK, "up", "--name", name), str(root), "Read-only")


def test_something_else_in_the_place_of_the_run_directory_is_a_problem(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="hbr-") as base:  # a short path, as sockets need
        (Path(base) / "hauberk").write_text("a file")
        monkeypatch.setenv("XDG_RUNTIME_DIR", base)
        assert_problem(up(name), base, "XDG_RUNTIME_DIR")


# A disk that is full.


@dataclass(frozen=True)
class SmallDisk:
    """A tmpfs in a mount namespace of its own; commands run where it is seen."""

    folder: Path
    holder: int

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "-t", str(self.holder), "-U", "-m", "--preserve-credentials", "--"]
        env = {**os.environ, "XDG_DATA_HOME": str(self.folder)}
        return subprocess.run(
            [*enter, *argv], capture_output=True, text=True, timeout=90, check=False, env=env
        )

    def fill(self) -> None:
        """Leave not a byte."""
        self.run(
            "sh",
            "-c",
            f"dd if=/dev/zero of={self.folder}/filler bs=64k; cat /dev/zero >>{self.folder}/filler",
        )

    def free(self) -> None:
        self.run("rm", "-f", f"{self.folder}/filler")


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[SmallDisk]:
    folder.mkdir(exist_ok=True)
    line = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    script = f"mount -t tmpfs -o size={mib}m tmpfs {folder} && echo mounted && exec cat"
    with subprocess.Popen(
        [*line, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mounted\n"
        try:
            yield SmallDisk(folder, holder.pid)
        finally:
            holder.terminate()


def test_a_full_disk_refuses_the_start_and_refuses_writes_but_keeps_what_was_acknowledged(
    name: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 64) as disk:
        try:
            disk.fill()
            assert_problem(disk.run(*HAUBERK, "up", "--name", name), "the disk is full", "MiB free")
            disk.free()
            started = disk.run(*HAUBERK, "up", "--name", name)
            assert started.returncode == 0, started.stderr
            _write_until_refused_and_go_on(disk, name)
        finally:
            disk.run(*HAUBERK, "down", "--name", name)


def _write_until_refused_and_go_on(disk: SmallDisk, name: str) -> None:
    config = f"{disk.folder}/hauberk/{name}/kubeconfig"

    def kubectl(*args: str) -> subprocess.CompletedProcess[str]:
        return disk.run("kubectl", "--kubeconfig", config, *args)

    def write(i: int) -> subprocess.CompletedProcess[str]:
        return kubectl("create", "configmap", f"kept-{i}", f"--from-literal=big={'x' * 100_000}")

    control_plane = find.control_plane(name)
    kept = [f"configmap/kept-{i}" for i in range(3) if write(i).returncode == 0]
    disk.fill()
    refused = next(ran for ran in map(write, range(100, 140)) if ran.returncode)
    assert "disk" in refused.stderr
    assert "full" in refused.stderr
    disk.free()
    eventually(lambda: write(200).returncode == 0, what="writes are taken again")
    assert find.control_plane(name) == control_plane, "a full disk is no reason to end"
    assert disk.run(*HAUBERK, "down", "--name", name).returncode == 0
    again = disk.run(*HAUBERK, "up", "--name", name)
    assert again.returncode == 0, again.stderr
    names = kubectl("get", "configmaps", "-o", "name").stdout.split()
    assert {*kept, "configmap/kept-200"} <= set(names)
