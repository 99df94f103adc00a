"""HBK16xx: KnativeEventing in the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hauberk.checks import mesh
from hauberk.checks.judges.serving import missing_rewrite, missing_sidecar
from hauberk.checks.knative import EVENTING, EVENTING_WORKLOADS, INJECT, setting
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, condition

JOB_SINK = "JobSink.sinks.knative.dev"
CHANNELS = ("InMemoryChannel.messaging.knative.dev", "KafkaChannel.messaging.knative.dev")
DESTINATION_RULE = "DestinationRule.networking.istio.io"
TRANSFORM = "EventTransform.eventing.knative.dev"
BROKER = "Broker.eventing.knative.dev"
PROBED = (BROKER, *CHANNELS, "KafkaSink.eventing.knative.dev")
SOURCES = (
    "ContainerSource.sources.knative.dev", "PingSource.sources.knative.dev",
    "ApiServerSource.sources.knative.dev",
    "SinkBinding.sources.knative.dev", "KafkaSource.sources.knative.dev",
)  # fmt: skip
BROKER_CLASS = "eventing.knative.dev/broker.class"
CHANNEL_ROLE = "messaging.knative.dev/role"
NATIVE_SIDECAR = "sidecar.istio.io/nativeSidecar"


def istio_off(world: World) -> Iterator[Found]:
    """Eventing does not tell the mesh about its channels."""
    if not mesh.has_mesh(world):
        return
    for item in world.all(EVENTING):
        path, said = setting(item, "features", "istio")
        if str(said).lower() != "enabled":
            yield Found(item=item, path=path, found="nothing" if said is None else f"`{said}`")


def sidecars(world: World) -> Iterator[Found]:
    """A workload of Eventing has no sidecar."""
    if mesh.has_mesh(world):
        for item in world.all(EVENTING):
            yield from missing_sidecar(item, EVENTING_WORKLOADS)


def probes(world: World) -> Iterator[Found]:
    """Probes of a workload of Eventing do not pass its sidecar."""
    for item in world.all(EVENTING):
        yield from missing_rewrite(item, EVENTING_WORKLOADS)


def job_sink(world: World) -> Iterator[Found]:
    """JobSinks are used, and `job-sink` has no sidecar."""
    if mesh.has_mesh(world) and world.all(JOB_SINK):
        for item in world.all(EVENTING):
            yield from missing_sidecar(item, ("job-sink",))


def no_rule(world: World) -> Iterator[Found]:
    """A channel's Service that the mesh does not know to speak mTLS to."""
    hosts = {str(rule.get("spec", "host")) for rule in world.all(DESTINATION_RULE)}
    if not mesh.has_mesh(world) or not world.live:
        return
    for channel in world.of(CHANNELS):
        host = f"{channel.name}-kn-channel.{channel.namespace}.svc"
        if not any(h.startswith(host) for h in hosts):
            yield Found(item=channel, found=f"no DestinationRule for {host}")


def portless(world: World) -> Iterator[Found]:
    """A channel's ExternalName Service has no port."""
    for service in world.all(mesh.SERVICE):
        external = service.get("spec", "type") == "ExternalName"
        if external and CHANNEL_ROLE in service.labels and not service.get("spec", "ports"):
            yield Found(item=service, path=("spec", "ports"), found="no port")


def transform(world: World) -> Iterator[Found]:
    """An EventTransform is in the mesh."""
    if mesh.has_mesh(world):
        for item in world.all(TRANSFORM):
            yield Found(item=item, found="an EventTransform in a mesh")


def namespaced(world: World) -> Iterator[Found]:
    """A broker uses a namespace's own Kafka data plane."""
    for item in world.all(BROKER):
        if item.annotations.get(BROKER_CLASS) == "KafkaNamespaced":
            yield Found(item=item, path=("metadata", "annotations", BROKER_CLASS), found="`KafkaNamespaced`")


def not_probed(world: World) -> Iterator[Found]:
    """A broker, channel or sink fails its probe."""
    for item in world.of(PROBED):
        row = condition(item, "Ready")
        said = str((row or {}).get("reason", "")) + str((row or {}).get("message", ""))
        if row is not None and row.get("status") == "False" and "robe" in said:
            yield Found(item=item, path=("status", "conditions"), found=str(row.get("message") or said))


def no_sink(world: World) -> Iterator[Found]:
    """A source sends to a name that does not exist."""
    for item in world.of(SOURCES):
        ref = item.get("spec", "sink", "ref")
        if not isinstance(ref, Mapping) or not isinstance(ref.get("name"), str):
            continue
        group = str(ref.get("apiVersion", "")).rpartition("/")[0]
        kind = f"{ref.get('kind')}.{group}" if group else str(ref.get("kind"))
        namespace = ref.get("namespace") or item.namespace
        if world.knows(kind) and world.named(kind, namespace, ref["name"]) is None:
            names = ", ".join(s.name for s in world.all(kind) if s.namespace == namespace) or "none"
            found = f"no {kind} `{ref['name']}` in `{namespace}`; there: {names}"
            yield Found(item=item, path=("spec", "sink", "ref", "name"), found=found)


def endless_jobs(world: World) -> Iterator[Found]:
    """A job's sidecar does not let it end."""
    if not mesh.has_mesh(world):
        return
    for kind, meta in (
        ("Job.batch", ("spec", "template", "metadata")),
        ("CronJob.batch", ("spec", "jobTemplate", "spec", "template", "metadata")),
    ):
        for item in world.all(kind):
            path = _joins(item, meta)
            if path is not None:
                yield Found(item=item, path=path, found="a sidecar that does not end")


def _joins(item: Item, meta: Path) -> Path | None:
    """Where a job asks for a sidecar that is not a native one."""
    if str(item.get(*meta, "annotations", NATIVE_SIDECAR)).lower() == "true":
        return None
    for place in ("labels", "annotations"):
        if str(item.get(*meta, place, INJECT)).lower() == "true":
            return (*meta, place, INJECT)
    return None
