"""Which Kafka cluster an object means and how to log in there, in upstream's words. Pure.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/{security,kafka}.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hauberk.base.refs import Json, Ref
from hauberk.kafka.names import BROKER_CONFIG, CHANNEL_CONFIG, SYSTEM
from hauberk.ports import Snapshot

PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_TOPIC_PREFIX = "default.topic.config."


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Kafka cluster as a contract's `settings["kafka"]` says it, and the shape of topics made there."""

    kafka: Mapping[str, Any]
    partitions: int = 1
    replication: int = 1
    topic_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> str:
        """The brokers to begin with, `host:port,…`."""
        return str(self.kafka["servers"])


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no cluster."""

    why: str


Access: TypeAlias = Cluster | Refused


def servers_of(said: str | Iterable[str]) -> str:
    """Brokers as one comma-separated text, from a text or a list of them."""
    rows = [said] if isinstance(said, str) else list(said)
    return ",".join(part.strip() for row in rows for part in str(row).split(",") if part.strip())


def with_secret(servers: str, data: Mapping[str, bytes]) -> dict[str, Any] | Refused:
    """A connection by a Secret with upstream's keys.

    | protocol       | needs                                                                     |
    |----------------|---------------------------------------------------------------------------|
    | PLAINTEXT      | -                                                                         |
    | SASL_PLAINTEXT | user, password; sasl.mechanism (default PLAIN)                            |
    | SSL            | user.crt and user.key unless user.skip is true; ca.crt (default: system's)|
    | SASL_SSL       | as SASL_PLAINTEXT; ca.crt                                                 |
    """
    text = {key: value.decode(errors="replace") for key, value in data.items()}
    protocol = text.get("protocol", "")
    if not protocol:
        return Refused(f"protocol required (key: protocol) supported protocols: [{' '.join(PROTOCOLS)}]")
    if protocol not in PROTOCOLS:
        return Refused(
            f"protocol {protocol} unsupported (key: protocol), supported protocols: [{' '.join(PROTOCOLS)}]"
        )
    out = {"servers": servers, "protocol": protocol}
    for add in (_sasl, _tls):
        more = add(protocol, text)
        if isinstance(more, Refused):
            return more
        out |= more
    return out


def _sasl(protocol: str, text: Mapping[str, str]) -> dict[str, str] | Refused:
    if not protocol.startswith("SASL"):
        return {}
    mechanism = text.get("sasl.mechanism") or "PLAIN"
    if mechanism not in MECHANISMS:
        return Refused(f"[protocol {protocol}] unsupported SASL mechanism (key: sasl.mechanism)")
    for key in ("user", "password"):
        if not text.get(key):
            return Refused(f"[protocol {protocol}] SASL {key} required (key: {key})")
    return {"mechanism": mechanism, "user": text["user"], "password": text["password"]}


def _tls(protocol: str, text: Mapping[str, str]) -> dict[str, str] | Refused:
    if not protocol.endswith("SSL"):
        return {}
    out = {"ca": text["ca.crt"]} if text.get("ca.crt") else {}
    if "ca" in out and "BEGIN CERTIFICATE" not in out["ca"]:
        return Refused(f"[protocol {protocol}] failed to parse CA certificates (key: ca.crt)")
    if protocol != "SSL" or text.get("user.skip", "").lower() in ("1", "t", "true"):
        return out
    for key in ("user.key", "user.crt"):
        if not text.get(key):
            return Refused(
                f"[protocol {protocol}] required user key (key: {key}) - "
                'use "user.skip: true" to disable client auth'
            )
    if "BEGIN RSA PRIVATE KEY" in text["user.key"]:
        return Refused(
            f"[protocol {protocol}] unsupported user key format in user.key, 'PKCS #1' format is not "
            "supported, convert private key to 'PKCS #8'"
        )
    return {**out, "cert": text["user.crt"], "key": text["user.key"]}


def decoded(secret: Json) -> dict[str, bytes]:
    """A Secret's values; what is not base64 counts as empty."""
    out = {}
    for key, value in (secret.get("data") or {}).items():
        try:
            out[key] = base64.b64decode(value or "")
        except (binascii.Error, ValueError):
            out[key] = b""
    return out


def _named(servers: str, namespace: str, name: str, snapshot: Snapshot) -> dict[str, Any] | Refused:
    """A connection with or without a Secret's name."""
    if not name:
        return {"servers": servers}
    secret = snapshot.get(Ref("Secret", namespace, name))
    if secret is None:
        return Refused(f'failed to get secret {namespace}/{name}: secret "{name}" not found')
    return with_secret(servers, decoded(secret))


def of_config_map(namespace: str, name: str, snapshot: Snapshot) -> Access:
    """The cluster that a ConfigMap names: brokers, topic defaults, Secret.

    The Secret of a channel's ConfigMap may stand in another namespace, a broker's stands beside its
    ConfigMap. Source: control-plane/pkg/kafka/topic.go, TopicConfigFromConfigMap.
    """
    config = snapshot.get(Ref("ConfigMap", namespace, name))
    if config is None:
        return Refused(f'failed to get configmap {namespace}/{name}: configmap "{name}" not found')
    data: Mapping[str, str] = config.get("data") or {}
    servers = servers_of(data.get("bootstrap.servers", ""))
    if not servers:
        return Refused(
            f"unable to get bootstrapServers from configmap {namespace}/{name}: key bootstrap.servers"
        )
    numbers = {}
    for key in ("default.topic.partitions", "default.topic.replication.factor"):
        text = str(data.get(key, "1"))
        if not text.isdigit() or text == "0":
            return Refused(f"failed to build topic config from configmap {namespace}/{name}: {key}: {text!r}")
        numbers[key] = int(text)
    home = data.get("auth.secret.ref.namespace") or namespace
    found = _named(servers, home, data.get("auth.secret.ref.name", ""), snapshot)
    if isinstance(found, Refused):
        return found
    extra = {k.removeprefix(_TOPIC_PREFIX): str(v) for k, v in data.items() if k.startswith(_TOPIC_PREFIX)}
    return Cluster(
        found, numbers["default.topic.partitions"], numbers["default.topic.replication.factor"], extra
    )


def of_broker(broker: Json, snapshot: Snapshot) -> Access:
    """The cluster of a Kafka broker: its ConfigMap's, by default kafka-broker-config."""
    config = (broker.get("spec") or {}).get("config") or {}
    if config and str(config.get("kind", "")).lower() != "configmap":
        return Refused(f"supported config Kind: ConfigMap - got {config.get('kind')}")
    namespace = str(config.get("namespace") or (broker["metadata"]["namespace"] if config else SYSTEM))
    return of_config_map(namespace, str(config.get("name") or BROKER_CONFIG), snapshot)


def of_channel(snapshot: Snapshot) -> Access:
    """The cluster of every KafkaChannel."""
    return of_config_map(SYSTEM, CHANNEL_CONFIG, snapshot)


def of_sink(sink: Json, snapshot: Snapshot) -> Access:
    """The cluster of a KafkaSink; its Secret stands beside it."""
    spec = sink.get("spec") or {}
    ref = ((spec.get("auth") or {}).get("secret") or {}).get("ref") or {}
    servers = servers_of(spec.get("bootstrapServers") or ())
    found = _named(servers, sink["metadata"]["namespace"], str(ref.get("name") or ""), snapshot)
    if isinstance(found, Refused):
        return found
    return Cluster(found, int(spec.get("numPartitions") or 1), int(spec.get("replicationFactor") or 1))


def of_source(source: Json, snapshot: Snapshot) -> Access:
    """The cluster of a KafkaSource: `spec.net` names one Secret key for each value.

    Source: control-plane/pkg/security/net_spec_auth_context.go, ResolveAuthContextFromNetSpec.
    """
    spec = source.get("spec") or {}
    servers = servers_of(spec.get("bootstrapServers") or ())
    net = spec.get("net") or {}
    sasl, tls = net.get("sasl") or {}, net.get("tls") or {}
    data: dict[str, bytes] = {}
    rows = []
    if sasl.get("enable"):
        rows += [
            ("user", sasl.get("user")),
            ("password", sasl.get("password")),
            ("sasl.mechanism", sasl.get("type")),
        ]
    if tls.get("enable"):
        rows += [("user.crt", tls.get("cert")), ("user.key", tls.get("key")), ("ca.crt", tls.get("caCert"))]
    if not rows:
        return Cluster({"servers": servers})
    for key, said in rows:
        value = _secret_key(said, source["metadata"]["namespace"], snapshot)
        if isinstance(value, Refused):
            return value
        if value:
            data[key] = value
    data["protocol"] = _protocol(bool(sasl.get("enable")), bool(tls.get("enable")))
    if "user.crt" not in data and "user.key" not in data:
        data["user.skip"] = b"true"
    found = with_secret(servers, data)
    return found if isinstance(found, Refused) else Cluster(found)


def _protocol(sasl: bool, tls: bool) -> bytes:
    if sasl:
        return b"SASL_SSL" if tls else b"SASL_PLAINTEXT"
    return b"SSL"


def _secret_key(said: Any, namespace: str, snapshot: Snapshot) -> bytes | Refused:
    ref = (said or {}).get("secretKeyRef") or {}
    name, key = str(ref.get("name") or ""), str(ref.get("key") or "")
    if not name:
        return b""
    secret = snapshot.get(Ref("Secret", namespace, name))
    if secret is None:
        return Refused(f'failed to get secret {namespace}/{name}: secret "{name}" not found')
    value = decoded(secret).get(key)
    if value is None:
        return Refused(f"missing secret key or empty secret value ({namespace}/{name}.{key})")
    return value
