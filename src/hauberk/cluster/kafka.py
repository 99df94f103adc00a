"""`hauberk up --kafka`: a real Apache Kafka in namespace `kafka`, with the names that Strimzi gives one.

`judge` says what is missing, `fetch` gets the broker's jars through Maven into the user's cache, `objects`
are the manifests (pure), `install` applies them and waits until the broker answers.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hauberk.base.problems import Problem
from hauberk.base.progress import Quiet, Teller
from hauberk.cluster import client
from hauberk.cluster.options import Options
from hauberk.engine.clock import SystemClock
from hauberk.node.images.kafka import SCALA, VERSION, libs_of, missing
from hauberk.pki.issuing import DAY_S, Issuer, Wanted, authority
from hauberk.ports import KeyPair

NAMESPACE = "kafka"
CLUSTER = "my-cluster"
BOOTSTRAP = f"{CLUSTER}-kafka-bootstrap"
BROKERS = f"{CLUSTER}-kafka-brokers"
BROKER = f"{CLUSTER}-kafka-0"
TLS_USER = "my-tls-user"
SASL_USER = "my-sasl-user"
SERVERS = f"{BOOTSTRAP}.{NAMESPACE}.svc.cluster.local:9092"
PORTS = (
    ("tcp-plain", 9092),
    ("tcp-tls", 9093),
    ("tcp-sasl-tls", 9094),
    ("tcp-sasl", 9095),
    ("tcp-tls-noauth", 9096),
)
LOGGER = "1.7.36"
FETCH_WITHIN_S = 900
READY_WITHIN_S = 90
YEAR_S = 365 * DAY_S
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>hauberk</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_{SCALA}</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-reload4j</artifactId><version>{LOGGER}</version></dependency>
  </dependencies>
</project>
"""
_APT = {"java": "openjdk-17-jre-headless", "jars": "maven"}


def judge(lacking: list[str], *, maven: bool) -> Problem | None:
    """What must be installed before a broker can run here; None: nothing, or only jars that Maven gets."""
    packages = [_APT[what] for what in lacking if what == "java" or not maven]
    if not packages:
        return None
    return Problem(
        "Kafka cannot run on this machine",
        wanted=f"Java 17 or newer, and Apache Kafka {VERSION}'s jars or Maven to fetch them",
        found="no " + " and no ".join("`java`" if p.startswith("openjdk") else "`mvn`" for p in packages),
        fix=f"sudo apt-get install --no-install-recommends {' '.join(packages)}",
    )


def fetch(tell: Teller | None = None) -> None:
    """See to it that the jars are in the user's cache. Raises Problem when they cannot be had."""
    tell = tell or Quiet()
    lacking = missing(os.environ)
    problem = judge(lacking, maven=shutil.which("mvn") is not None)
    if problem:
        raise problem
    if "jars" in lacking:
        tell.start(f"Apache Kafka {VERSION}: jars, once")
        _download(libs_of(os.environ))
        tell.done()


def _download(target: Path) -> None:
    """Let Maven copy the jars beside the target, then rename: the target is whole or not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".kafka-") as folder:
        (Path(folder) / "pom.xml").write_text(_POM)
        argv = ["mvn", "-q", "-B", "-f", f"{folder}/pom.xml", "dependency:copy-dependencies"]
        argv += [f"-DoutputDirectory={folder}/libs", "-DincludeScope=runtime"]
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=FETCH_WITHIN_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode or not (Path(folder) / "libs").is_dir():
            raise Problem(
                "Maven cannot fetch Kafka's jars",
                wanted=f"org.apache.kafka:kafka_{SCALA}:{VERSION} and what it needs",
                found=(done.stdout + done.stderr).strip()[-500:] or f"exit status {done.returncode}",
                fix="see to it that `mvn` reaches its repository, then the same command again",
            )
        if not target.exists():
            (Path(folder) / "libs").rename(target)


def objects(storage: Path) -> Iterator[dict[str, Any]]:
    """The namespace, Services and Deployment of the broker; its Secrets are made once, by `secrets_of`."""
    labels = {
        "strimzi.io/cluster": CLUSTER,
        "strimzi.io/name": f"{CLUSTER}-kafka",
        "app.kubernetes.io/name": "kafka",
    }
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    ports = [{"name": name, "port": port, "targetPort": port, "protocol": "TCP"} for name, port in PORTS]
    for name, extra in ((BOOTSTRAP, {}), (BROKERS, {"clusterIP": "None", "publishNotReadyAddresses": True})):
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
            "spec": {"selector": labels, "ports": ports, **extra},
        }
    yield {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": BROKER, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _pod(storage)},
        },
    }


def _pod(storage: Path) -> dict[str, Any]:
    password = {"secretKeyRef": {"name": SASL_USER, "key": "password"}}
    return {
        "hostname": BROKER,
        "subdomain": BROKERS,
        "terminationGracePeriodSeconds": 10,
        "automountServiceAccountToken": False,
        "containers": [
            {
                "name": "kafka",
                "image": "hauberk.local/kafka",
                "env": [
                    {"name": "POD_HOST", "value": f"{BROKER}.{BROKERS}.{NAMESPACE}.svc.cluster.local"},
                    {"name": "DATA", "value": "/var/lib/kafka/data"},
                    {"name": "CERTIFICATES", "value": "/etc/kafka/certificates"},
                    {"name": "SCRAM_USER", "value": SASL_USER},
                    {"name": "SCRAM_PASSWORD", "valueFrom": password},
                ],
                "ports": [{"name": name[:15], "containerPort": port} for name, port in PORTS],
                "readinessProbe": {"tcpSocket": {"port": 9092}, "periodSeconds": 1, "failureThreshold": 5},
                "volumeMounts": [
                    {"name": "data", "mountPath": "/var/lib/kafka"},
                    {"name": "certificates", "mountPath": "/etc/kafka/certificates", "readOnly": True},
                ],
            }
        ],
        "volumes": [
            {"name": "data", "hostPath": {"path": str(storage), "type": "DirectoryOrCreate"}},
            {"name": "certificates", "secret": {"secretName": BROKERS}},
        ],
    }


def secrets_of(now: float, password: str) -> Iterator[dict[str, Any]]:
    """Fresh Secrets: the brokers' certificate, and two users as the Kafka kinds of Knative read them."""
    ca = authority(f"{CLUSTER}-ca", "hauberk", now=now, life_s=YEAR_S)
    issuer = Issuer(ca)
    names = [
        f"{name}.{NAMESPACE}{rest}" for name in (BOOTSTRAP, BROKERS, f"*.{BROKERS}") for rest in _SUFFIXES
    ]
    server = issuer.issue(Wanted(common_name=BOOTSTRAP, hosts=tuple(names), life_s=YEAR_S), now=now)
    user = issuer.issue(Wanted(common_name=TLS_USER, life_s=YEAR_S), now=now)
    root = ca.chain
    yield _secret(f"{CLUSTER}-cluster-ca-cert", {"ca.crt": root})
    yield _secret(BROKERS, {"ca.crt": root, "tls.pem": server.key + server.chain})
    yield _secret(TLS_USER, {"protocol": b"SSL", "ca.crt": root, **_user(user)})
    scram = {"protocol": b"SASL_SSL", "sasl.mechanism": b"SCRAM-SHA-512", "ca.crt": root}
    yield _secret(SASL_USER, {**scram, "user": SASL_USER.encode(), "password": password.encode()})


_SUFFIXES = ("", ".svc", ".svc.cluster.local")


def _user(pair: KeyPair) -> dict[str, bytes]:
    return {"user.crt": pair.chain, "user.key": pair.key}


def _secret(name: str, data: dict[str, bytes]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": "Opaque",
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


def install(options: Options, tell: Teller | None = None) -> None:
    """Put the broker into a running cluster and wait for it. Does nothing that is done. Raises Problem."""
    tell = tell or Quiet()
    fetch(tell)
    tell.start(f"Apache Kafka {VERSION}")
    began = time.monotonic()
    for obj in objects(options.paths.data / "kafka"):
        _apply(options, obj)
        if obj["kind"] == "Namespace":
            _create_secrets(options)
    _wait(options)
    tell.done(f"after {time.monotonic() - began:.2f} s, at {SERVERS}")


def _create_secrets(options: Options) -> None:
    target = _target(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": NAMESPACE, "name": BROKERS}}
    )
    if client.get(options.paths.api_socket, target)[0] == 200:
        return
    made = list(secrets_of(SystemClock().now(), secrets.token_urlsafe(24)))
    # The brokers' own Secret goes last: where it is, all are.
    for obj in sorted(made, key=lambda s: s["metadata"]["name"] == BROKERS):
        _apply(options, obj)


_PLURALS = {
    "Namespace": "namespaces",
    "Service": "services",
    "Secret": "secrets",
    "Deployment": "deployments",
}


def _target(obj: dict[str, Any]) -> str:
    group = "/api/v1" if obj["apiVersion"] == "v1" else f"/apis/{obj['apiVersion']}"
    namespace = obj["metadata"].get("namespace")
    inner = f"/namespaces/{namespace}" if namespace else ""
    return f"{group}{inner}/{_PLURALS[obj['kind']]}/{obj['metadata']['name']}"


def _apply(options: Options, obj: dict[str, Any]) -> None:
    target = f"{_target(obj)}?fieldManager=hauberk-kafka&force=true"
    body = json.dumps(obj).encode()
    kind = "application/apply-patch+yaml"
    status, answer = client.send(options.paths.api_socket, "PATCH", target, body, kind, timeout_s=10)
    if status not in (200, 201):
        raise Problem(
            f"{obj['kind']} {obj['metadata']['name']} of Kafka cannot be applied",
            wanted="200 or 201",
            found=f"{status}: {answer.decode(errors='replace')[:300]}",
            fix=f"hauberk status --name {options.name}",
        )


def _wait(options: Options) -> None:
    target = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{BROKER}"
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        found = client.get_json(options.paths.api_socket, target)
        status = found.get("status") or {}
        current = status.get("observedGeneration") == found["metadata"]["generation"]
        if current and status.get("availableReplicas") and not status.get("unavailableReplicas"):
            return
        time.sleep(0.1)
    raise Problem(
        "Kafka does not answer",
        wanted=f"deployment {BROKER} available within {READY_WITHIN_S} s",
        found="not available",
        fix=f"kubectl -n {NAMESPACE} describe pods; kubectl -n {NAMESPACE} logs deploy/{BROKER}",
    )
