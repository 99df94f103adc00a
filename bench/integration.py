"""The benchmarks of the integration's commands, as a user runs them: start-up included."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import stage
from bench.model import Bench, Figure, percentile, spread
from hauberk.testing.cluster import hauberk

RUNS = 5


def commands() -> Sequence[Figure]:
    """`hauberk --help` and `hauberk render`."""
    with tempfile.TemporaryDirectory() as folder:
        file = _file(Path(folder))
        helped = [_took_s("--help") for _ in range(RUNS)]
        rendered = [_took_s("render", "-f", file) for _ in range(RUNS)]
    method = f"{RUNS} runs, the command's start to its exit, median"
    return [
        _figure("`hauberk --help`", helped, 0.150, method),
        _figure("`hauberk render` of the document's integration", rendered, 0.300, method),
    ]


def install() -> Sequence[Figure]:
    """`hauberk install` on an empty embedded cluster, to everything Ready."""
    took = [_install_s() for _ in range(3)]
    method = "3 runs, each on a fresh cluster; preflight, every object and every wait"
    return [_figure("`hauberk install` on the embedded cluster", took, 20, method)]


def _install_s() -> float:
    with stage.fresh() as cluster:
        file = _file(cluster.folder)
        cluster.must("create", "namespace", "shop")
        made = hauberk("certs", "create", "-f", file)
        assert made.returncode == 0, made.stderr
        return _took_s("install", "-f", file, "--name", cluster.name, "--yes")


def _file(folder: Path) -> str:
    printed = hauberk("init", "--defaults", "--member", "shop")
    assert printed.returncode == 0, printed.stderr
    (folder / "hauberk.yaml").write_text(printed.stdout)
    return str(folder / "hauberk.yaml")


def _took_s(*args: str) -> float:
    began = time.monotonic()
    done = hauberk(*args, timeout_s=120)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    return took


def _figure(what: str, took: Sequence[float], must_s: float, method: str) -> Figure:
    return Figure(
        what=what,
        measured=spread(took, "ms", 1000),
        must=f"≤ {must_s * 1000:,.0f} ms",
        reached=percentile(took, 0.5) <= must_s,
        value=percentile(took, 0.5),
        method=method,
    )


BENCHES: tuple[Bench, ...] = (
    Bench(name="commands", run=commands),
    Bench(name="install", run=install),
)
