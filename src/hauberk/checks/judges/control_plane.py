"""HBK13xx: the mesh control plane's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from hauberk.checks import mesh
from hauberk.checks.knative import EVENTING, INJECT, KSVC, SERVING, overrides, serving_of, setting
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World

SERVERLESS_DRAINS_S = 30.0
OLDEST = (2, 2)
WEBHOOK_PORT = "8443"
NEW_METRICS = "metrics-protocol"


def not_strict(world: World) -> Iterator[Found]:
    """MTLS is not strict."""
    for plane in mesh.planes(world)[:1]:
        if not world.whole and plane.item.ref.kind != mesh.SMCP:
            continue
        mode = mesh.effective_mtls(world)
        if mode == "STRICT":
            continue
        if plane.item.ref.kind == mesh.SMCP:
            path: Path = ("spec", "security", "dataPlane", "mtls")
            said = plane.item.get(*path)
            yield Found(item=plane.item, path=path, found="nothing" if said is None else f"`{said}`")
        else:
            fix = f"create a PeerAuthentication in {plane.namespace} without selector and with mode STRICT"
            yield Found(item=plane.item, found=f"the mesh is {mode}", fix=fix,
                        wanted=f"a PeerAuthentication STRICT in {plane.namespace}")  # fmt: skip


def weakened(world: World) -> Iterator[Found]:
    """A policy weakens strict mTLS."""
    roots = {p.namespace for p in mesh.planes(world)}
    for policy in world.all(mesh.PEER_AUTHENTICATION):
        mode = policy.get("spec", "mtls", "mode")
        wide = policy.namespace in roots and not policy.get("spec", "selector")
        if mode in ("PERMISSIVE", "DISABLE") and not wide and not _known_exception(world, policy):
            yield Found(item=policy, path=("spec", "mtls", "mode"), found=f"{mode} for {_scope(policy)}")
        ports = policy.get("spec", "portLevelMtls")
        for port, rule in (ports if isinstance(ports, Mapping) else {}).items():
            low = rule.get("mode") if isinstance(rule, Mapping) else None
            if low in ("PERMISSIVE", "DISABLE") and str(port) != WEBHOOK_PORT:
                place = ("spec", "portLevelMtls", str(port), "mode")
                yield Found(item=policy, path=place, found=f"{low} for port {port} of {_scope(policy)}")


def _scope(policy: Item) -> str:
    labels = policy.get("spec", "selector", "matchLabels")
    pods = ", ".join(f"{k}={v}" for k, v in labels.items()) if isinstance(labels, Mapping) else ""
    return f"pods {pods} in {policy.namespace}" if pods else f"all of {policy.namespace}"


def _known_exception(world: World, policy: Item) -> bool:
    """Upstream's own: on sm3 the autoscaler is permissive, because it is reached by pod IP."""
    labels = policy.get("spec", "selector", "matchLabels")
    return (
        mesh.flavour(world) == "sail"
        and policy.namespace == "knative-serving"
        and labels == {"app": "autoscaler"}
    )


def autoscaler_strict(world: World) -> Iterator[Found]:
    """The autoscaler accepts mTLS only."""
    if mesh.flavour(world) != "sail" or not world.whole or mesh.effective_mtls(world) != "STRICT":
        return
    serving = serving_of(world)
    if serving is not None and not any(
        _known_exception(world, p) for p in world.all(mesh.PEER_AUTHENTICATION)
    ):
        yield Found(item=serving, found="strict mTLS for the autoscaler, too")


def drain(world: World) -> Iterator[Found]:
    """Proxies end before Serverless has drained."""
    for plane in mesh.planes(world):
        seconds = plane.drain_s()
        if seconds is None or seconds <= SERVERLESS_DRAINS_S:
            said = plane.item.get(*plane.drain_path)
            found = "nothing, so 5 s" if said is None else f"`{said}`"
            yield Found(item=plane.item, path=plane.drain_path, found=found)


def _excluded(world: World, port: int) -> Iterator[Found]:
    for plane in mesh.planes(world):
        have = plane.excluded()
        if port not in have:
            found = ", ".join(map(str, sorted(have))) or "no excluded port"
            yield Found(item=plane.item, path=plane.settings.excluded, found=found)


def excluded_8022(world: World) -> Iterator[Found]:
    """Port 8022 goes through the sidecar."""
    yield from _excluded(world, 8022)


def excluded_8444(world: World) -> Iterator[Found]:
    """Port 8444 goes through the sidecar; it is OpenShift's proxy before the metrics."""
    if mesh.on_openshift(world):
        yield from _excluded(world, 8444)


def excluded_9090(world: World) -> Iterator[Found]:
    """Port 9090 goes through the sidecar; upstream's metrics, and those of Serverless from 1.38 on."""
    newer = any(setting(i, "observability", NEW_METRICS)[1] for i in world.of((SERVING, EVENTING)))
    if mesh.flavour(world) == "sail" and (newer or not mesh.on_openshift(world)):
        yield from _excluded(world, 9090)


def profiles(world: World) -> Iterator[Found]:
    """The control plane does not use the profile `default`."""
    for item in world.all(mesh.SMCP):
        found = item.get("spec", "profiles")
        names = list(found) if isinstance(found, list | tuple) else []
        if names[-1:] != ["default"] and "default" not in names:
            said = ", ".join(map(str, names)) or "no profile"
            yield Found(item=item, path=("spec", "profiles"), found=said)


def gateway_label(world: World) -> Iterator[Found]:
    """The label by which net-istio finds the gateway's Service."""
    for gateway in world.all(mesh.GATEWAY):
        selector = gateway.get("spec", "selector")
        if gateway.namespace != "knative-serving" or not isinstance(selector, Mapping):
            continue
        for item in world.all(mesh.SMCP):
            labels = mesh.smcp_gateway_labels(item)
            if mesh.gateway_enabled(item) and any(labels.get(k) != v for k, v in selector.items()):
                path = ("spec", "gateways", "ingress", "service", "metadata", "labels")
                want = ", ".join(f"{k}: {v}" for k, v in selector.items())
                have = ", ".join(f"{k}: {v}" for k, v in labels.items())
                yield Found(item=item, path=path, found=have, wanted=f"{want}, as {gateway.ref} selects")
                return


def hold(world: World) -> Iterator[Found]:
    """Applications may start before their proxy."""
    for plane in mesh.planes(world):
        path: Path = (*plane.settings.mesh_config, "defaultConfig", "holdApplicationUntilProxyStarts")
        if plane.item.get(*path) is False:
            yield Found(item=plane.item, path=path, found="`false`")


def ambient(world: World) -> Iterator[Found]:
    """The ambient data plane is used."""
    for item in world.of((mesh.ISTIO, mesh.ISTIO_OPERATOR)):
        if item.get("spec", "profile") == "ambient" or item.get("spec", "values", "profile") == "ambient":
            yield Found(item=item, path=("spec", "profile"), found="`ambient`")
    used = {k.namespace for k in world.all(KSVC)} | set(mesh.SYSTEM)
    for item in world.all("Namespace"):
        if item.name in used and item.labels.get("istio.io/dataplane-mode") == "ambient":
            yield Found(item=item, path=("metadata", "labels", "istio.io/dataplane-mode"), found="`ambient`")


def version(world: World) -> Iterator[Found]:
    """The control plane's version is too old."""
    for item in world.all(mesh.SMCP):
        match = re.fullmatch(r"v(\d+)\.(\d+).*", str(item.get("spec", "version") or ""))
        if match and (int(match[1]), int(match[2])) < OLDEST:
            yield Found(item=item, path=("spec", "version"), found=f"`{match[0]}`")


def gateway_off(world: World) -> Iterator[Found]:
    """The ingress gateway is switched off."""
    for item in world.all(mesh.SMCP):
        if not mesh.gateway_enabled(item):
            on = item.get("spec", "gateways", "enabled") is not False
            path = ("spec", "gateways", "ingress", "enabled") if on else ("spec", "gateways", "enabled")
            yield Found(item=item, path=path, found="`false`")


def webhooks(world: World) -> Iterator[Found]:
    """Webhooks that were put into the mesh, and no rule that lets the API server in."""
    serving = serving_of(world)
    if serving is None:
        return
    for name in ("webhook", "net-istio-webhook"):
        row = overrides(serving).get(name)
        if row is None or str(row.labels.get(INJECT, "")).lower() != "true" or _lets_in(world, name):
            continue
        yield Found(item=serving, path=(*row.path, "labels", INJECT), found=f"`{name}` has a sidecar")


def _lets_in(world: World, app: str) -> bool:
    for policy in world.all(mesh.PEER_AUTHENTICATION):
        ports = policy.get("spec", "portLevelMtls")
        rule = ports.get(WEBHOOK_PORT, ports.get(int(WEBHOOK_PORT))) if isinstance(ports, Mapping) else None
        selected = policy.get("spec", "selector", "matchLabels", "app") in (None, app)
        if selected and isinstance(rule, Mapping) and rule.get("mode") in ("PERMISSIVE", "DISABLE"):
            return True
    return False
