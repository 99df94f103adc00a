"""`kn` itself: the one in PATH, or built from its Go module once and kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hauberk.demo.shell import Ran
from hauberk.testing.cluster import Cluster

MODULE, VERSION = "knative.dev/client", "v0.41.0"
BUILD_S = 900


@dataclass(frozen=True)
class Kn:
    """`kn` on a cluster; what it makes is injected, as the document wants it."""

    program: Path
    cluster: Cluster

    def run(self, *args: str, timeout_s: float = 60) -> Ran:
        """The caller looks at the exit code."""
        return self.cluster.shell.run([str(self.program), *args], timeout_s=timeout_s)

    def must(self, *args: str) -> str:
        """It must succeed."""
        return self.cluster.shell.must([str(self.program), *args])

    def create(self, name: str, *args: str) -> str:
        """A service of the mesh behind a passthrough Route."""
        return self.must(
            "service", "create", name, "--image", "hauberk.local/helloworld", *args,
            "--annotation-service", "serving.knative.openshift.io/enablePassthrough=true",
            "--annotation-revision", "sidecar.istio.io/inject=true",
            "--annotation-revision", "sidecar.istio.io/rewriteAppHTTPProbers=true",
        )  # fmt: skip


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary. Skips, with the reason, where neither kn nor a way to build it is found."""
    if found := shutil.which("kn"):
        return Path(found)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hauberk-tests"
    kept = cache / f"kn-{VERSION}"
    if not kept.exists():
        go = shutil.which("go") or pytest.skip("neither `kn` nor `go` is installed")
        cache.mkdir(parents=True, exist_ok=True)
        fresh = _build(go, tmp_path_factory.mktemp("kn"))
        shutil.copy(fresh, kept.with_suffix(".new"))
        kept.with_suffix(".new").replace(kept)
    return kept


def _build(go: str, folder: Path) -> Path:
    (folder / "go.mod").write_text("module fetch\n")
    said = _go([go, "mod", "download", "-json", f"{MODULE}@{VERSION}"], folder)
    source = folder / "source"
    shutil.copytree(json.loads(said)["Dir"], source, ignore=shutil.ignore_patterns("vendor"))
    for path in (source, *source.rglob("*")):
        path.chmod(path.stat().st_mode | 0o200)
    _go([go, "build", "-mod=mod", "-ldflags", "-s -w", "-o", str(folder / "kn"), "./cmd/kn"], source)
    return folder / "kn"


def _go(argv: list[str], folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=BUILD_S, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        pytest.skip(f"kn cannot be built here: {' '.join(argv[1:3])}: {last}")
    return done.stdout


@pytest.fixture
def kn(program: Path, document: Cluster) -> Iterator[Kn]:
    """`kn` on the cluster with the document applied; services it left are deleted."""
    yield Kn(program, document)
    document.run("delete", "ksvc", "-n", "default", "-l", "by=kn", "--wait=true")
