"""How to reach a Kafka cluster: from a contract's settings to aiokafka's arguments, in upstream's words.

Source: knative-extensions/eventing-kafka-broker control-plane/pkg/security/secret.go.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Mapping
from typing import Any

import msgspec

PROTOCOLS = ("PLAINTEXT", "SASL_PLAINTEXT", "SSL", "SASL_SSL")


class Connection(msgspec.Struct, frozen=True, omit_defaults=True):
    """`settings["kafka"]` of a resource: a cluster and how to log in there. Certificates and keys are PEM."""

    servers: str
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: str = ""
    ca: str = ""
    cert: str = ""
    key: str = ""


def connection_of(settings: Mapping[str, Any]) -> Connection:
    """The connection of a resource. Raises msgspec.ValidationError."""
    return msgspec.convert(settings["kafka"], Connection)


def arguments(connection: Connection) -> dict[str, Any]:
    """Keyword arguments of every aiokafka client. Raises ValueError or ssl.SSLError for bad certificates."""
    found: dict[str, Any] = {
        "bootstrap_servers": connection.servers,
        "security_protocol": connection.protocol,
    }
    if connection.protocol.endswith("SSL"):
        found["ssl_context"] = _context(connection)
    if connection.protocol.startswith("SASL"):
        found["sasl_mechanism"] = connection.mechanism or "PLAIN"
        found["sasl_plain_username"] = connection.user
        found["sasl_plain_password"] = connection.password
    return found


def _context(connection: Connection) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=connection.ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if connection.cert:
        # ssl reads a key from a file only; the file is gone when this returns
        with tempfile.NamedTemporaryFile(prefix="kafka-", suffix=".pem") as file:
            file.write(f"{connection.key}\n{connection.cert}".encode())
            file.flush()
            context.load_cert_chain(file.name)
    return context
