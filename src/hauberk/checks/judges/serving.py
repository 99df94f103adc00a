"""HBK15xx: KnativeServing in the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hauberk.base.quantities import parse_quantity
from hauberk.checks import mesh
from hauberk.checks.knative import (
    INJECT,
    KSVC,
    REWRITE,
    SERVING,
    SERVING_WORKLOADS,
    injected,
    overrides,
    rewrites,
    setting,
)
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World

ISTIO_CLASS = "istio.ingress.networking.knative.dev"
CLASS_KEYS = ("ingress-class", "ingress.class")
ROUTE = "Route.route.openshift.io"
INGRESS_LABEL = "serving.knative.openshift.io/ingressName"
SLOWEST_CPU = "100m"


def missing_sidecar(item: Item, workloads: Sequence[str]) -> Iterator[Found]:
    """A finding for every workload without injection."""
    rows = overrides(item)
    for name in workloads:
        row = rows.get(name)
        if row is None:
            yield Found(item=item, path=("spec", "workloads"), found=f"nothing about `{name}`")
        elif not injected(row.labels, row.annotations):
            said = row.labels.get(INJECT)
            text = "no label" if said is None else f"`{said}`"
            yield Found(item=item, path=(*row.path, "labels", INJECT), found=f"{text} on `{name}`")


def missing_rewrite(item: Item, workloads: Sequence[str]) -> Iterator[Found]:
    """A finding for every injected workload whose probes are not rewritten."""
    rows = overrides(item)
    for name in workloads:
        row = rows.get(name)
        if row is None or not injected(row.labels, row.annotations):
            continue
        if not rewrites(row.labels, row.annotations):
            said = row.annotations.get(REWRITE)
            text = "no annotation" if said is None else f"`{said}`"
            where: Path = (*row.path, "annotations", REWRITE)
            yield Found(item=item, path=where, found=f"{text} on `{name}`")


def istio_off(world: World) -> Iterator[Found]:
    """KnativeServing does not use Istio."""
    if not mesh.planes(world) and not world.all(mesh.SMMR):
        return
    for item in world.all(SERVING):
        said = item.get("spec", "ingress", "istio", "enabled")
        if said is not True:
            text = "nothing" if said is None else f"`{said}`"
            yield Found(item=item, path=("spec", "ingress", "istio", "enabled"), found=text)


def kourier_too(world: World) -> Iterator[Found]:
    """Kourier is enabled beside Istio."""
    for item in world.all(SERVING):
        both = all(item.get("spec", "ingress", kind, "enabled") is True for kind in ("istio", "kourier"))
        if both:
            yield Found(item=item, path=("spec", "ingress", "kourier", "enabled"), found="`true`")


def ingress_class(world: World) -> Iterator[Found]:
    """Another ingress class is the default."""
    for item in world.all(SERVING):
        if item.get("spec", "ingress", "istio", "enabled") is not True:
            continue
        for key in CLASS_KEYS:
            path, said = setting(item, "network", key)
            if said is not None and said != ISTIO_CLASS:
                yield Found(item=item, path=path, found=f"`{said}`")


def sidecars(world: World) -> Iterator[Found]:
    """A workload of Serving has no sidecar."""
    if mesh.has_mesh(world):
        for item in world.all(SERVING):
            yield from missing_sidecar(item, SERVING_WORKLOADS)


def probes(world: World) -> Iterator[Found]:
    """Probes of a workload of Serving do not pass its sidecar."""
    for item in world.all(SERVING):
        yield from missing_rewrite(item, SERVING_WORKLOADS)


def compatibility(world: World) -> Iterator[Found]:
    """The mesh compatibility mode is off."""
    for item in world.all(SERVING):
        path, said = setting(item, "network", "mesh-compatibility-mode")
        if mesh.has_mesh(world) and str(said).lower() in ("disabled", "false"):
            yield Found(item=item, path=path, found=f"`{said}`")


def stale_routes(world: World) -> Iterator[Found]:
    """A Route is left over in another gateway's namespace."""
    places = {p.namespace for p in mesh.gateway_pods(world)}
    for route in world.all(ROUTE):
        if INGRESS_LABEL in route.labels and places and route.namespace not in places:
            found = f"in `{route.namespace}`, where no gateway is"
            yield Found(item=route, path=("metadata", "namespace"), found=found)


def claimed(world: World) -> Iterator[Found]:
    """A Route's host is claimed by another."""
    for route in world.all(ROUTE):
        for path, ingress in route.rows("status", "ingress"):
            for row in ingress.get("conditions") or ():
                if row.get("reason") == "HostAlreadyClaimed" and row.get("status") == "False":
                    yield Found(item=route, path=(*path, "conditions"), found=str(row.get("message", "")))


def running_without(world: World) -> Iterator[Found]:
    """Pods of Serving that ask for a sidecar and have none."""
    if not mesh.has_mesh(world):
        return
    apps = {*SERVING_WORKLOADS}
    for pod in world.all("Pod"):
        ours = pod.namespace == "knative-serving" and pod.labels.get("app") in apps
        theirs = "serving.knative.dev/revision" in pod.labels
        if (ours or theirs) and not _has_proxy(pod) and pod.get("status", "phase") == "Running":
            yield Found(item=pod, path=("spec", "containers"), found="no container `istio-proxy`")


def _has_proxy(pod: Item) -> bool:
    rows = [row for key in ("containers", "initContainers") for _, row in pod.rows("spec", key)]
    return any(row.get("name") == "istio-proxy" for row in rows)


def slow_proxy(world: World) -> Iterator[Found]:
    """The sidecar of a service gets little CPU."""
    for ksvc in world.all(KSVC):
        path: Path = ("spec", "template", "metadata", "annotations", "sidecar.istio.io/proxyCPULimit")
        said = ksvc.get(*path)
        try:
            slow = said is not None and parse_quantity(said) < parse_quantity(SLOWEST_CPU)
        except ValueError:
            slow = True
        if slow:
            yield Found(item=ksvc, path=path, found=f"`{said}`")
