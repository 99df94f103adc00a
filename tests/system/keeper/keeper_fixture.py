"""A real keeper in a directory of its own, as the caller or as another user, and a client connected to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.paths import Paths
from hauberk.node import enter
from hauberk.node.images.model import ResolvedImage
from hauberk.node.runtime import Exit, Launch, Running, Runtime

SOURCES = Path(__file__).parents[3] / "src"
OTHER_USER = "tester"
SYSTEM_PYTHON = "/usr/bin/python3"
SHELL = ResolvedImage("shell", "builtin", "sha256:0", entrypoint=("/bin/sh", "-c"))


@dataclass
class Keeper:
    base: Path
    user: str
    sources: Path
    extra: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def paths(self) -> Paths:
        return Paths(run=self.base / "run", data=self.base / "data")

    def start(self, *, before: Sequence[str] = ()) -> dict[str, Any]:
        spec = {
            "run": str(self.paths.run),
            "data": str(self.paths.data),
            "logs": str(self.paths.logs),
            "result": str(self.base / "result"),
            "stop_s": 4,
            **self.extra,
        }
        (self.base / "spec").write_text(json.dumps(spec))
        os.chmod(self.base / "spec", 0o644)
        python = [sys.executable if self.user == "" else SYSTEM_PYTHON]
        argv = [*before, *python, "-m", "hauberk.node.keeper", "--spec", str(self.base / "spec")]
        if self.user:
            argv = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups", "--", *argv]
        env = {**os.environ, "PYTHONPATH": str(self.sources)}
        with (self.base / "keeper.log").open("ab") as log:
            self.process = subprocess.Popen(argv, env=env, stderr=log, start_new_session=True, cwd="/")
        return self.result()

    def result(self) -> dict[str, Any]:
        wait(lambda: (self.base / "result").exists() or self.log_of_death())
        found: dict[str, Any] = json.loads((self.base / "result").read_text())
        return found

    def log_of_death(self) -> None:
        assert self.process is not None
        if self.process.poll() is not None and not (self.base / "result").exists():
            pytest.fail((self.base / "keeper.log").read_text())

    @property
    def pids(self) -> dict[str, int]:
        return dict(json.loads((self.paths.run / "keeper.json").read_text()))

    def descendants(self) -> list[int]:
        """Live processes whose environment or command line names this keeper's directory, or below it."""
        parents = {pid: parent for pid, parent, _ in processes()}
        assert self.process is not None
        return [p for p in parents if self.process.pid in ancestry(p, parents)]

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)

    def run_in(self, uid: str | None, *command: str) -> subprocess.CompletedProcess[str]:
        argv = enter.argv(self.paths, uid, command)
        return subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)


def processes() -> Iterator[tuple[int, int, str]]:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                text = Path(f"/proc/{entry}/stat").read_text()
                state, parent = text.rpartition(")")[2].split()[:2]
                if state != "Z":
                    yield int(entry), int(parent), state


def ancestry(pid: int, parents: dict[int, int]) -> list[int]:
    found = []
    while pid:
        found.append(pid)
        pid = parents.get(pid, 0)
    return found


def wait(done: Any, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.005)


async def eventually(done: Any, seconds: float = 10.0) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "waited too long"
        await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    return any(p == pid for p, _, _ in processes())


@contextlib.contextmanager
def a_keeper(user: str = "", **extra: Any) -> Iterator[Keeper]:
    """Not started yet. Skips where the other user is missing or the tests cannot become it."""
    base = Path(tempfile.mkdtemp(prefix="hbk"))
    sources = SOURCES
    if user:
        other = other_user()
        sources = base / "src"
        shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(["chmod", "-R", "a+rX", str(base)], check=True)
        os.chown(base, other.pw_uid, other.pw_gid)
    keeper = Keeper(base, user, sources, extra)
    try:
        yield keeper
    finally:
        if keeper.process is not None and keeper.process.poll() is None:
            keeper.process.send_signal(signal.SIGKILL)
            keeper.process.wait(10)
        subprocess.run(["rm", "-rf", str(base)], check=False)


def other_user() -> pwd.struct_passwd:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the tests already run as one without privileges")
    try:
        return pwd.getpwnam(OTHER_USER)
    except KeyError:
        pytest.skip(f"there is no user {OTHER_USER}: `useradd {OTHER_USER}`")


class Cluster:
    """A started keeper and its client."""

    def __init__(self, keeper: Keeper, runtime: Runtime) -> None:
        self.keeper, self.runtime = keeper, runtime
        self.ips: dict[str, str] = {}

    async def pod(self, uid: str) -> str:
        self.ips[uid] = await self.runtime.sandbox(uid)
        return self.ips[uid]

    def log_path(self, uid: str, name: str) -> Path:
        return self.keeper.paths.pod_logs(uid) / name / "0.log"

    def log(self, uid: str, name: str = "app") -> str:
        path = self.log_path(uid, name)
        return path.read_text() if path.exists() else ""

    async def shell(self, uid: str, script: str, name: str = "app", **more: Any) -> Running:
        fields = {"image": SHELL, "args": (script,), "attempt": 0, **more}
        if "ip" not in fields:
            fields["ip"] = self.ips.get(uid, "")
        return await self.runtime.start(
            Launch(uid=uid, name=name, log=self.log_path(uid, name), hostname=f"host-{uid}", **fields)
        )

    async def python(self, uid: str, script: str, name: str = "app") -> Running:
        image = ResolvedImage("python", "builtin", "sha256:0", entrypoint=(SYSTEM_PYTHON, "-S", "-u", "-c"))
        return await self.shell(uid, script, name, image=image)

    async def next_exit(self) -> Exit:
        async with contextlib.aclosing(self.runtime.exits()) as exits:  # type: ignore[type-var]
            async for row in exits:
                return row
        raise AssertionError("exits ended")

    async def ask(self, uid: str, *argv: str, name: str = "app") -> str:
        done = await self.runtime.exec(uid, name, argv)
        return done.output.decode()


@contextlib.asynccontextmanager
async def a_cluster(user: str = "", **extra: Any) -> AsyncIterator[Cluster]:
    with a_keeper(user, **extra) as keeper:
        assert "ok" in keeper.start()
        runtime = await Runtime.connect(keeper.paths)
        try:
            yield Cluster(keeper, runtime)
        finally:
            await runtime.close()
