"""The real Kafka broker as objects: what is missing, names, ports, Secrets."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from hauberk.cluster.kafka import BROKERS, PORTS, SASL_USER, TLS_USER, judge, objects, secrets_of
from hauberk.kafka.access import Refused, with_secret
from hauberk.node.images import kafka as image


@pytest.mark.parametrize(
    ("lacking", "maven", "packages"),
    [
        ([], False, ""),
        (["jars"], True, ""),
        (["jars"], False, "maven"),
        (["java"], True, "openjdk-17-jre-headless"),
        (["java", "jars"], False, "openjdk-17-jre-headless maven"),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_brings_it(
    lacking: list[str], maven: bool, packages: str
) -> None:
    problem = judge(lacking, maven=maven)
    said = problem.fix.partition("--no-install-recommends ")[2] if problem else ""
    assert said == packages


def test_the_jars_are_in_the_users_cache(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "PATH": ""}
    assert image.libs_of(env).parent == tmp_path / "hauberk"
    assert image.missing(env) == ["java", "jars"]
    image.libs_of(env).mkdir(parents=True)
    assert image.missing(env) == ["java"]
    assert image.cache_root({"HOME": "/home/me"}) == Path("/home/me/.cache/hauberk")


def test_the_services_have_strimzis_names_and_the_documents_ports() -> None:
    found = {o["metadata"]["name"]: o for o in objects(Path("/data"))}
    for name in ("my-cluster-kafka-bootstrap", "my-cluster-kafka-brokers"):
        assert [p["port"] for p in found[name]["spec"]["ports"]] == [9092, 9093, 9094, 9095, 9096]
    assert found["my-cluster-kafka-brokers"]["spec"]["clusterIP"] == "None"
    pod = found["my-cluster-kafka-0"]["spec"]["template"]["spec"]
    assert (pod["hostname"], pod["subdomain"]) == ("my-cluster-kafka-0", "my-cluster-kafka-brokers")
    assert len({name for name, _ in PORTS}) == len(PORTS)


def test_the_users_secrets_are_what_the_kinds_read_and_the_certificate_names_the_services() -> None:
    made = {s["metadata"]["name"]: s for s in secrets_of(1_700_000_000.0, "word")}
    data = {name: {k: base64.b64decode(v) for k, v in s["data"].items()} for name, s in made.items()}
    for user in (TLS_USER, SASL_USER):
        assert not isinstance(with_secret("b:1", data[user]), Refused), user
    chain = data[BROKERS]["tls.pem"]
    names = (
        x509.load_pem_x509_certificate(chain[chain.index(b"-----BEGIN CERT") :])
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value.get_values_for_type(x509.DNSName)
    )
    assert {"my-cluster-kafka-bootstrap.kafka", "*.my-cluster-kafka-brokers.kafka.svc.cluster.local"} <= set(
        names
    )


def test_the_brokers_configuration_has_a_listener_for_each_port() -> None:
    program = Path(image.__file__).parent / "samples" / "kafka_server.py"
    found: dict[str, Any] = {}
    text = program.read_text().replace("\nmain()\n", "\n")
    exec(compile(text, str(program), "exec"), found)
    rows = dict(line.split("=", 1) for line in found["properties"]("me", "/d", "/c").splitlines())
    assert rows["listeners"].startswith(
        "PLAIN://:9092,TLS://:9093,SASL://:9094,SASLPLAIN://:9095,TLSNOAUTH://:9096"
    )
    assert rows["listener.name.tls.ssl.client.auth"] == "required"
    assert rows["listener.name.tlsnoauth.ssl.client.auth"] == "none"
    assert rows["listener.name.sasl.sasl.enabled.mechanisms"] == "SCRAM-SHA-512"
    assert rows["auto.create.topics.enable"] == "false"
