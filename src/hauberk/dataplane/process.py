"""One process of the data plane: the role's module, signals, metrics, directories.

| what      | where                                                            |
|-----------|------------------------------------------------------------------|
| contract  | `/run/hauberk/control.sock` (`HAUBERK_RUN`), PUT /contract       |
| data      | `/var/lib/hauberk` (`HAUBERK_DATA`), kept for the workload       |
| events    | port 8080 (`PORT`)                                               |
| metrics   | port 9090 (`METRICS_PROMETHEUS_PORT`)                            |
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from hauberk.dataplane.metrics import Metrics
from hauberk.dataplane.place import METRICS_PORT, PORT, Place

log = logging.getLogger(__name__)

_HERE = "hauberk.dataplane"
ROLES: Mapping[str, str] = {
    "broker-ingress": f"{_HERE}.roles.broker_ingress",
    "broker-filter": f"{_HERE}.roles.broker_filter",
    "imc-dispatcher": f"{_HERE}.roles.imc_dispatcher",
    "pingsource-mt-adapter": f"{_HERE}.roles.pingsource",
    "apiserver-receive-adapter": f"{_HERE}.roles.apiserver",
    "job-sink": f"{_HERE}.roles.job_sink",
    "kafka-controller": f"{_HERE}.kafka.controller",
    "kafka-broker-receiver": f"{_HERE}.kafka.broker_receiver",
    "kafka-broker-dispatcher": f"{_HERE}.kafka.broker_dispatcher",
    "kafka-channel-receiver": f"{_HERE}.kafka.channel_receiver",
    "kafka-channel-dispatcher": f"{_HERE}.kafka.channel_dispatcher",
    "kafka-source-dispatcher": f"{_HERE}.kafka.source_dispatcher",
    "kafka-sink-receiver": f"{_HERE}.kafka.sink_receiver",
}
# Source: the component names of knative/eventing cmd/*/main.go: the prefix of their metrics
PREFIXES: Mapping[str, str] = {
    "broker-ingress": "mt_broker_ingress",
    "broker-filter": "mt_broker_filter",
    "imc-dispatcher": "inmemorychannel_dispatcher",
    "pingsource-mt-adapter": "pingsource",
    "apiserver-receive-adapter": "apiserversource",
}


class RoleModule(Protocol):
    """What a module of ROLES has."""

    async def run(self, place: Place) -> None:
        """Do the role's work until `place.stopping`, then let it end."""


def load(role: str) -> RoleModule:
    """The module of a role. KeyError: no such role; ImportError: not built."""
    return cast(RoleModule, importlib.import_module(ROLES[role]))


def main(role: str, env: Mapping[str, str]) -> int:
    """Run a role until TERM. The exit code."""
    if role not in ROLES:
        log.error("no such role: %s. Known: %s", role, ", ".join(ROLES))
        return 2
    asyncio.run(_run(role, env))
    return 0


async def _run(role: str, env: Mapping[str, str]) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            await _act(place_of(role, env, tasks))
            raise _Done
    except* _Done:
        log.info("role %s has ended", role)


def place_of(role: str, env: Mapping[str, str], tasks: asyncio.TaskGroup) -> Place:
    """The surroundings that the environment describes."""
    data = Path(env.get("HAUBERK_DATA", "/var/lib/hauberk"))
    folder = Path(env.get("HAUBERK_RUN", "/run/hauberk"))
    place = Place(role, data, folder, env, tasks, metrics=Metrics(PREFIXES.get(role, "")))
    place.ports["http"] = int(env.get("PORT", PORT))
    place.ports["metrics"] = int(env.get("METRICS_PROMETHEUS_PORT", METRICS_PORT))
    return place


async def _act(place: Place) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, place.stopping.set)
    metrics = await place.serve_metrics()
    log.info("role %s starts", place.role)
    await load(place.role).run(place)
    await metrics.drain(0.1)
    place.client.close()


class _Done(Exception):
    """The role has returned; what it left running ends with it."""
