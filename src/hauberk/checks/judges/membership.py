"""HBK12xx: which mesh there is, and who is in it."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.base.times import epoch
from hauberk.checks import knative, mesh
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, condition

NEEDED_KINDS = (mesh.GATEWAY, "VirtualService.networking.istio.io", "DestinationRule.networking.istio.io")
WEBHOOKS = ("ValidatingWebhookConfiguration.admissionregistration.k8s.io",
            "MutatingWebhookConfiguration.admissionregistration.k8s.io")  # fmt: skip


def no_plane(world: World) -> Iterator[Found]:
    """There is no mesh control plane."""
    if world.whole and mesh.has_mesh(world) and not mesh.planes(world):
        item = next(iter(world.all(mesh.SMMR)), None) or knative.serving_of(world)
        yield Found(item=item, found="no ServiceMeshControlPlane, Istio or IstioOperator")


def two_generations(world: World) -> Iterator[Found]:
    """Service Mesh 2 and 3 are both installed."""
    found = mesh.planes(world)
    for plane in found[1:]:
        if plane.item.ref.kind != found[0].item.ref.kind:
            yield Found(item=plane.item, found=f"{plane.item.ref} beside {found[0].item.ref}")


def no_roll(world: World) -> Iterator[Found]:
    """The mesh has no member roll."""
    for plane in mesh.planes(world):
        rolls = [r for r in world.all(mesh.SMMR) if r.namespace == plane.namespace]
        if plane.item.ref.kind == mesh.SMCP and world.whole and not rolls and not world.all(mesh.SMM):
            other = next(iter(world.all(mesh.SMMR)), None)
            found = f"only {other.ref}" if other else "none"
            yield Found(item=other or plane.item, path=("metadata", "namespace"), found=found,
                        wanted=f"a ServiceMeshMemberRoll in {plane.namespace}")  # fmt: skip


def roll_name(world: World) -> Iterator[Found]:
    """The member roll is not called `default`."""
    for roll in world.all(mesh.SMMR):
        if roll.name != "default":
            yield Found(item=roll, path=("metadata", "name"), found=f"`{roll.name}`")


def system_members(world: World) -> Iterator[Found]:
    """A system namespace of Knative is not in the mesh."""
    listed = mesh.member_namespaces(world)
    for roll in world.all(mesh.SMMR)[:1]:
        for name in mesh.SYSTEM:
            if name not in listed:
                yield Found(item=roll, path=("spec", "members"), found=f"no `{name}`")


def ksvc_members(world: World) -> Iterator[Found]:
    """A Knative service lives outside the mesh."""
    listed = mesh.member_namespaces(world)
    if not world.all(mesh.SMMR):
        return
    for ksvc in world.all(knative.KSVC):
        if ksvc.namespace not in listed and ksvc.namespace:
            where = f"`{ksvc.namespace}` is in no member roll"
            fix = f"add `{ksvc.namespace}` to `spec.members` of the ServiceMeshMemberRoll"
            yield Found(item=ksvc, path=("metadata", "namespace"), found=where, fix=fix)


def two_rolls(world: World) -> Iterator[Found]:
    """A namespace is in two member rolls."""
    first: dict[str, Item] = {}
    for roll in world.all(mesh.SMMR):
        for path, name in mesh.members(roll):
            other = first.setdefault(name, roll)
            if other is not roll:
                yield Found(item=roll, path=path, found=f"`{name}` is in {other.ref}, too")


def pending(world: World) -> Iterator[Found]:
    """Members are still pending."""
    for roll in world.all(mesh.SMMR):
        pending = roll.get("status", "pendingMembers") or ()
        if pending:
            yield Found(item=roll, path=("status", "pendingMembers"), found=", ".join(map(str, pending)))


def not_ready(world: World) -> Iterator[Found]:
    """A part of the integration is not ready."""
    kinds = (*mesh.PLANES, knative.SERVING, knative.EVENTING, knative.KAFKA)
    for item in world.of(kinds):
        for name in ("Ready", "Reconciled"):
            row = condition(item, name)
            if row is not None and row.get("status") != "True":
                said = row.get("message") or row.get("reason") or row.get("status")
                yield Found(item=item, path=("status", "conditions"), found=f"{name}: {said}")
                break


def serving_first(world: World) -> Iterator[Found]:
    """Serving was installed before the mesh."""
    serving = knative.serving_of(world)
    began = _made(serving) if serving else None
    for plane in mesh.planes(world):
        made = _made(plane.item)
        if serving and began and made and began < made and not _is_ready(serving):
            yield Found(item=serving, found=f"made {made - began:.0f} s before {plane.item.ref}")


def _made(item: Item) -> float | None:
    stamp = item.get("metadata", "creationTimestamp")
    return epoch(stamp) if isinstance(stamp, str) else None


def _is_ready(item: Item) -> bool:
    row = condition(item, "Ready")
    return row is not None and row.get("status") == "True"


def missing_kinds(world: World) -> Iterator[Found]:
    """Istio's kinds are not installed."""
    serving = knative.serving_of(world)
    if not world.live or serving is None or not mesh.has_mesh(world):
        return
    for kind in NEEDED_KINDS:
        if kind not in world.served:
            yield Found(item=serving, found=f"the cluster does not serve {kind}")


# Where the operators look for their objects.
_HOMES = {
    knative.SERVING: "knative-serving",
    knative.EVENTING: "knative-eventing",
    knative.KAFKA: "knative-eventing",
}


def wrong_home(world: World) -> Iterator[Found]:
    """An operator's object is in another namespace than its operator reads."""
    for kind, home in _HOMES.items():
        for item in world.all(kind):
            if item.namespace not in ("", home):
                where: Path = ("metadata", "namespace")
                yield Found(item=item, path=where, found=f"`{item.namespace}`", wanted=f"`{home}`")


def dead_webhooks(world: World) -> Iterator[Found]:
    """A webhook leads to no Service."""
    for item in world.of(WEBHOOKS):
        for path, hook in item.rows("webhooks"):
            service = (hook.get("clientConfig") or {}).get("service") or {}
            namespace, name = service.get("namespace", ""), service.get("name", "")
            if name and not world.named("Service", namespace, name):
                found = f"the Service {namespace}/{name} does not exist"
                yield Found(item=item, path=(*path, "clientConfig", "service"), found=found)


def cni(world: World) -> Iterator[Found]:
    """There is no IstioCNI."""
    for item in world.all(mesh.ISTIO):
        if world.whole and mesh.on_openshift(world) and not world.all(mesh.ISTIO_CNI):
            yield Found(item=item, found="no IstioCNI")


def disabled_namespace(world: World) -> Iterator[Found]:
    """A namespace of Knative refuses injection."""
    used = {k.namespace for k in world.all(knative.KSVC)} | set(mesh.SYSTEM)
    for item in world.all("Namespace"):
        if mesh.has_mesh(world) and item.name in used and item.labels.get("istio-injection") == "disabled":
            yield Found(item=item, path=("metadata", "labels", "istio-injection"), found="`disabled`")
