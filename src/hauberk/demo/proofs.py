"""The proofs: each opens real connections and is judged by what came back."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hauberk.base.problems import Problem
from hauberk.cluster.options import Options
from hauberk.demo import capture
from hauberk.demo.judges import (
    ANSWER,
    Verdict,
    judge_answer,
    judge_capture,
    judge_no_client_certificate,
    judge_plaintext_refused,
    judge_pod_said,
)
from hauberk.demo.shell import Ran, Shell
from hauberk.demo.steps import HOST
from hauberk.node import enter

LOCAL_URL = "http://hello.default.svc.cluster.local"
IDLE_WITHIN_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the proofs act on: a running cluster with the document applied."""

    shell: Shell  # its cwd holds root.crt
    kube: str
    options: Options

    def curl_line(self) -> list[str]:
        """The document's curl, with the connection led to this cluster's edge."""
        where = f"{HOST}:443:{self.options.host}:{self.options.https_port}"
        return [
            "curl",
            "-sS",
            "--max-time",
            "30",
            "--cacert",
            "root.crt",
            "--connect-to",
            where,
            f"https://{HOST}",
        ]

    def kubectl(self, *args: str, timeout_s: float = 60) -> str:
        """Run the Kubernetes client; raises Problem when it fails."""
        return self.shell.must([self.kube, *args], timeout_s=timeout_s)

    def from_pod_network(self, *command: str) -> Ran:
        """Run a command on the node's side of the pod network, outside every pod."""
        return self.shell.run(enter.argv(self.options.paths, None, list(command)), timeout_s=30)

    def pod_ip(self) -> str:
        """The address of a ready pod of `hello`; a request makes one when there is none."""
        self.shell.must(self.curl_line(), timeout_s=60)
        selector = "serving.knative.dev/service=hello"
        found = self.kubectl(
            "get", "pods", "-n", "default", "-l", selector, "--field-selector=status.phase=Running",
            "-o", "jsonpath={range .items[?(@.status.podIP)]}{.status.podIP}{'\\n'}{end}",
        )  # fmt: skip
        return found.split()[0]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A row: what is claimed, and how it is shown."""

    id: str
    title: str
    show: Callable[[Stage], Verdict]


def _through_route(stage: Stage) -> Verdict:
    return judge_answer(stage.shell.run(stage.curl_line()))


def _plaintext_refused(stage: Stage) -> Verdict:
    url = f"http://{stage.pod_ip()}:8012/"
    return judge_plaintext_refused(stage.from_pod_network("curl", "-sS", "--max-time", "10", url))


def _certificate_required(stage: Stage) -> Verdict:
    # Not curl: with TLS 1.3 the alert comes after the handshake, and curl may meet the closed socket first.
    handshake = ("openssl", "s_client", "-connect", f"{stage.pod_ip()}:8012", "-ign_eof")
    return judge_no_client_certificate(stage.from_pod_network(*handshake))


def _client_pod(stage: Stage, name: str, namespace: str, *extra: str) -> tuple[str, str]:
    """Start a pod that asks for the local URL until it hears something; return (phase, logs)."""
    patience = "--max-time 10 --retry 20 --retry-delay 1 --retry-connrefused"
    ask = f"curl -sS {patience} {LOCAL_URL} 2>&1; echo code=$?"
    stage.kubectl(
        "run", name, "-n", namespace, "--image=hauberk.local/curl", "--restart=Never", *extra,
        "--command", "--", "sh", "-c", ask,
    )  # fmt: skip
    try:
        for _ in range(120):
            logs = stage.shell.run([stage.kube, "logs", name, "-n", namespace, "-c", name]).out
            if "code=" in logs:
                return "Running", logs
            time.sleep(0.25)
        phase = stage.kubectl("get", "pod", name, "-n", namespace, "-o", "jsonpath={.status.phase}")
        return phase, logs
    finally:
        stage.shell.run(
            [stage.kube, "delete", "pod", name, "-n", namespace, "--wait=false", "--grace-period=1"]
        )


def _outsider(stage: Stage) -> Verdict:
    stage.shell.run([stage.kube, "create", "namespace", "outside"])
    said = judge_pod_said(*_client_pod(stage, "outsider", "outside"), want="code=")
    refused = any(f"code={c}" in said.seen for c in (52, 56)) and ANSWER not in said.seen
    return Verdict(refused, said.seen)


def _insider(stage: Stage) -> Verdict:
    labels = "--labels=sidecar.istio.io/inject=true"
    return judge_pod_said(*_client_pod(stage, "insider", "default", labels), want=f"{ANSWER} code=0")


def _nothing_on_the_wire(stage: Stage) -> Verdict:
    pod_ip = stage.pod_ip()
    secret, control = (secrets.token_hex(16) for _ in range(2))
    script = [sys.executable, "-I", str(Path(capture.__file__)), secret, control, ANSWER]
    listener = subprocess.Popen(
        enter.argv(stage.options.paths, None, script),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert listener.stdout is not None
    if listener.stdout.readline().strip() != "ready":
        raise Problem(
            "the capture did not start",
            wanted="a packet socket on the pod network",
            found=f"exit status {listener.wait(10)}",
            fix="hauberk status",
        )
    answered = stage.shell.run([*stage.curl_line(), "-H", f"x-secret: {secret}"])
    stage.from_pod_network(
        "curl", "-sS", "--max-time", "5", "-H", f"x-control: {control}", f"http://{pod_ip}:8012/"
    )
    counted, _ = listener.communicate(timeout=30)
    if not judge_answer(answered).holds:
        return judge_answer(answered)
    return judge_capture(json.loads(counted), secret=secret, control=control)


def _pods_of_hello(stage: Stage) -> int:
    names = stage.kubectl(
        "get", "deployments", "-n", "default", "-l", "serving.knative.dev/service=hello",
        "-o", "jsonpath={range .items[*]}{.spec.replicas}{'\\n'}{end}",
    )  # fmt: skip
    return sum(map(int, names.split()))


def _from_zero(stage: Stage) -> Verdict:
    deadline = time.monotonic() + IDLE_WITHIN_S
    while _pods_of_hello(stage):
        if time.monotonic() > deadline:
            return Verdict(
                False, f"still {_pods_of_hello(stage)} pods after {IDLE_WITHIN_S:g} s without traffic"
            )
        time.sleep(0.5)
    began = time.monotonic()
    answer = judge_answer(stage.shell.run(stage.curl_line(), timeout_s=60))
    return Verdict(answer.holds, f"{answer.seen} — cold start {1000 * (time.monotonic() - began):.0f} ms")


PROOFS: tuple[Proof, ...] = (
    Proof(id="route", title="through the Route, with the root certificate", show=_through_route),
    Proof(id="plaintext", title="the pod refuses plaintext", show=_plaintext_refused),
    Proof(
        id="client-certificate",
        title="the pod refuses TLS without a client certificate",
        show=_certificate_required,
    ),
    Proof(id="insider", title="a client in the mesh may use the local gateway", show=_insider),
    Proof(id="outsider", title="a client outside the mesh may not", show=_outsider),
    Proof(id="wire", title="the wire shows nothing of a request", show=_nothing_on_the_wire),
    Proof(id="from-zero", title="scaled to zero, the next request is answered", show=_from_zero),
)
