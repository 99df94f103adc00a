"""Running the document's commands as a reader would: real programs, a deadline, the output kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hauberk.base.problems import Problem


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Whether it exited with 0."""
        return self.code == 0


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A working directory and an environment for commands."""

    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, argv: Sequence[str], *, timeout_s: float = 60, text: str | None = None) -> Ran:
        """Run to the end or to the deadline (code 124)."""
        try:
            done = subprocess.run(
                argv,
                cwd=self.cwd,
                env={**os.environ, **self.env},
                input=text,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            partial = late.stdout.decode(errors="replace") if isinstance(late.stdout, bytes) else ""
            return Ran(tuple(argv), 124, partial, f"no end after {timeout_s:g} s")
        return Ran(tuple(argv), done.returncode, done.stdout, done.stderr)

    def must(self, argv: Sequence[str], *, timeout_s: float = 60, text: str | None = None) -> str:
        """Run; return stdout. Raises Problem with what the command said when it fails."""
        ran = self.run(argv, timeout_s=timeout_s, text=text)
        if not ran.ok:
            raise Problem(
                f"`{' '.join(argv)}` failed",
                wanted="exit status 0",
                found=f"exit status {ran.code}: {(ran.err or ran.out).strip()}",
                fix="hauberk status; kubectl get events -A",
            )
        return ran.out


def kubernetes_client() -> str:
    """`oc` when it is installed (as in the document), else `kubectl`. Raises Problem."""
    for name in ("oc", "kubectl"):
        found = shutil.which(name)
        if found:
            return found
    raise Problem(
        "no Kubernetes command line is installed",
        wanted="`oc` or `kubectl` on the PATH",
        found="neither",
        fix="sudo apt-get install kubernetes-client",
    )
