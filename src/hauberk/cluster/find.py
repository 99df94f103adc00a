"""Finding a cluster that runs: its options, its processes, its status."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cluster import client, processes
from hauberk.cluster.options import PROBLEM, RECORD, Options, load, paths_of, settled
from hauberk.cluster.processes import Process

PROXY = "@envoy"  # the keeper's name of a pod's Envoy: hauberk.node.pod.model, too heavy to import here
STATUS = "/hauberk/v1/status"
CONTROL_PLANE_MODULE = "hauberk.app"
KEEPER_MODULE = "hauberk.node.keeper"
KEEPER_SPEC = "keeper-spec.json"
PARTS = {"keeper": KEEPER_MODULE, "control plane": CONTROL_PLANE_MODULE, "proxies": "envoy"}


def keeper_of(paths: Paths) -> Process | None:
    """The keeper's outside half, or None when it does not run (any more)."""
    try:
        stated = int(json.loads((paths.run / "keeper.json").read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return _unstated_keeper(paths)
    found = processes.find(stated)
    if found and is_keeper(processes.command_line(found.pid), paths):
        return found
    return _unstated_keeper(paths)


def _unstated_keeper(paths: Paths) -> Process | None:
    """A keeper found among all processes: it has not written its file yet, or the file is gone.

    A session's runtime directory goes at logout, a temporary one is cleaned by age: `down` must work still.
    """
    halves = [p for p in processes.pids() if is_keeper(processes.command_line(p), paths)]
    outside = [p for p in halves if processes.parent(p) not in halves]
    return processes.find(outside[0]) if outside else None


def is_keeper(command: list[str], paths: Paths) -> bool:
    """Whether a command line is that of this cluster's keeper; its inside half and helpers look the same."""
    return KEEPER_MODULE in command and str(paths.run / KEEPER_SPEC) in command


def is_running(name: str) -> bool:
    """Whether the cluster's keeper runs."""
    return keeper_of(paths_of(name)) is not None


def running(name: str) -> Options:
    """The options of a cluster that runs. Raises Problem when it does not."""
    paths = paths_of(name)
    if keeper_of(paths) is None:
        raise Problem(
            f"cluster `{name}` is not running",
            wanted="a running cluster of that name",
            found="none",
            fix=f"hauberk up --name {name}",
        )
    return settled(paths) or load(paths.run / RECORD)


def keeper(name: str) -> Process:
    """The keeper's outside half. Raises Problem when the cluster does not run."""
    running(name)
    found = keeper_of(paths_of(name))
    assert found is not None, "it ran a moment ago"
    return found


def control_plane(name: str) -> int:
    """The control plane's pid on the host. Raises Problem when there is none."""
    for pid in processes.descendants(keeper(name).pid):
        if CONTROL_PLANE_MODULE in processes.command_line(pid):
            return pid
    raise Problem(
        f"the control plane of `{name}` is not running",
        wanted="one process of it",
        found="none; the keeper starts it again",
        fix=f"hauberk status --name {name}",
    )


def container_pid(name: str, uid: str, container: str) -> int:
    """The host's pid of a container's first process; LookupError when it does not run.

    A proxy container has no process of its own: its pid is that of the pod's Envoy.
    """
    rows = ask_keeper(paths_of(name), "running")
    units = {row["name"]: int(row["pid"]) for row in rows if row["uid"] == uid}
    inner = units.get(container) or units[PROXY]
    for pid in processes.descendants(keeper(name).pid):
        if inner in processes.namespace_pids(pid)[1:2]:
            return pid
    raise LookupError(container)


def ask_keeper(paths: Paths, op: str) -> Any:
    """One request to the keeper. Raises OSError when it does not answer."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(5)
        wire.connect(str(paths.keeper_socket))
        wire.sendall(json.dumps({"id": 1, "op": op}).encode() + b"\n")
        with wire.makefile("rb") as lines:
            return json.loads(lines.readline())["ok"]


def pod_uid(options: Options, pod: str) -> str:
    """The uid of `NAMESPACE/NAME`. Raises Problem when there is no such pod."""
    namespace, _, name = pod.rpartition("/")
    target = f"/api/v1/namespaces/{namespace or 'default'}/pods/{name}"
    status, body = client.get(options.paths.api_socket, target)
    if status != 200:
        raise Problem(
            f"no pod `{pod}`",
            wanted="NAMESPACE/NAME of a pod",
            found=json.loads(body).get("message", f"status {status}"),
            fix="kubectl get pods -A",
        )
    uid: str = json.loads(body)["metadata"]["uid"]
    return uid


def status_of(name: str) -> dict[str, Any]:
    """What `hauberk status` shows; `state` is `running`, `starting` or `stopped`."""
    found = keeper_of(paths_of(name))
    if found is None:
        return {"name": name, "state": "stopped", "hint": f"start it: hauberk up --name {name}"}
    try:
        report: dict[str, Any] = client.get_json(running(name).paths.api_socket, STATUS)
    except (OSError, ValueError) as error:
        stopped_by = problem_of(paths_of(name))
        hint = str(stopped_by) if stopped_by else f"the control plane does not answer yet: {error}"
        return {"name": name, "state": "starting", "hint": hint}
    return {**report, "memory": memory(found)}


def problem_of(paths: Paths) -> Problem | None:
    """What keeps the control plane from starting, as it said itself; None when it said nothing."""
    try:
        return Problem(**json.loads((paths.run / PROBLEM).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def memory(keeper: Process) -> dict[str, Any]:
    """PSS in bytes of everything the cluster runs, and by part."""
    parts: dict[str, int] = dict.fromkeys([*PARTS, "apps"], 0)
    for pid in processes.descendants(keeper.pid):
        parts[part_of(processes.command_line(pid))] += processes.pss_bytes(pid)
    return {"pssBytes": sum(parts.values()), "byPart": parts}


def part_of(command: list[str], parts: Mapping[str, str] = PARTS) -> str:
    """Which part of the cluster a process belongs to, by its command line."""
    head = command[:4]
    for part, mark in parts.items():
        if any(word == mark or word.endswith(f"/{mark}") or word.startswith(f"{mark}.") for word in head):
            return part
    return "apps"
