"""A running cluster for tests: the command line, a Kubernetes client, a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hauberk.cluster import find
from hauberk.cluster.options import Options
from hauberk.demo.proofs import Stage
from hauberk.demo.shell import Ran, Shell, kubernetes_client

HAUBERK = [sys.executable, "-m", "hauberk.cli.main"]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running cluster, as a user has it: its name, a kubeconfig and a folder."""

    name: str
    options: Options
    folder: Path
    kube: str

    @property
    def shell(self) -> Shell:
        """Commands in the folder, with the cluster's kubeconfig."""
        return Shell(cwd=self.folder, env={"KUBECONFIG": str(self.options.paths.kubeconfig)})

    @property
    def stage(self) -> Stage:
        """What the demo's proofs act on."""
        return Stage(shell=self.shell, kube=self.kube, options=self.options)

    def run(self, *args: str, text: str | None = None, timeout_s: float = 60) -> Ran:
        """The Kubernetes client; the caller looks at the exit code."""
        return self.shell.run([self.kube, *args], text=text, timeout_s=timeout_s)

    def must(self, *args: str, text: str | None = None, timeout_s: float = 60) -> str:
        """The Kubernetes client; it must succeed."""
        return self.shell.must([self.kube, *args], text=text, timeout_s=timeout_s)

    def apply(self, manifest: str) -> str:
        """Apply YAML text."""
        return self.must("apply", "-f", "-", text=manifest)

    def json(self, *args: str) -> Any:
        """What `get … -o json` prints."""
        return json.loads(self.must("get", *args, "-o", "json"))

    def status(self) -> dict[str, Any]:
        """What `hauberk status -o json` prints."""
        return find.status_of(self.name)


def hauberk(
    *args: str, timeout_s: float = 60, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command line, as a user calls it."""
    return subprocess.run(
        [*HAUBERK, *args],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**os.environ, **(env or {})},
    )


def eventually(
    condition: Callable[[], Any], *, within_s: float = 30, what: str = "", every_s: float = 0.1
) -> Any:
    """The first true value of `condition`, or a failure that shows the last value."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what} (last: {value!r})")
        time.sleep(every_s)


def started(name: str, folder: Path, *flags: str) -> Cluster:
    """Start a cluster by the command line."""
    up = hauberk("up", "--name", name, *flags)
    assert up.returncode == 0, up.stderr
    options = find.running(name)
    return Cluster(name=name, options=options, folder=folder, kube=kubernetes_client())
