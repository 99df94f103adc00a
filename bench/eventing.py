"""Events: through a broker in the document's mesh, and the durable channel alone.

In the mesh: sender, broker-ingress, imc-dispatcher, broker-filter and subscriber are pods with sidecars,
STRICT mTLS on every hop, 1 kB of JSON. The sender stamps events; the subscriber, on the same clock, takes
the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import event_sender
from bench.model import Bench, Figure, percentile
from bench.stage import documented
from hauberk.dataplane.client import Client
from hauberk.events.contract import Contract, Delivery, Egress, Resource, Target
from hauberk.testing.cluster import Cluster, eventually, hauberk
from hauberk.testing.dataplane import Process, Subscriber, process, subscriber

HERE = Path(__file__).parent
MESH = """
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: perf, namespace: default}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: all, namespace: default}
spec:
  broker: perf
  filter: {attributes: {type: bench.kind}}
  subscriber: {ref: {apiVersion: v1, kind: Service, name: sink}}
---
apiVersion: v1
kind: Service
metadata: {name: sink, namespace: default}
spec:
  selector: {app: sink}
  ports: [{name: http, port: 80, targetPort: 8080}]
"""
URL = "http://broker-ingress.knative-eventing.svc.cluster.local/default/perf"
ROUNDS, EVENTS, CLIENTS, PACE = 3, 10_000, 64, 500
BROKERS = 500


def pod(name: str, *command: str) -> str:
    """A pod with a sidecar that runs one of this folder's scripts."""
    argv = json.dumps([os.path.realpath(sys.executable), "-S", "-s", *command])
    return f"""
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: default
  labels: {{app: {name}, sidecar.istio.io/inject: "true"}}
  annotations: {{traffic.sidecar.istio.io/excludeInboundPorts: "8081"}}
spec:
  restartPolicy: Never
  containers:
  - name: user
    image: hauberk.local/eventing
    command: {argv}
    ports: [{{containerPort: 8080}}]
    volumeMounts: [{{name: scripts, mountPath: /bench}}]
  volumes: [{{name: scripts, hostPath: {{path: {HERE}}}}}]
"""


def sent(cluster: Cluster, count: int, clients: int, rate: float) -> dict[str, Any]:
    """Send from a fresh pod, and what the subscriber says about it."""
    cluster.must("delete", "pod", "source", "-n", "default", "--ignore-not-found")
    cluster.apply(pod("source", "/bench/event_sender.py", URL, str(count), str(clients), str(rate)))
    logs = ("logs", "source", "-n", "default", "-c", "user")
    eventually(lambda: bool(cluster.run(*logs).out.strip()), within_s=120)
    answers = json.loads(cluster.must(*logs))["answers"]
    assert answers == {"202": count}, answers
    time.sleep(1)
    return told(cluster)


def told(cluster: Cluster) -> dict[str, Any]:
    """The subscriber's figures; it counts anew."""
    address = cluster.json("pod", "sink", "-n", "default")["status"]["podIP"]
    argv = ["enter", "--name", cluster.name, "--", "curl", "-sS", "-X", "POST", f"{address}:8081"]
    found: dict[str, Any] = json.loads(hauberk(*argv).stdout)
    return found


def broker() -> Sequence[Figure]:
    """Broker → trigger → subscriber under strict mTLS."""
    with documented() as cluster:
        time.sleep(10)
        idle = pss_of(cluster)
        cluster.apply(MESH)
        cluster.apply(pod("sink", "/bench/event_sink.py"))
        ready = ("wait", "--for=condition=Ready", "-n", "default", "broker/perf", "trigger/all", "pod/sink")
        cluster.must(*ready, "--timeout=60s")
        sent(cluster, 500, 8, 0)
        rounds = [sent(cluster, EVENTS, CLIENTS, 0) for _ in range(ROUNDS)]
        paced = sent(cluster, 20 * PACE, 0, PACE)
    assert all(r["different"] == r["deliveries"] == EVENTS for r in rounds), rounds
    speeds = [r["deliveries"] / r["seconds"] for r in rounds]
    total = sum(idle.values())
    parts = ", ".join(f"{name} {size / 1e6:.0f}" for name, size in sorted(idle.items()))
    return [
        Figure(
            what="broker → trigger → subscriber, 1 kB, strict mTLS on every hop, sustained",
            measured=f"{percentile(speeds, 0.5):,.0f} events/s ({min(speeds):,.0f} to {max(speeds):,.0f})",
            must="≥ 2,000 events/s",
            reached=percentile(speeds, 0.5) >= 2000,
            value=percentile(speeds, 0.5),
            less_is_better=False,
            method=f"{ROUNDS} rounds of {EVENTS:,} events from {CLIENTS} clients, median",
        ),
        Figure(
            what=f"the same at {PACE} events/s, from sender to subscriber, p99",
            measured=f"{paced['p99'] * 1000:.0f} ms (median {paced['p50'] * 1000:.0f} ms)",
            must="≤ 50 ms",
            reached=paced["p99"] <= 0.05,
            value=paced["p99"],
            method="20 s",
        ),
        Figure(
            what="the Eventing data plane, idle, PSS: processes and their sidecars",
            measured=f"{total / 1e6:.0f} MB ({parts})",
            must="≤ 150 MB",
            reached=total <= 150e6,
            value=total,
            method="10 s after the document was applied: ingress, channel, filter, job-sink",
        ),
    ]


def pss_of(cluster: Cluster, namespace: str = "knative-eventing") -> dict[str, int]:
    """PSS in bytes of the processes of a namespace's data plane pods, by workload."""
    names = ("imc-dispatcher", "mt-broker-ingress", "mt-broker-filter", "job-sink", "pingsource-mt-adapter")
    pods = cluster.json("pods", "-n", namespace)["items"]
    found: dict[str, int] = {}
    for item in pods:
        full, uid = item["metadata"]["name"], item["metadata"]["uid"]
        name = next((n for n in names if full.startswith(f"{n}-")), "")
        if name:
            found[name] = found.get(name, 0) + sum(pss(pid) for pid in _pids(full, uid))
    return found


def _pids(pod_name: str, uid: str) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes()
                surroundings = (folder / "environ").read_bytes()
            except OSError:
                continue
            own = f"HOSTNAME={pod_name[:63]}\0".encode() in surroundings + b"\0" and b"dataplane" in command
            if own or (uid.encode() in command and b"envoy" in command):
                yield int(folder.name)


def pss(pid: int) -> int:
    """The proportional set size of a process, in bytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


Parts = tuple[Process, Process, Process]


@contextmanager
def roles(folder: Path) -> Iterator[Parts]:
    """Ingress, dispatcher and filter as processes on the loopback, without sidecars."""
    with (
        process("broker-ingress", folder) as ingress,
        process("imc-dispatcher", folder) as imc,
        process("broker-filter", folder) as filters,
    ):
        yield ingress, imc, filters


async def wired(parts: Parts, url: str, brokers: int = 1, triggers: int = 1) -> None:
    """Tell the three of brokers with triggers that all end at one URL."""
    ingress, imc, filters = parts
    await asyncio.gather(*[part.ready() for part in parts])
    rows: list[Resource] = []
    channels: list[Resource] = []
    for number in range(brokers):
        name = f"b{number}"
        ends = [Egress(f"t-{name}-{n}", "ns", f"t{n}", Target(url)) for n in range(triggers)]
        hops = [
            Egress(
                f"s-{end.uid}",
                "ns",
                end.name,
                Target(f"{filters.url}/triggers/ns/{end.name}/{end.uid}"),
                reply=Target(f"{ingress.url}/ns/{name}"),
                delivery=Delivery(10),
            )
            for end in ends
        ]
        channel = f"{imc.url}/ns/{name}-kne-trigger"
        rows.append(Resource(name, "Broker", "ns", name, target=Target(channel), egresses=tuple(ends)))
        channels.append(
            Resource(f"c-{name}", "InMemoryChannel", "ns", f"{name}-kne-trigger", egresses=tuple(hops))
        )
    for part, resources in ((filters, rows), (imc, channels), (ingress, rows)):
        await part.tell(Contract(1, tuple(resources)))


def channel() -> Sequence[Figure]:
    """The durable channel alone, and what many brokers weigh."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, roles(Path(folder)) as parts:
        speeds, added = asyncio.run(_channel(parts))
    return [
        Figure(
            what="durable channel, 1 kB, acknowledged after the disk has it",
            measured=f"{percentile(speeds, 0.5):,.0f} events/s ({min(speeds):,.0f} to {max(speeds):,.0f})",
            must="≥ 2,000 events/s",
            reached=percentile(speeds, 0.5) >= 2000,
            value=percentile(speeds, 0.5),
            less_is_better=False,
            method=f"{ROUNDS} rounds of {EVENTS:,} events from {CLIENTS} clients on the loopback; delivered "
            "to a subscriber in the sender's process at the same time",
        ),
        Figure(
            what=f"{BROKERS} brokers with 2 triggers each: memory added to the three processes",
            measured=f"{added / 1e6:.0f} MB",
            must="≤ 100 MB",
            reached=added <= 100e6,
            value=added,
            method="PSS after the contract against before; the control plane and the sidecars are not in it",
        ),
    ]


async def _channel(parts: Parts) -> tuple[list[float], int]:
    client = Client()
    speeds = []
    async with subscriber() as sub:
        await wired(parts, sub.url)
        before = sum(pss(part.pid) for part in parts)
        await wired(parts, sub.url, BROKERS, 2)
        added = sum(pss(part.pid) for part in parts) - before
        url = Target(f"{parts[1].url}/ns/b0-kne-trigger").url
        for number in range(ROUNDS):
            names = iter(f"{number}-{n}" for n in range(EVENTS))

            async def loop(names: Iterator[str] = names) -> None:
                for name in names:
                    assert await event_sender.send(client, url, name) == 202

            began = time.monotonic()
            await asyncio.gather(*[loop() for _ in range(CLIENTS)])
            speeds.append(EVENTS / (time.monotonic() - began))
    client.close()
    return speeds, added


def kills() -> Sequence[Figure]:
    """Processes killed at random under load: nothing acknowledged is lost, little comes twice."""
    seconds = float(os.environ.get("HAUBERK_BENCH_KILLS_S", "120"))
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder, roles(Path(folder)) as parts:
        acknowledged, sub, count = asyncio.run(_kills(parts, seconds))
    lost = len(acknowledged - set(sub.seen))
    twice = sum(sub.seen.values()) - len(sub.seen)
    share = twice / max(1, len(sub.seen))
    return [
        Figure(
            what=f"{count} kills (-9) of ingress, channel and filter in {seconds:.0f} s at {PACE} events/s",
            measured=f"{len(acknowledged):,} acknowledged, {lost} lost, {twice} came twice ({share:.3%})",
            must="0 lost, ≤ 0.1 % twice",
            reached=lost == 0 and share <= 0.001,
            value=share,
            method=f"one of them every {seconds / 30:.0f} to {seconds / 10:.0f} s, then started again; on "
            "the loopback; the sender repeats what was not acknowledged",
        )
    ]


async def _kills(parts: Parts, seconds: float) -> tuple[set[str], Subscriber, int]:
    client = Client()
    chosen = random.Random(7)
    acknowledged: set[str] = set()
    count = 0
    async with subscriber() as sub:
        await wired(parts, sub.url)
        url = f"{parts[0].url}/ns/b0"

        async def one(name: str) -> None:
            while await event_sender.send(client, url, name) != 202:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            acknowledged.add(name)

        async def kill() -> None:
            nonlocal count
            end = time.monotonic() + seconds * 0.95
            while (wait := chosen.uniform(seconds / 30, seconds / 10)) + time.monotonic() < end:
                await asyncio.sleep(wait)
                victim = chosen.choice(parts)
                victim.end(signal.SIGKILL)
                victim.start()
                await victim.ready()
                count += 1

        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(kill())
            for number in range(int(seconds * PACE)):
                await asyncio.sleep(max(0.0, began + number / PACE - time.monotonic()))
                tasks.create_task(one(str(number)))
        await sub.wait_for(len(acknowledged), 60)
        await asyncio.sleep(1)
    client.close()
    return acknowledged, sub, count


BENCHES: tuple[Bench, ...] = (
    Bench(name="broker", run=broker),
    Bench(name="channel", run=channel),
    Bench(name="broker-kills", run=kills),
)
