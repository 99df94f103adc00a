"""One namespace of a running cluster for tests: kubectl within it, and scripts that run as its pods."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from typing import Any

from hauberk.demo.shell import Ran
from hauberk.testing.cluster import Cluster, eventually

CURL = "hauberk.local/curl"


@dataclass(frozen=True)
class Space:
    """kubectl with `-n namespace`."""

    cluster: Cluster
    namespace: str

    def run(self, *args: str, text: str | None = None) -> Ran:
        """The Kubernetes client; the caller looks at the exit code."""
        return self.cluster.run(args[0], "-n", self.namespace, *args[1:], text=text)

    def must(self, *args: str, text: str | None = None) -> str:
        """The Kubernetes client; it must succeed."""
        return self.cluster.must(args[0], "-n", self.namespace, *args[1:], text=text)

    def apply(self, manifest: str) -> str:
        """Apply YAML text."""
        return self.must("apply", "-f", "-", text=manifest)

    def json(self, *args: str) -> Any:
        """What `get … -o json` prints."""
        return json.loads(self.must("get", *args, "-o", "json"))

    def wait(self, what: str, condition: str, *, within_s: int = 30) -> None:
        """`kubectl wait --for=condition`."""
        self.must("wait", what, f"--for={condition}", f"--timeout={within_s}s")

    def phase(self, pod: str, phase: str) -> None:
        """Wait until the pod is in that phase."""
        self.wait(f"pod/{pod}", f"jsonpath={{.status.phase}}={phase}")

    def pod(
        self,
        name: str,
        script: str,
        *,
        meta: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        **container: Any,
    ) -> str:
        """Create a pod with one container `app` that runs a shell script; returns its name."""
        app = {"name": "app", "image": CURL, "command": ["sh", "-c", script], **container}
        obj = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, **(meta or {})},
            "spec": {
                "restartPolicy": "Never",
                "terminationGracePeriodSeconds": 1,
                "containers": [app],
                **(spec or {}),
            },
        }
        self.apply(json.dumps(obj))
        return name

    def following(self, *args: str) -> subprocess.Popen[str]:
        """`kubectl logs -f` as a process of its own; a context manager."""
        return subprocess.Popen(
            [self.cluster.kube, "logs", "-f", "-n", self.namespace, *args],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.cluster.options.paths.kubeconfig)},
        )

    def said(self, script: str, **more: Any) -> str:
        """What a script prints that runs to its end as a pod of its own."""
        name = self.pod(f"run-{secrets.token_hex(3)}", script, **more)
        try:
            ended = eventually(lambda: self._ended(name), what=f"the end of {name}")
            out = self.must("logs", name, "-c", "app")
            assert ended["exitCode"] == 0, out
            return out
        finally:
            self.must("delete", "pod", name, "--wait=false", "--grace-period=0", "--force")

    def _ended(self, pod: str) -> Any:
        rows = self.json("pod", pod)["status"].get("containerStatuses") or ()
        return next((row["state"].get("terminated") for row in rows if row["name"] == "app"), None)
