"""A namespace of the mesh for tests: Knative services in it, and calls to them from all sides.

What a call came to is an `Answer`; a connection that was cut, refused or not trusted is one too, so a test
can say that a call must *not* get through.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from hauberk.base.progress import Quiet
from hauberk.demo.run import apply_steps, make_certificates
from hauberk.demo.steps import HELLO, STEPS
from hauberk.testing.cluster import Cluster
from hauberk.testing.space import Space

SAMPLE = "hauberk.local/helloworld"
_INJECTED = {"sidecar.istio.io/inject": "true", "sidecar.istio.io/rewriteAppHTTPProbers": "true"}
_PASSTHROUGH = {"serving.knative.openshift.io/enablePassthrough": "true"}
_FORMAT = "\\n%{http_code} %{exitcode}\\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call came to: `code` is 0 when no HTTP answer came, `exit` is curl's (0: fine)."""

    code: int
    body: str
    exit: int

    @property
    def ok(self) -> bool:
        """Whether an answer of the 200s came."""
        return self.exit == 0 and 200 <= self.code < 300


def install(cluster: Cluster) -> None:
    """Bring up mesh, gateways and Knative as the document does, unless they are there. Raises Problem."""
    if cluster.run("get", "knativeserving", "knative-serving", "-n", "knative-serving").ok:
        return
    make_certificates(cluster.shell, Quiet())
    apply_steps([s for s in STEPS if s is not HELLO], cluster.shell, cluster.kube, Quiet())


def join(space: Space) -> None:
    """Make the namespace a member of the mesh, and wait until it is."""
    space.apply(
        json.dumps(
            {
                "apiVersion": "maistra.io/v1",
                "kind": "ServiceMeshMember",
                "metadata": {"name": "default"},
                "spec": {"controlPlaneRef": {"name": "basic", "namespace": "istio-system"}},
            }
        )
    )
    space.wait("servicemeshmember/default", "condition=Ready")


@dataclass(frozen=True)
class Member(Space):
    """A namespace of the mesh."""

    def service(self, name: str, *, image: str = SAMPLE, within_s: int = 60, **container: Any) -> str:
        """Create a Knative service with a sidecar and wait until it is ready; returns its host.

        `container` goes into the container: `env=[{"name": "TARGET", "value": "you"}]`.
        """
        self.apply(
            json.dumps(
                {
                    "apiVersion": "serving.knative.dev/v1",
                    "kind": "Service",
                    "metadata": {"name": name, "annotations": _PASSTHROUGH},
                    "spec": {
                        "template": {
                            "metadata": {"annotations": _INJECTED},
                            "spec": {"containers": [{"image": image, **container}]},
                        }
                    },
                }
            )
        )
        self.wait(f"services.serving.knative.dev/{name}", "condition=Ready", within_s=within_s)
        url = self.json("services.serving.knative.dev", name)["status"]["url"]
        return str(url.partition("://")[2])

    def call(self, host: str, path: str = "/", *curl: str) -> Answer:
        """Call a host from outside: through the Route, the certificate verified with the test's CA."""
        options = self.cluster.options
        where = f"{host}:443:{options.host}:{options.https_port}"
        line = ["curl", "-sS", "--max-time", "30", "--cacert", "root.crt", "--connect-to", where]
        ran = self.cluster.shell.run([*line, "-w", _FORMAT, *curl, f"https://{host}{path}"])
        return answer_of(ran.out)

    def call_from_pod(self, url: str, *curl: str, sidecar: bool) -> Answer:
        """Call a URL from a pod of this namespace, with a sidecar or, to be refused, without."""
        words = " ".join(f"'{word}'" for word in curl)
        ask = f"curl -sS --max-time 10 --retry 3 --retry-connrefused -w '{_FORMAT}' {words} '{url}' || true"
        # A sidecar takes a moment to serve its first configuration.
        ready = "until curl -sf -o /dev/null localhost:15021/healthz/ready; do sleep 0.1; done; "
        meta = {"labels": {"sidecar.istio.io/inject": "true"}} if sidecar else {}
        return answer_of(self.said((ready if sidecar else "") + ask, meta=meta))


def answer_of(text: str) -> Answer:
    """The answer in what curl printed: the body, then its codes on a line."""
    found = re.fullmatch(r"(?P<body>.*)\n(?P<code>\d{3}) (?P<exit>\d+)\s*", text, re.DOTALL)
    if found is None:
        return Answer(0, text, 2)
    return Answer(int(found["code"]), found["body"], int(found["exit"]))
