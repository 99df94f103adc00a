"""`hauberk doctor` over a thousand objects in files, as a user runs it: start-up included."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.model import Bench, Figure, percentile, spread
from hauberk.testing.cluster import hauberk

RUNS = 5
OBJECTS = 1000
SERVICE = """\
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: service-{number}
  namespace: default
  annotations:
    serving.knative.openshift.io/enablePassthrough: "true"
spec:
  template:
    metadata:
      labels:
        sidecar.istio.io/inject: "true"
      annotations:
        sidecar.istio.io/rewriteAppHTTPProbers: "true"
    spec:
      containers:
      - image: example.com/team/service:{number}
        env:
        - name: TARGET
          value: "{number}"
        resources:
          requests: {{cpu: 100m, memory: 64Mi}}
"""


def files() -> Sequence[Figure]:
    """The document and services up to a thousand objects, in ten files."""
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        took = [_took_s(folder) for _ in range(RUNS)]
    return [
        Figure(
            what=f"`hauberk doctor -f` over {OBJECTS:,} objects",
            measured=spread(took, "ms", 1000),
            must="≤ 2,000 ms",
            reached=percentile(took, 0.5) <= 2,
            value=percentile(took, 0.5),
            method=f"{RUNS} runs over 10 files, the command's start to its exit, median",
        )
    ]


def _write(folder: Path) -> None:
    made = hauberk("init", "--defaults", "--member", "default")
    (folder / "hauberk.yaml").write_text(made.stdout)
    rendered = hauberk("render", "-f", str(folder / "hauberk.yaml"))
    assert rendered.returncode == 0, rendered.stderr
    (folder / "integration.yaml").write_text(rendered.stdout)
    left = OBJECTS - rendered.stdout.count("\nkind: ")
    for part in range(9):
        numbers = range(part, left, 9)
        (folder / f"services-{part}.yaml").write_text("".join(SERVICE.format(number=n) for n in numbers))


def _took_s(folder: str) -> float:
    began = time.monotonic()
    done = hauberk("doctor", "-f", folder)
    took = time.monotonic() - began
    assert done.stdout.endswith(f"checks over {OBJECTS} objects\n"), done.stdout[-300:] + done.stderr
    return took


BENCHES: tuple[Bench, ...] = (Bench(name="doctor", run=files),)
