"""The objects that the node writes about itself: Node and Lease. Pure."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import Any

from hauberk.base.conditions import with_times
from hauberk.base.refs import Json
from hauberk.base.times import rfc3339_micro

from .pod.times import stamp

NODE = "hauberk"
NODE_IP = "10.128.0.1"
LEASE_S = 40
VERSION = "v1.32.0"


@dataclass(frozen=True, slots=True)
class Machine:
    """What the machine has."""

    cpus: int
    memory_bytes: int
    boot_id: str = ""
    machine_id: str = ""
    os_image: str = "Linux"
    pods: int = 250


def read_machine() -> Machine:
    """Ask the machine. Reads /proc and /etc only."""
    import os
    from pathlib import Path

    def text(path: str) -> str:
        try:
            return Path(path).read_text().strip()
        except OSError:
            return ""

    release = dict(row.split("=", 1) for row in text("/etc/os-release").splitlines() if "=" in row)
    return Machine(
        cpus=os.cpu_count() or 1,
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        boot_id=text("/proc/sys/kernel/random/boot_id"),
        machine_id=text("/etc/machine-id"),
        os_image=release.get("PRETTY_NAME", "Linux").strip('"'),
    )


def make_node() -> dict[str, Any]:
    """The Node object without its status."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": NODE,
            "labels": {
                "kubernetes.io/hostname": NODE,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": arch(),
                "beta.kubernetes.io/os": "linux",
                "beta.kubernetes.io/arch": arch(),
                "node-role.kubernetes.io/control-plane": "",
                "node-role.kubernetes.io/worker": "",
            },
        },
        "spec": {"podCIDR": "10.128.0.0/16", "podCIDRs": ["10.128.0.0/16"], "providerID": "hauberk://local"},
    }


def arch() -> str:
    """The machine's architecture in Go's words."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def make_node_status(machine: Machine, stored: Json | None, now: float) -> dict[str, Any]:
    """The Node's status: capacity, conditions, addresses, what runs here."""
    resources = {
        "cpu": str(machine.cpus),
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "pods": str(machine.pods),
    }
    conditions = [
        _condition(
            "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"
        ),
        _condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        _condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        _condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    before = ((stored or {}).get("status") or {}).get("conditions") or ()
    return {
        "capacity": resources,
        "allocatable": dict(resources),
        "conditions": with_times(
            [{**row, "lastHeartbeatTime": stamp(now)} for row in conditions], before, stamp(now)
        ),
        "addresses": [
            {"type": "InternalIP", "address": NODE_IP},
            {"type": "Hostname", "address": NODE},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}},
        "nodeInfo": {
            "machineID": machine.machine_id,
            "systemUUID": machine.machine_id,
            "bootID": machine.boot_id,
            "kernelVersion": platform.release(),
            "osImage": machine.os_image,
            "containerRuntimeVersion": "hauberk://1.0",
            "kubeletVersion": VERSION,
            "kubeProxyVersion": VERSION,
            "operatingSystem": "linux",
            "architecture": arch(),
        },
    }


def _condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def make_lease(now: float) -> dict[str, Any]:
    """The node's heartbeat."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": NODE, "namespace": "kube-node-lease"},
        "spec": {"holderIdentity": NODE, "leaseDurationSeconds": LEASE_S, "renewTime": rfc3339_micro(now)},
    }
