"""The images that come with Hauberk: proxies, the waiting component, samples.

| reference                          | what it is                                                        |
|------------------------------------|-------------------------------------------------------------------|
| hauberk.local/{proxyv2, queue, …}  | a role of the pod's one Envoy, not a process                      |
| hauberk.local/component            | a process that waits: the control plane does the component's work |
| hauberk.local/{helloworld, …}      | the samples of Knative's documentation, small and quick to start  |
| hauberk.local/eventing             | the data plane of Eventing and Kafka; its first argument is the role |
| hauberk.local/curl                 | the machine's own programs: a client; waits unless told what to do |
| hauberk.local/kafka                | a real Apache Kafka broker, where Java and its jars are here       |
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hauberk.node.images import eventing, kafka
from hauberk.node.images.model import Mount, ResolvedImage, Role

REGISTRY = "hauberk.local"
SAMPLES = Path(__file__).parent / "samples"
_TARGET = "/ko-app"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PROXIES: Mapping[str, Role] = {
    "proxyv2": "mesh",
    "queue": "queue",
    "activator": "activator",
    "autoscaler": "autoscaler",
    "router": "router",
    "kourier": "kourier",
}
_SERVER = ("http_server.py", "http2.py", "http2_fields.py")
_SAMPLES = ("helloworld", "event-display", "autoscale")
_WAIT = "trap 'exit 0' TERM INT; sleep infinity & wait"
_KAFKA = "kafka_server.py"
NAMES = (*PROXIES, "component", "eventing", *_SAMPLES, "curl", "kafka")


def builtin(name: str, reference: str) -> ResolvedImage | None:
    """The built-in image of that name (the part after `hauberk.local/`, without tag), or None."""
    if name in PROXIES:
        digest = digest_of(name.encode())
        return ResolvedImage(reference, "proxy", digest, entrypoint=(f"/usr/bin/{name}",), role=PROXIES[name])
    if name == "component":
        entry = ("/bin/sh", "-c", _WAIT)
        return ResolvedImage(reference, "builtin", digest_of(_WAIT.encode()), entry, role="component")
    if name == "eventing":
        return eventing.image(reference, *python())
    if name in _SAMPLES:
        return _sample(name, reference)
    if name == "kafka":
        return _kafka(reference)
    if name == "curl":
        return ResolvedImage(
            reference,
            "builtin",
            digest_of(b"curl"),
            entrypoint=("/usr/bin/env", "--"),
            cmd=("/bin/sh", "-c", _WAIT),
        )
    return None


def _sample(name: str, reference: str) -> ResolvedImage:
    file = name.replace("-", "_") + ".py"
    content = b"".join((SAMPLES / part).read_bytes() for part in (file, *_SERVER))
    interpreter, binds = python()
    return ResolvedImage(
        reference,
        "builtin",
        digest_of(content),
        # -S -E -I: no site-packages, no environment, nothing but the standard library; about 15 ms
        entrypoint=(interpreter, "-S", "-E", "-I", f"{_TARGET}/{file}"),
        env={"PATH": _PATH},
        binds=(Mount(str(SAMPLES), _TARGET, read_only=True), *binds),
    )


def _kafka(reference: str) -> ResolvedImage:
    interpreter, binds = python()
    digest = digest_of(kafka.VERSION.encode() + (SAMPLES / _KAFKA).read_bytes())
    found = kafka.image(reference, digest, _TARGET, _KAFKA, interpreter)
    return replace(found, binds=(Mount(str(SAMPLES), _TARGET, read_only=True), *found.binds, *binds))


def python() -> tuple[str, tuple[Mount, ...]]:
    """An interpreter as containers see it, and what to mount when it is not one of the system's."""
    prefix = os.path.realpath(sys.base_prefix)
    interpreter = os.path.realpath(sys.executable)
    if prefix == "/usr" or prefix.startswith(("/usr/", "/opt/")):
        return interpreter, ()
    return interpreter, (Mount(prefix, prefix, read_only=True),)


def digest_of(content: bytes) -> str:
    """`sha256:HEX` of bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
