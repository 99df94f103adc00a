"""HBK163x: Kafka for Knative in the mesh."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping

from hauberk.checks import mesh
from hauberk.checks.judges.serving import missing_rewrite, missing_sidecar
from hauberk.checks.knative import KAFKA, KAFKA_WORKLOADS, kafka_on, kafka_workloads, overrides
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World

ENTRY = "ServiceEntry.networking.istio.io"
CLIENTS = ("KafkaSource.sources.knative.dev",)
# Source: serverless-operator olm-catalog operator_v1alpha1_knativekafka_crd.yaml.
FIELDS: Mapping[str, frozenset[str]] = {
    "": frozenset({"broker", "channel", "source", "sink", "high-availability", "logging", "workloads",
                   "config", "monitoring"}),
    "broker": frozenset({"enabled", "defaultConfig"}),
    "channel": frozenset({"enabled", "bootstrapServers", "authSecretName", "authSecretNamespace"}),
    "source": frozenset({"enabled"}),
    "sink": frozenset({"enabled"}),
}  # fmt: skip
DEFAULTS: tuple[Path, ...] = (("spec", "broker", "defaultConfig"),)
SERVERS: Mapping[str, Path] = {
    "channel": ("spec", "channel", "bootstrapServers"),
    "broker": ("spec", "broker", "defaultConfig", "bootstrapServers"),
}
PROTOCOLS = ("TCP", "TLS")


def unknown_fields(world: World) -> Iterator[Found]:
    """KnativeKafka has a field in the wrong place."""
    for item in world.all(KAFKA):
        for part, known in FIELDS.items():
            path: Path = ("spec", part) if part else ("spec",)
            found = item.get(*path)
            for key in sorted(set(found) - known) if isinstance(found, Mapping) else ():
                fix = f"move it to `spec.{key}`" if part and key in FIELDS[""] else _closest(key, known)
                yield Found(item=item, path=(*path, key), found="a field that does not exist there", fix=fix)


def _closest(key: str, known: frozenset[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"did you mean `{near[0]}`?" if near else f"remove it; known: {', '.join(sorted(known))}"


def servers(item: Item) -> Iterator[tuple[Path, str, int | None]]:
    """(path, host, port) of every bootstrap server of the parts that are on."""
    for part, path in SERVERS.items():
        text = item.get(*path)
        for row in str(text).split(",") if kafka_on(item, part) and text else ():
            host, colon, port = row.strip().rpartition(":")
            yield path, host if colon else row.strip(), int(port) if port.isdigit() else None


def no_servers(world: World) -> Iterator[Found]:
    """A part of Kafka has no bootstrap servers."""
    for item in world.all(KAFKA):
        for part, path in SERVERS.items():
            if kafka_on(item, part) and not item.get(*path):
                yield Found(item=item, path=path, found="nothing")
        for path, host, port in servers(item):
            if port is None and "<" not in host:
                yield Found(item=item, path=path, found=f"`{host}` without a port", wanted="host:port")


def topic_defaults(world: World) -> Iterator[Found]:
    """Topics have no number of partitions or replicas."""
    for item in world.all(KAFKA):
        for key in ("numPartitions", "replicationFactor") if kafka_on(item, "broker") else ():
            said = item.get("spec", "broker", "defaultConfig", key)
            if not isinstance(said, int) or isinstance(said, bool) or said < 1:
                text = "nothing" if said is None else f"`{said}`"
                yield Found(item=item, path=("spec", "broker", "defaultConfig", key), found=text)


def sidecars(world: World) -> Iterator[Found]:
    """A workload of Kafka has no sidecar."""
    if mesh.has_mesh(world):
        for item in world.all(KAFKA):
            yield from missing_sidecar(item, kafka_workloads(item))


def probes(world: World) -> Iterator[Found]:
    """Probes of a workload of Kafka do not pass its sidecar."""
    for item in world.all(KAFKA):
        yield from missing_rewrite(item, kafka_workloads(item))


def idle_overrides(world: World) -> Iterator[Found]:
    """A workload of Kafka is described whose part is off."""
    for item in world.all(KAFKA):
        made = kafka_workloads(item)
        for name, row in overrides(item).items():
            if name in KAFKA_WORKLOADS and name not in made:
                part = KAFKA_WORKLOADS[name][0]
                path: Path = ("spec", part, "enabled") if name != "kafka-controller" else row.path
                found = f"`{name}` is described, but `spec.{part}.enabled` is not `true`"
                yield Found(item=item, path=path, found=found)


def _hosts(entry: Item) -> list[str]:
    found = entry.get("spec", "hosts")
    return [str(h) for h in found] if isinstance(found, list | tuple) else []


def _in_mesh(world: World) -> Iterator[Item]:
    if mesh.has_mesh(world):
        yield from world.all(KAFKA)


def _matches(host: str, bootstrap: str) -> bool:
    """Whether an entry's host covers a bootstrap host; short names of Services match their longer ones."""
    if host.startswith("*."):
        return bootstrap.endswith(host[1:])
    return host == bootstrap or host.startswith(f"{bootstrap}.svc") or bootstrap.startswith(f"{host}.svc")


def _entries(world: World, bootstrap: str) -> list[Item]:
    return [e for e in world.all(ENTRY) if any(_matches(h, bootstrap) for h in _hosts(e))]


def no_entry(world: World) -> Iterator[Found]:
    """The mesh does not know the Kafka cluster."""
    for item in _in_mesh(world):
        seen: set[str] = set()
        for path, host, _ in servers(item):
            if host in seen or "<" in host or not (world.whole or world.all(ENTRY)):
                continue
            seen.add(host)
            if not _entries(world, host):
                hosts = ", ".join(h for e in world.all(ENTRY) for h in _hosts(e)) or "no ServiceEntry"
                yield Found(item=item, path=path, found=f"`{host}` is in none of: {hosts}")


def entry_port(world: World) -> Iterator[Found]:
    """The ServiceEntry lacks the bootstrap servers' port."""
    for item in _in_mesh(world):
        for _, host, port in servers(item):
            for entry in _entries(world, host):
                have = [row.get("number") for _, row in entry.rows("spec", "ports")]
                if port is not None and port not in have:
                    found = f"no port {port} among {', '.join(map(str, have))}"
                    yield Found(item=entry, path=("spec", "ports"), found=found)


def entry_host(world: World) -> Iterator[Found]:
    """A host of a ServiceEntry has a port."""
    for entry in world.all(ENTRY):
        for index, host in enumerate(_hosts(entry)):
            if re.search(r":\d+$", host):
                yield Found(item=entry, path=("spec", "hosts", index), found=f"`{host}` with a port")


def port_names(world: World) -> Iterator[Found]:
    """A ServiceEntry uses a port name twice."""
    for entry in world.all(ENTRY):
        seen: set[str] = set()
        for path, row in entry.rows("spec", "ports"):
            name = str(row.get("name"))
            if name in seen:
                yield Found(item=entry, path=(*path, "name"), found=f"`{name}` again")
            seen.add(name)


def _kafka_entries(world: World) -> Iterator[Item]:
    hosts = {host for item in world.all(KAFKA) for _, host, _ in servers(item)}
    for entry in world.all(ENTRY):
        if any(_matches(h, host) for h in _hosts(entry) for host in hosts) or "kafka" in entry.name:
            yield entry


def protocol(world: World) -> Iterator[Found]:
    """A port of Kafka is not TCP."""
    for entry in _kafka_entries(world):
        for path, row in entry.rows("spec", "ports"):
            if row.get("protocol") not in PROTOCOLS:
                said = row.get("protocol")
                text = "nothing" if said is None else f"`{said}`"
                yield Found(item=entry, path=(*path, "protocol"), found=text)


def location(world: World) -> Iterator[Found]:
    """Kafka is declared inside of the mesh."""
    for entry in _kafka_entries(world):
        said = entry.get("spec", "location")
        if said not in ("MESH_EXTERNAL", None):
            yield Found(item=entry, path=("spec", "location"), found=f"`{said}`")


def resolution(world: World) -> Iterator[Found]:
    """Kafka's addresses are resolved by the proxy."""
    for entry in _kafka_entries(world):
        said = entry.get("spec", "resolution")
        if said not in ("NONE", None):
            yield Found(item=entry, path=("spec", "resolution"), found=f"`{said}`")


def exported(world: World) -> Iterator[Found]:
    """Kafka's ServiceEntry is exported to other namespaces."""
    for entry in _kafka_entries(world):
        said = entry.get("spec", "exportTo")
        if list(said or ()) != ["."]:
            text = ", ".join(map(str, said)) if said else "nothing, so every namespace"
            yield Found(item=entry, path=("spec", "exportTo"), found=text)


def same_host(world: World) -> Iterator[Found]:
    """Two ServiceEntries of a namespace have the same host."""
    first: dict[tuple[str, str], Item] = {}
    for entry in world.all(ENTRY):
        for index, host in enumerate(_hosts(entry)):
            other = first.setdefault((entry.namespace, host), entry)
            if other is not entry:
                yield Found(item=entry, path=("spec", "hosts", index), found=f"`{host}`, as {other.ref}")


def clients(world: World) -> Iterator[Found]:
    """Namespaces whose own pods connect to Kafka and that no entry is exported to."""
    for source in world.of(CLIENTS):
        rows = source.get("spec", "bootstrapServers")
        for index, server in enumerate(rows if mesh.has_mesh(world) and isinstance(rows, list) else ()):
            host = str(server).rpartition(":")[0]
            entries = _entries(world, host)
            known = world.whole or world.knows(ENTRY)
            if known and not any(_visible(e, "knative-eventing") for e in entries):
                text = f"no entry for `{host}` is visible in knative-eventing, where the source's pods run"
                yield Found(item=source, path=("spec", "bootstrapServers", index), found=text)


def in_mesh(world: World) -> Iterator[Found]:
    """The Kafka cluster's own namespace is in the mesh."""
    members = mesh.member_namespaces(world)
    for item in world.all(KAFKA):
        seen: set[str] = set()
        for path, host, _ in servers(item):
            namespace = host.partition(".")[2].partition(".")[0]
            if namespace in members and namespace not in seen:
                seen.add(namespace)
                yield Found(item=item, path=path, found=f"`{namespace}` is in the member roll")


def _visible(entry: Item, namespace: str) -> bool:
    said = entry.get("spec", "exportTo") or ["*"]
    return "*" in said or namespace in said or ("." in said and entry.namespace == namespace)
