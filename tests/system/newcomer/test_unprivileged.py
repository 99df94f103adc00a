"""A newcomer without root: an account of their own, an empty home, a clone, the README's commands.

Needs root to make the account; without it the whole file is skipped, and says so.
"""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hauberk.cluster import processes
from hauberk.demo.proofs import PROOFS

ROOT = Path(__file__).parents[3]
PASSED_ON = ("PIP_", "UV_", "SSL_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "NO_PROXY")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("useradd") or not shutil.which("runuser"),
        reason="only root can make an account to be unprivileged with",
    ),
]


def owner(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return -1


@dataclass(frozen=True)
class Newcomer:
    """An account that owns nothing but a clone of this repository."""

    name: str
    uid: int
    home: Path

    def run(self, *argv: str, timeout_s: float = 400, **env: str) -> subprocess.CompletedProcess[str]:
        """Run as the newcomer, in the clone, with the environment of a plain login."""
        kept = {k: v for k, v in os.environ.items() if k.startswith(PASSED_ON)}
        login = {
            "HOME": str(self.home),
            "USER": self.name,
            "LANG": "C.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        return subprocess.run(
            [shutil.which("runuser") or "runuser", "-u", self.name, "--", *argv],
            cwd=self.home / "hauberk",
            env={**kept, **login, **env},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def processes(self) -> list[str]:
        """The command lines of everything that runs under the account."""
        alive = [pid for pid in processes.pids() if processes.find(pid)]
        return [" ".join(processes.command_line(pid)) for pid in alive if owner(pid) == self.uid]

    def left(self) -> list[str]:
        """What is left of clusters: processes, and anything in the run directory."""
        run = Path(tempfile.gettempdir()) / f"hauberk-{self.uid}"
        return self.processes() + [str(p) for p in (run.iterdir() if run.exists() else ())]


@pytest.fixture(scope="module")
def newcomer() -> Iterator[Newcomer]:
    name = f"hbn-{secrets.token_hex(3)}"
    home = Path(tempfile.mkdtemp(prefix="newcomer-", dir="/var/tmp"))
    subprocess.run(
        ["useradd", "--home-dir", home, "--no-create-home", "--shell", "/bin/sh", name], check=True
    )
    try:
        uid = pwd.getpwnam(name).pw_uid
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, home / "hauberk"], check=True)
        subprocess.run(["chown", "-R", f"{name}:", home], check=True)
        yield Newcomer(name, uid, home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(Path(tempfile.gettempdir()) / f"hauberk-{uid}", ignore_errors=True)
        subprocess.run(["userdel", name], check=False, capture_output=True)


@pytest.fixture(scope="module")
def demo(newcomer: Newcomer) -> subprocess.CompletedProcess[str]:
    """The README's first command, which also makes `.venv`."""
    return newcomer.run("make", "demo")


def test_the_demo_runs_from_a_fresh_clone_without_root_and_every_proof_holds(
    newcomer: Newcomer, demo: subprocess.CompletedProcess[str]
) -> None:
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert f"{len(PROOFS)} of {len(PROOFS)} proofs hold" in demo.stderr
    assert newcomer.left() == []
    assert len(PROOFS) == 7


@pytest.mark.usefixtures("demo")
def test_without_root_no_port_below_1024_is_taken_and_state_persists(newcomer: Newcomer) -> None:
    hauberk = ".venv/bin/hauberk"
    up = newcomer.run(hauberk, "up")
    assert up.returncode == 0, up.stderr
    endpoints = json.loads(newcomer.run(hauberk, "status", "-o", "json").stdout)["endpoints"]
    assert all(int(where.rpartition(":")[2]) >= 1024 for where in endpoints.values())
    config = newcomer.run(hauberk, "kubeconfig", "--path").stdout.strip()
    assert config == f"{newcomer.home}/.local/share/hauberk/hauberk/kubeconfig"
    assert newcomer.run("kubectl", "create", "namespace", "kept", KUBECONFIG=config).returncode == 0
    assert newcomer.run(hauberk, "down").returncode == 0
    assert newcomer.left() == []
    assert newcomer.run(hauberk, "up").returncode == 0
    assert newcomer.run("kubectl", "get", "namespace", "kept", KUBECONFIG=config).returncode == 0
    assert json.loads(newcomer.run(hauberk, "status", "-o", "json").stdout)["endpoints"] == endpoints
    entered = newcomer.run(hauberk, "enter", "--", "ip", "-o", "addr")
    assert "10.128.0.1/16" in entered.stdout
    assert newcomer.run(hauberk, "down", "--purge").returncode == 0
    assert newcomer.left() == []


@pytest.mark.usefixtures("demo")
def test_a_runtime_directory_of_the_session_is_used(newcomer: Newcomer) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="hbx-") as folder:
        os.chown(folder, newcomer.uid, -1)
        env = {"XDG_RUNTIME_DIR": folder}
        up = newcomer.run(".venv/bin/hauberk", "up", "--ephemeral", **env)
        assert up.returncode == 0, up.stderr
        assert (Path(folder) / "hauberk" / "hauberk" / "api.sock").exists()
        assert newcomer.run(".venv/bin/hauberk", "down", **env).returncode == 0
        assert not (Path(folder) / "hauberk" / "hauberk").exists()


def test_installed_as_a_tool_it_starts_a_cluster_away_from_the_clone(newcomer: Newcomer) -> None:
    """What `pipx install .` does: an environment of its own and a built package, nothing of the clone."""
    tool = newcomer.home / "tool"
    made = newcomer.run("sh", "-c", f"/usr/bin/python3 -m venv {tool} && {tool}/bin/pip install -q .")
    assert made.returncode == 0, made.stderr
    away = ["env", "-C", "/", f"{tool}/bin/hauberk"]
    up = newcomer.run(*away, "up", "--ephemeral", "--name", "tool")
    assert up.returncode == 0, up.stderr
    report = json.loads(newcomer.run(*away, "status", "--name", "tool", "-o", "json").stdout)
    assert report["state"] == "running"
    assert newcomer.run(*away, "down", "--name", "tool").returncode == 0
    assert newcomer.left() == []
