"""HBK18xx: metrics and network policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.checks import mesh
from hauberk.checks.knative import EVENTING, KSVC, NO_POLICIES, SERVING, setting
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, selects

NETWORK_POLICY = "NetworkPolicy.networking.k8s.io"
SERVICE_MONITOR = "ServiceMonitor.monitoring.coreos.com"
OLD_KEY, NEW_KEY = "metrics.backend-destination", "metrics-protocol"
FIRST_WITH_NEW_KEY = (1, 19)  # of Knative; Serverless 1.38
MONITORING = "openshift-monitoring"
NAME_LABEL = "kubernetes.io/metadata.name"
SYSTEM_LABEL = "serving.knative.openshift.io/system-namespace"
MANAGE: Path = ("spec", "security", "manageNetworkPolicy")
OPERANDS = (SERVING, EVENTING)
WEBHOOKS: Mapping[str, tuple[str, ...]] = {
    "knative-serving": ("webhook", "net-istio-webhook"),
    "knative-eventing": ("eventing-webhook",),
}


def _backend(item: Item) -> tuple[Path, Any]:
    for key in (OLD_KEY, NEW_KEY):
        path, said = setting(item, "observability", key)
        if said is not None:
            return path, said
    return ("spec", "config", "observability", OLD_KEY), None


def _exports(item: Item) -> bool:
    return str(_backend(item)[1]) not in ("None", "none")


def wrong_key(world: World) -> Iterator[Found]:
    """The metrics setting has the name of another version."""
    for item in world.of(OPERANDS):
        version = _version(item)
        old, new = (setting(item, "observability", key) for key in (OLD_KEY, NEW_KEY))
        if version is None:
            continue
        if version >= FIRST_WITH_NEW_KEY and old[1] is not None and new[1] is None:
            yield Found(item=item, path=old[0], found=f"`{OLD_KEY}`", wanted=f"`{NEW_KEY}`")
        if version < FIRST_WITH_NEW_KEY and new[1] is not None and old[1] is None:
            yield Found(item=item, path=new[0], found=f"`{NEW_KEY}`", wanted=f"`{OLD_KEY}`")


def _version(item: Item) -> tuple[int, int] | None:
    said = str(item.get("status", "version") or item.get("spec", "version") or "").lstrip("v").split(".")
    return (
        (int(said[0]), int(said[1])) if len(said) >= 2 and said[0].isdigit() and said[1].isdigit() else None
    )


def no_backend(world: World) -> Iterator[Found]:
    """Metrics that somebody waits for and that a component does not export."""
    if not mesh.has_mesh(world):
        return
    wanted = _waited_for(world)
    for item in world.of(OPERANDS):
        path, said = _backend(item)
        explicit = said is not None and str(said) == "none"
        if not _exports(item) and (explicit or wanted):
            text = f"`{said}`" if explicit else f"nothing, though {wanted}"
            yield Found(item=item, path=path, found=text)


def _waited_for(world: World) -> str:
    for item in world.of(OPERANDS):
        if _exports(item):
            return f"{item.ref} exports metrics"
    if world.live:
        return ""  # the operators make policies and monitors of their own, whether metrics are on or off
    for policy in world.all(NETWORK_POLICY):
        if policy.namespace in mesh.SYSTEM and _names_monitoring(policy):
            return f"{policy.ref} lets the monitoring in"
    for monitor in world.all(SERVICE_MONITOR):
        if monitor.namespace in mesh.SYSTEM:
            return f"{monitor.ref} scrapes"
    return ""


def _peers(policy: Item) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """(path, labels) of every namespace selector of the ingress rules."""
    for path, rule in policy.rows("spec", "ingress"):
        for index, peer in enumerate(rule.get("from") or ()):
            labels = (peer.get("namespaceSelector") or {}).get("matchLabels")
            if isinstance(labels, Mapping):
                yield (*path, "from", index, "namespaceSelector", "matchLabels"), labels


def _names_monitoring(policy: Item) -> bool:
    return any(MONITORING in labels.values() for _, labels in _peers(policy))


def monitoring_label(world: World) -> Iterator[Found]:
    """A network policy names the monitoring by a label it does not have."""
    space = world.named("Namespace", "", MONITORING)
    labels = {NAME_LABEL: MONITORING, **(space.labels if space else {})}
    for policy in world.all(NETWORK_POLICY):
        for path, wanted in _peers(policy):
            if MONITORING in wanted.values() and not selects(wanted, labels):
                text = ", ".join(f"{k}: {v}" for k, v in wanted.items())
                yield Found(item=policy, path=path, found=f"`{text}`")


def policies_missing(world: World) -> Iterator[Found]:
    """Nobody decides who makes the network policies."""
    if not _mesh_makes_none(world):
        return
    for item in world.of(OPERANDS):
        said = item.annotations.get(NO_POLICIES)
        if str(said).lower() != "true":
            text = "no annotation" if said is None else f"`{said}`"
            yield Found(item=item, path=("metadata", "annotations", NO_POLICIES), found=text)


def _mesh_makes_none(world: World) -> Item | None:
    found = (i for i in world.all(mesh.SMCP) if i.get(*MANAGE) is False)
    return next(found, None)


def policies_off(world: World) -> Iterator[Found]:
    """The operator's network policies are off, the mesh's on."""
    if not world.all(mesh.SMCP) or _mesh_makes_none(world):
        return
    for item in world.of(OPERANDS):
        said = item.annotations.get(NO_POLICIES)
        if str(said).lower() == "true" and not _own_policies(world, item.namespace):
            found = "`true`, while the control plane manages network policies"
            yield Found(item=item, path=("metadata", "annotations", NO_POLICIES), found=found)


def _own_policies(world: World, namespace: str) -> bool:
    """Whether every webhook is let in by a policy of somebody else."""
    policies = [p for p in world.all(NETWORK_POLICY) if p.namespace == namespace]
    return all(any(_admits_all(p, app) for p in policies) for app in WEBHOOKS.get(namespace, ()))


def _admits_all(policy: Item, app: str) -> bool:
    selector = policy.get("spec", "podSelector") or {}
    rows = list(policy.rows("spec", "ingress"))
    labels = selector.get("matchLabels") or {}
    hit = not selector or any(value == app for value in labels.values())
    return hit and any(not rule.get("from") for _, rule in rows)


def webhook_closed(world: World) -> Iterator[Found]:
    """Network policies keep the API server from a webhook."""
    for policy in world.all(NETWORK_POLICY):
        apps = WEBHOOKS.get(policy.namespace, ())
        if not apps or policy.get("spec", "podSelector") or not _isolates(policy):
            continue
        near = [p for p in world.all(NETWORK_POLICY) if p.namespace == policy.namespace]
        closed = [app for app in apps if not any(_admits_all(p, app) for p in near)]
        if closed:
            found = f"nothing lets the API server reach {', '.join(closed)}"
            yield Found(item=policy, path=("spec", "podSelector"), found=found)


def _isolates(policy: Item) -> bool:
    types = policy.get("spec", "policyTypes")
    return types is None or "Ingress" in types


def member_closed(world: World) -> Iterator[Found]:
    """Member namespaces whose policies keep Serving's components out."""
    spaces = {k.namespace for k in world.all(KSVC)} - set(mesh.SYSTEM)
    for namespace, policies in world.in_namespaces(NETWORK_POLICY).items():
        wide = [p for p in policies if not p.get("spec", "podSelector") and _isolates(p)]
        if namespace in spaces and wide and not any(_admits_serving(world, p) for p in policies):
            found = f"nothing in `{namespace}` admits knative-serving"
            yield Found(item=wide[0], path=("spec", "ingress"), found=found)


def _admits_serving(world: World, policy: Item) -> bool:
    space = world.named("Namespace", "", "knative-serving")
    labels = {NAME_LABEL: "knative-serving", SYSTEM_LABEL: "true", **(space.labels if space else {})}
    for _, rule in policy.rows("spec", "ingress"):
        if not rule.get("from"):
            return True
        for peer in rule["from"]:
            selector = peer.get("namespaceSelector")
            if selector is not None and _matches(selector, labels):
                return True
    return False


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    for row in selector.get("matchExpressions") or ():
        have, values = labels.get(row.get("key")), row.get("values") or ()
        fits = {"In": have in values, "NotIn": have not in values, "Exists": have is not None,
                "DoesNotExist": have is None}  # fmt: skip
        if not fits.get(str(row.get("operator")), False):
            return False
    return selects(selector.get("matchLabels") or {}, labels)
