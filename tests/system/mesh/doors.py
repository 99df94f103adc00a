"""What tests of Gateways share: a CA, Gateways and routes, and requests to the ingress gateway's pod."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

from stage import OUT, A, Room, Said, istio

from hauberk.node import enter
from hauberk.pki.issuing import Issuer, Wanted, authority
from hauberk.ports import KeyPair

ROOT = "istio-system"
ME, STRANGER = f"{A}/client", f"{OUT}/client"
GATE = {"knative": "ingressgateway"}
CREDENTIALS = ("gw-a", "gw-b", "gw-m", "gw-m-cacert")
DAY_S = 86_400


class Keys:
    """A CA and what it signed, as files in the cluster's folder."""

    def __init__(self, room: Room) -> None:
        self.folder: Path = room.cluster.folder
        pair = authority("gateways", "test", now=time.time(), life_s=DAY_S)
        self.chain, self._issuer = pair.chain, Issuer(pair)
        (self.folder / "gw-ca.crt").write_bytes(pair.chain)

    def issue(self, name: str, *hosts: str) -> KeyPair:
        """A certificate for these hosts; also as files."""
        pair = self._issuer.issue(Wanted(common_name=name, hosts=hosts), now=time.time())
        (self.folder / f"{name}.crt").write_bytes(pair.chain)
        (self.folder / f"{name}.key").write_bytes(pair.key)
        return pair


def secret(name: str, where: str = ROOT, **data: bytes) -> dict[str, Any]:
    rows = {k.replace("_", "."): base64.b64encode(v).decode() for k, v in data.items()}
    meta = {"name": name, "namespace": where}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": rows}


def tls_secret(name: str, pair: KeyPair, where: str = ROOT, **more: bytes) -> dict[str, Any]:
    return secret(name, where, tls_crt=pair.chain, tls_key=pair.key, **more)


def gateway(name: str, *servers: dict[str, Any], where: str = A) -> dict[str, Any]:
    return istio("Gateway", where, name, {"selector": GATE, "servers": list(servers)})


def server(number: int, protocol: str, *hosts: str, **tls: Any) -> dict[str, Any]:
    port = {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}
    return {"port": port, "hosts": list(hosts), **({"tls": tls} if tls else {})}


def route(name: str, host: str, **more: Any) -> dict[str, Any]:
    http = {
        "http": [{"route": [{"destination": {"host": f"web.{A}.svc.cluster.local", "port": {"number": 80}}}]}]
    }
    return istio("VirtualService", A, name, {"hosts": [host], "gateways": [name], **(more or http)})


def door(room: Room) -> str:
    """The address of the ingress gateway's pod."""
    pods = room.cluster.json("pods", "-n", ROOT, "-l", "knative=ingressgateway")["items"]
    return str(pods[0]["status"]["podIP"])


def ask(room: Room, url: str, port: int, *more: str) -> Said:
    """A request from the pod network to the gateway's pod, whatever the URL's host."""
    host = url.split("/")[2]
    name, _, number = host.partition(":")
    number = number or ("443" if url.startswith("https") else "80")
    ca = ["--cacert", str(room.cluster.folder / "gw-ca.crt")]
    led = ["--connect-to", f"{name}:{number}:{door(room)}:{port}"]
    argv = ["curl", "-sS", "-m", "8", "-w", r"\n%{http_code}", *ca, *led, *more, url]
    ran = room.cluster.shell.run(enter.argv(room.cluster.options.paths, None, argv), timeout_s=20)
    return Said(ran.code, ran.out, ran.err)
