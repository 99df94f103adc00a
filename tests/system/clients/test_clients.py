"""Real clients do their ordinary work: every row of matrix.yaml holds.

Libraries come from their registries into a folder of their own, once; where they cannot be had, their rows
are skipped and say so, unless `HAUBERK_CLIENTS=must`: then that is a failure.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from hauberk.testing.cluster import Cluster
from hauberk.testing.space import Space

pytestmark = pytest.mark.system

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
MATRIX = yaml.safe_load((HERE / "matrix.yaml").read_text())
ROWS = [(client, operation) for client, row in MATRIX["clients"].items() for operation in row["does"]]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "hauberk" / "test-clients"
PREPARED_WITHIN_S = 540
RUN_WITHIN_S = 120


class Unobtainable(Exception):
    """A client cannot be had on this machine."""


def prepared(name: str, inputs: list[Path], make: Callable[[Path], None]) -> Path:
    """A folder made of these files, once for all runs."""
    made_of = hashlib.sha256(b"".join(p.read_bytes() for p in inputs) + sys.version.encode()).hexdigest()
    folder = CACHE / f"{name}-{made_of[:12]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "done").touch()
    return folder


def must(*argv: str, cwd: Path, env: dict[str, str] | None = None) -> None:
    try:
        done = subprocess.run(
            argv, cwd=cwd, capture_output=True, text=True, timeout=PREPARED_WITHIN_S, check=False,
            env={**os.environ, **(env or {})},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unobtainable(str(error)) from error
    if done.returncode:
        raise Unobtainable(f"{' '.join(argv)}: {(done.stderr or done.stdout)[-500:]}")


def python_of() -> str:
    def make(folder: Path) -> None:
        must(sys.executable, "-m", "venv", str(folder / "venv"), cwd=folder)
        pip = (str(folder / "venv/bin/pip"), "install", "-q", "--disable-pip-version-check")
        must(*pip, "-r", str(HERE / "requirements.txt"), cwd=folder)

    return str(prepared("python", [HERE / "requirements.txt"], make) / "venv/bin/python")


def node_of() -> Path:
    def make(folder: Path) -> None:
        shutil.copy(HERE / "package.json", folder)
        must("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=folder)

    folder = prepared("node", [HERE / "package.json"], make)
    shutil.copy(PROGRAMS / "node.mjs", folder)
    return folder / "node.mjs"


def go_of() -> str:
    sources = [PROGRAMS / "golang" / name for name in ("main.go", "go.mod", "go.sum")]

    def make(folder: Path) -> None:
        env = {"GOFLAGS": "-mod=mod -buildvcs=false -p=1", "GOMAXPROCS": "1"}
        must("go", "build", "-o", str(folder / "client"), ".", cwd=PROGRAMS / "golang", env=env)

    return str(prepared("go", sources, make) / "client")


def command_of(client: str) -> list[str]:
    """How a client's program is run. Raises Unobtainable."""
    match client:
        case "node":
            return ["node", str(node_of())]
        case "client-go":
            return [go_of()]
        case "kopf":
            return [python_of(), str(PROGRAMS / "kopf_operator.py")]
        case "official":
            return [python_of(), str(PROGRAMS / "official.py")]
        case _:
            return [python_of(), str(PROGRAMS / f"{client}_client.py")]


def run_program(client: str, space: Space) -> dict[str, str]:
    """What each operation of a client came to: empty when it held."""
    env = {
        "KUBECONFIG": str(space.cluster.options.paths.kubeconfig),
        "CLIENT_NAMESPACE": space.namespace,
        "PATH": os.environ["PATH"],
        "HOME": str(space.cluster.folder),
    }
    done = subprocess.run(
        command_of(client), env=env, capture_output=True, text=True, timeout=RUN_WITHIN_S, check=False
    )
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"')]
    assert rows, done.stdout[-2000:] + done.stderr[-2000:]
    return {row["operation"]: row["error"] for row in rows}


@pytest.fixture(scope="module")
def results(cluster: Cluster) -> Iterator[Callable[[str], dict[str, str]]]:
    """What the operations of a client came to; each program runs once."""
    known: dict[str, dict[str, str] | Unobtainable] = {}
    spaces: list[str] = []

    def find(client: str) -> dict[str, str]:
        if client not in known:
            namespace = f"c-{client}-{secrets.token_hex(2)}"
            cluster.must("create", "namespace", namespace)
            spaces.append(namespace)
            try:
                known[client] = _results(client, Space(cluster, namespace))
            except Unobtainable as error:
                known[client] = error
        found = known[client]
        if isinstance(found, Unobtainable):
            if os.environ.get("HAUBERK_CLIENTS") == "must":
                pytest.fail(f"{client}: {found}")
            pytest.skip(f"{client} cannot be had here: {found}")
        return found

    yield find
    cluster.run("delete", "namespace", "--wait=false", *spaces)


def _results(client: str, space: Space) -> dict[str, str]:
    if client == "kubectl":
        # Not a package: importlib mode imports this file by its path.
        sys.path.insert(0, str(HERE))
        try:
            import kubectl_operations
        finally:
            sys.path.remove(str(HERE))
        return dict(kubectl_operations.results(space))
    return run_program(client, space)


@pytest.mark.parametrize(("client", "operation"), ROWS)
def test_a_client_does_its_work(
    client: str, operation: str, results: Callable[[str], dict[str, str]]
) -> None:
    found = results(client)
    assert operation in found, f"the program of {client} does not try it"
    assert not found[operation], found[operation]


@pytest.mark.parametrize("client", MATRIX["clients"])
def test_the_matrix_says_all_that_a_client_does(
    client: str, results: Callable[[str], dict[str, str]]
) -> None:
    assert sorted(results(client)) == sorted(MATRIX["clients"][client]["does"])
