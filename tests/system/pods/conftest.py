"""A keeper with a pod network, and a control plane that is only store, API and node (`plane.py`)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
Raw = dict[str, Any]


class Cluster:
    """What a test does with the cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run, self.data = folder / "run", folder / "data"
        spec = {
            "run": str(self.run), "data": str(self.data), "logs": str(self.data / "logs"), "edge": None,
            "control_plane": [sys.executable, str(HERE / "plane.py"), str(self.run), str(self.data)],
            "result": str(self.run / "result.json"), "stop_s": 2,
        }  # fmt: skip
        for path in (self.run, self.data):
            path.mkdir(mode=0o700, parents=True)
        (folder / "spec.json").write_text(json.dumps(spec))
        command = [sys.executable, "-m", "hauberk.node.keeper", "--spec", str(folder / "spec.json")]
        self.keeper = subprocess.Popen(command)
        self._socket: socket.socket | None = None

    def stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self.keeper.terminate()
        self.keeper.wait(20)

    def ask(self, op: str, **fields: Any) -> Any:
        for _ in range(400):
            try:
                if self._socket is None:
                    self._socket = socket.socket(socket.AF_UNIX)
                    self._socket.connect(str(self.run / "test.sock"))
                    self._file = self._socket.makefile("rb")
                self._socket.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
                line = self._file.readline()
                if line:
                    answer = json.loads(line)
                    if "error" in answer:
                        raise RuntimeError(answer["error"])
                    return answer["ok"]
            except OSError:
                pass
            if self._socket is not None:
                self._socket.close()
                self._socket = None
            time.sleep(0.05)
        raise AssertionError("the control plane does not answer")

    def create(self, obj: Raw) -> Raw:
        made: Raw = self.ask("create", obj=obj)
        return made

    def pod(self, name: str) -> Raw | None:
        found: Raw | None = self.ask("get", ref=["Pod", "default", name])
        return found

    def delete(self, name: str, grace_s: int | None = None) -> None:
        self.ask("delete", ref=["Pod", "default", name], grace_s=grace_s)

    def events(self, name: str) -> list[Raw]:
        return [row for row in self.ask("events") if row["object"] == name]

    def history(self, name: str) -> list[Raw]:
        rows: list[Raw] = self.ask("history", name=name)
        return rows

    def logs(self, name: str, container: str = "c", **options: Any) -> str:
        text = self.ask("logs", namespace="default", name=name, container=container, options=options)
        return str(text)

    def eventually(self, said: str, check: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        until = time.monotonic() + timeout_s
        while True:
            found = check()
            if found:
                return found
            assert time.monotonic() < until, f"not within {timeout_s} s: {said}\n{self.log()}"
            time.sleep(0.05)

    def when(self, name: str, said: str, check: Callable[[Raw], Any], timeout_s: float = 20.0) -> Raw:
        last: list[Raw | None] = [None]

        def holds() -> bool:
            last[0] = self.pod(name)
            return last[0] is not None and bool(check(last[0]))

        try:
            self.eventually(said, holds, timeout_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps((last[0] or {}).get('status'), indent=1)}") from None
        assert last[0] is not None
        return last[0]

    def log(self) -> str:
        path = self.data / "logs" / "control-plane.log"
        return path.read_text()[-6000:] if path.exists() else ""

    def processes(self, mark: str) -> list[int]:
        """Host pids of processes below the keeper whose command line contains the mark."""
        return [pid for pid in below(self.keeper.pid) if mark in command_of(pid)]

    def kill(self, mark: str, sig: int = signal.SIGKILL) -> None:
        found = self.processes(mark)
        assert found, f"no process has {mark!r}"
        for pid in found:
            os.kill(pid, sig)


def below(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, grown = {root}, True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return sorted(found - {root})


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def small() -> Iterator[Cluster]:
    """A keeper and a bare control plane; shared by the tests of a module."""
    with tempfile.TemporaryDirectory(prefix="hbk-") as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.stop()


def make_pod(name: str, *containers: Raw, **spec: Any) -> Raw:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", **spec.pop("metadata", {})},
        "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 5, **spec},
    }


def shell(script: str, name: str = "c", **fields: Any) -> Raw:
    return {"name": name, "image": "hauberk.local/curl", "command": ["/bin/sh", "-c", script], **fields}
