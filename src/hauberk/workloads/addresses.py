"""Cluster addresses of Services: given once, kept, never given twice.

An address follows from the Service's name where it is free, so that a deleted and re-made Service usually
has its old one, and two Services that are created at the same moment do not meet.

Source: kubernetes pkg/registry/core/service/storage/alloc.go.
Deviation: upstream draws addresses at random; node ports are not allocated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from hauberk.base.fields import FieldError
from hauberk.base.refs import Json
from hauberk.kinds.core.service import KIND
from hauberk.ports import Index, Snapshot
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.bootstrap import API_IP, DNS_IP
from hauberk.workloads.refusal import refuse

NETWORK = IPv4Network("172.30.0.0/16")
_FIRST = 256  # below: addresses that are asked for by name
_RESERVED = {API_IP: ("default", "kubernetes"), DNS_IP: ("openshift-dns", "dns-default")}
_ALLOCATED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy")


def admit(request: Request) -> Outcome:
    """Give a Service its address, or refuse the one it asks for."""
    if request.obj is None or request.subresource:
        return Outcome()
    obj = dict(request.obj)
    spec = dict(obj.get("spec") or {})
    before = (request.old or {}).get("spec") or {}
    obj["spec"] = _without_address(spec) if spec.get("type") == "ExternalName" else spec
    if spec.get("type") == "ExternalName":
        return Outcome(obj=obj)
    if not spec.get("clusterIP") and spec.get("clusterIPs"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    if not spec.get("clusterIP") and before.get("type") != "ExternalName" and before.get("clusterIP"):
        spec["clusterIP"] = before["clusterIP"]
    wanted = spec.get("clusterIP")
    if not wanted:
        spec["clusterIP"] = free_address(obj["metadata"], taken(request.snapshot, obj))
    elif wanted not in ("None", before.get("clusterIP")):
        refuse(obj, _refusal(obj, wanted, request.snapshot))
    spec["clusterIPs"] = [spec["clusterIP"]]
    return Outcome(obj=obj)


def _without_address(spec: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in spec.items() if k not in _ALLOCATED or (k == "clusterIP" and v)}


def _addresses(service: Json) -> tuple[str, ...]:
    address = (service.get("spec") or {}).get("clusterIP") or ""
    return (address,) if address not in ("", "None") else ()


SERVICES_BY_ADDRESS = Index(KIND.id, _addresses)


def taken(snapshot: Snapshot, but: Json) -> Callable[[str], bool]:
    """Whether an address belongs to a Service other than this one, or has a fixed owner."""
    me = (but["metadata"].get("namespace"), but["metadata"].get("name"))

    def is_taken(address: str) -> bool:
        if _RESERVED.get(address, me) != me:
            return True
        metas = (svc["metadata"] for svc in snapshot.find(SERVICES_BY_ADDRESS, address))
        return any((meta["namespace"], meta["name"]) != me for meta in metas)

    return is_taken


def free_address(meta: Json, is_taken: Callable[[str], bool]) -> str:
    """The first free address from the one that the name points to."""
    size = NETWORK.num_addresses - _FIRST - 1
    seed = hashlib.sha256(f"{meta.get('namespace')}/{meta.get('name')}".encode()).digest()
    start = int.from_bytes(seed[:8])
    for i in range(size):
        address = str(NETWORK.network_address + _FIRST + (start + i) % size)
        if not is_taken(address):
            return address
    raise RuntimeError("the Service network is full")


def _refusal(obj: Json, wanted: str, snapshot: Snapshot) -> Iterator[FieldError]:
    shown = f'Invalid value: ["{wanted}"]: failed to allocate IP {wanted}: '
    try:
        inside = IPv4Address(wanted) in NETWORK
    except ValueError:
        return  # validation says what is wrong with it
    if not inside:
        text = f"the provided IP ({wanted}) is not in the valid range. The range of valid IPs is {NETWORK}"
        yield FieldError("spec.clusterIPs", shown + text)
    elif taken(snapshot, obj)(wanted):
        yield FieldError("spec.clusterIPs", shown + "provided IP is already allocated")


ADMISSION = Admission(name="service-address", kinds=(KIND.id,), admit=admit, mutates=True)
