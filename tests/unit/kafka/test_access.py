"""Which cluster an object means, and how to log in there."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from hauberk.base.refs import ref_of
from hauberk.kafka.access import Cluster, Refused, of_broker, of_channel, of_sink, of_source, with_secret
from hauberk.ports import Snapshot
from hauberk.store.memory import Memory

CERT, KEY = b"-----BEGIN CERTIFICATE-----\n", b"-----BEGIN PRIVATE KEY-----\n"


def stored(*objects: dict[str, Any]) -> Snapshot:
    memory = Memory()
    for revision, one in enumerate(objects, 1):
        memory.apply(ref_of(one), one, revision)
    return memory


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        ({"protocol": b"PLAINTEXT"}, {"protocol": "PLAINTEXT"}),
        (
            {"protocol": b"SASL_PLAINTEXT", "user": b"u", "password": b"p"},
            {"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "user": "u", "password": "p"},
        ),
        (
            {"protocol": b"SASL_SSL", "sasl.mechanism": b"SCRAM-SHA-512", "user": b"u", "password": b"p",
             "ca.crt": CERT},
            {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "user": "u", "password": "p",
             "ca": CERT.decode()},
        ),
        (
            {"protocol": b"SSL", "ca.crt": CERT, "user.crt": CERT, "user.key": KEY},
            {"protocol": "SSL", "ca": CERT.decode(), "cert": CERT.decode(), "key": KEY.decode()},
        ),
        ({"protocol": b"SSL", "user.skip": b"true"}, {"protocol": "SSL"}),
    ],
)  # fmt: skip
def test_a_secret_says_how_to_log_in(data: dict[str, bytes], wanted: dict[str, str]) -> None:
    assert with_secret("b:9092", data) == {"servers": "b:9092", **wanted}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "protocol required"),
        ({"protocol": b"TELEPATHY"}, "protocol TELEPATHY unsupported"),
        ({"protocol": b"SASL_SSL", "password": b"p"}, "SASL user required (key: user)"),
        ({"protocol": b"SASL_SSL", "user": b"u"}, "SASL password required (key: password)"),
        (
            {"protocol": b"SASL_SSL", "user": b"u", "password": b"p", "sasl.mechanism": b"X"},
            "unsupported SASL",
        ),
        ({"protocol": b"SSL"}, '"user.skip: true"'),
        ({"protocol": b"SSL", "user.crt": CERT, "user.key": b"-----BEGIN RSA PRIVATE KEY-----"}, "PKCS #1"),
        ({"protocol": b"SSL", "ca.crt": b"x", "user.skip": b"true"}, "failed to parse CA"),
    ],
)
def test_a_wrong_secret_is_refused_in_upstreams_words(data: dict[str, bytes], why: str) -> None:
    found = with_secret("b:9092", data)
    assert isinstance(found, Refused)
    assert why in found.why


def obj(kind: str, name: str, namespace: str = "n", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **parts}


def secret(name: str, namespace: str = "n", **data: bytes) -> dict[str, Any]:
    return obj("Secret", name, namespace, data={k: base64.b64encode(v).decode() for k, v in data.items()})


CONFIG = {
    "bootstrap.servers": "a:9092, b:9092",
    "default.topic.partitions": "4",
    "default.topic.replication.factor": "2",
}


def test_a_broker_reads_its_config_map_and_else_the_default_one() -> None:
    own = obj("ConfigMap", "own", data={**CONFIG, "default.topic.config.retention.ms": "5"})
    common = obj("ConfigMap", "kafka-broker-config", "knative-eventing", data={"bootstrap.servers": "c:1"})
    snapshot = stored(own, common)
    with_config = obj("Broker", "b", spec={"config": {"kind": "ConfigMap", "name": "own", "namespace": "n"}})
    assert of_broker(with_config, snapshot) == Cluster(
        {"servers": "a:9092,b:9092"}, 4, 2, {"retention.ms": "5"}
    )
    assert of_broker(obj("Broker", "b", spec={}), snapshot) == Cluster({"servers": "c:1"})


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "bootstrap.servers"),
        ({**CONFIG, "default.topic.partitions": "many"}, "default.topic.partitions"),
        ({**CONFIG, "auth.secret.ref.name": "s"}, 'secret "s" not found'),
    ],
)
def test_a_channels_config_map_that_is_wrong_says_how(data: dict[str, str], why: str) -> None:
    found = of_channel(stored(obj("ConfigMap", "kafka-channel-config", "knative-eventing", data=data)))
    assert isinstance(found, Refused)
    assert why in found.why


def test_a_sinks_secret_stands_beside_it() -> None:
    sink = obj(
        "KafkaSink", "k", spec={"bootstrapServers": ["b:1"], "auth": {"secret": {"ref": {"name": "s"}}}}
    )
    found = of_sink(sink, stored(secret("s", protocol=b"SSL", **{"user.skip": b"true"})))
    assert found == Cluster({"servers": "b:1", "protocol": "SSL"})
    assert isinstance(of_sink(sink, stored(secret("s", "elsewhere"))), Refused)


def test_a_source_names_a_secret_key_for_each_value() -> None:
    def key(name: str) -> dict[str, Any]:
        return {"secretKeyRef": {"name": "s", "key": name}}

    net = {
        "sasl": {"enable": True, "user": key("u"), "password": key("p"), "type": key("t")},
        "tls": {"enable": True, "caCert": key("ca")},
    }
    source = obj("KafkaSource", "k", spec={"bootstrapServers": ["b:1"], "net": net})
    held = secret("s", u=b"me", p=b"pw", t=b"SCRAM-SHA-256", ca=CERT)
    assert of_source(source, stored(held)) == Cluster(
        {
            "servers": "b:1",
            "protocol": "SASL_SSL",
            "mechanism": "SCRAM-SHA-256",
            "user": "me",
            "password": "pw",
            "ca": CERT.decode(),
        }
    )
    missing = of_source(source, stored(secret("s", u=b"me")))
    assert isinstance(missing, Refused)
    assert "n/s.p" in missing.why
