"""HBK17xx: AuthorizationPolicies around Knative."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.checks import mesh
from hauberk.checks.knative import KSVC, SERVING
from hauberk.checks.model import Found, Path
from hauberk.checks.world import Item, World, condition, dig, selects

POLICY = "AuthorizationPolicy.security.istio.io"
ACCOUNT = "ServiceAccount"
DRAIN_PORT = "8022"
SERVING_SPACE = "knative-serving"
EVENTING_SPACE = "knative-eventing"
TENANT_HEADER = "request.headers[Kn-Namespace]"


def allows(policy: Item) -> bool:
    """Whether it is an ALLOW, the default action."""
    return policy.get("spec", "action") in (None, "ALLOW")


def is_deny_all(policy: Item) -> bool:
    """ALLOW for nobody: no rule at all, and no selector."""
    return allows(policy) and not policy.get("spec", "rules") and not policy.get("spec", "selector")


def _policies(world: World, namespace: str) -> list[Item]:
    return [p for p in world.all(POLICY) if p.namespace == namespace and allows(p)]


def _app(policy: Item) -> Any:
    return policy.get("spec", "selector", "matchLabels", "app")


def _rules(policy: Item) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    yield from policy.rows("spec", "rules")


def starved(world: World) -> Iterator[Found]:
    """Deny-all without the allows that Serving itself needs."""
    for policy in world.all(POLICY):
        if not is_deny_all(policy) or policy.namespace != SERVING_SPACE:
            continue
        for app in ("activator", "autoscaler"):
            if not any(_rules_for(p, app) for p in _policies(world, SERVING_SPACE)):
                yield Found(item=policy, path=("spec",), found=f"no policy allows anything to `{app}`")


def _rules_for(policy: Item, app: str) -> bool:
    return bool(policy.get("spec", "rules")) and (not policy.get("spec", "selector") or _app(policy) == app)


def starved_eventing(world: World) -> Iterator[Found]:
    """Deny-all without what Eventing needs."""
    for policy in world.all(POLICY):
        near = _policies(world, policy.namespace)
        ours = is_deny_all(policy) and policy.namespace == EVENTING_SPACE
        if ours and not any(p.get("spec", "rules") for p in near):
            yield Found(item=policy, path=("spec",), found="no policy allows anything")


def ghosts(world: World) -> Iterator[Found]:
    """A policy names a ServiceAccount that does not exist."""
    for policy in world.all(POLICY):
        for path, principal in _sources(policy, "principals"):
            match = principal.split("/")
            if "*" in principal or len(match) != 5 or match[1] != "ns" or match[3] != "sa":
                continue
            if not world.live and match[2] in mesh.SYSTEM:
                continue  # the operators make these
            if world.knows(ACCOUNT) and world.named(ACCOUNT, match[2], match[4]) is None:
                yield Found(item=policy, path=path, found=f"no ServiceAccount {match[2]}/{match[4]}")


def _sources(policy: Item, key: str) -> Iterator[tuple[Path, str]]:
    for rule_path, rule in _rules(policy):
        for index, entry in enumerate(rule.get("from") or ()):
            for place, value in enumerate(dig(entry, ("source", key)) or ()):
                yield (*rule_path, "from", index, "source", key, place), str(value)


def _tenants(world: World) -> Iterator[str]:
    """Namespaces with Knative services and policies that allow only some."""
    yield from sorted({k.namespace for k in world.all(KSVC) if _policies(world, k.namespace)})


def _covers_pods(policy: Item) -> bool:
    return not policy.get("spec", "selector")


def no_drain(world: World) -> Iterator[Found]:
    """Policies deny the wait-for-drain hook."""
    excluded = any(8022 in p.excluded() for p in mesh.planes(world))
    for namespace in () if excluded else _tenants(world):
        policies = _policies(world, namespace)
        if not any(_open_port(p, DRAIN_PORT) for p in policies):
            yield Found(item=policies[0], found=f"nothing in `{namespace}` allows port {DRAIN_PORT}")


def _open_port(policy: Item, port: str) -> bool:
    for _, rule in _rules(policy):
        ports = [str(p) for to in rule.get("to") or () for p in dig(to, ("operation", "ports")) or ()]
        if not rule.get("from") and (port in ports or not rule.get("to")):
            return True
    return False


def no_probes(world: World) -> Iterator[Found]:
    """Serving's own components must reach the pods: probes, metrics, requests through the activator."""
    for namespace in _tenants(world):
        policies = [p for p in _policies(world, namespace) if _covers_pods(p)]
        if policies and not any(_lets(p, SERVING_SPACE) for p in policies):
            yield Found(item=policies[0], found=f"nothing in `{namespace}` allows {SERVING_SPACE}")


def _lets(policy: Item, namespace: str) -> bool:
    for _, rule in _rules(policy):
        if not rule.get("from"):
            if not dig(rule, ("to", 0, "operation", "ports")):
                return True
            continue
        for entry in rule["from"]:
            spaces = dig(entry, ("source", "namespaces")) or ()
            people = dig(entry, ("source", "principals")) or ()
            if namespace in spaces or "*" in spaces or any(f"/ns/{namespace}/" in str(p) for p in people):
                return True
    return False


def loose(world: World) -> Iterator[Found]:
    """A policy trusts identities that nobody has to prove."""
    if not mesh.planes(world) or mesh.effective_mtls(world) == "STRICT":
        return
    for policy in world.all(POLICY):
        found = [*_sources(policy, "namespaces"), *_sources(policy, "principals")]
        if found:
            yield Found(item=policy, path=found[0][0], found="an identity, where plaintext has none")


def gateway_probe(world: World) -> Iterator[Found]:
    """Policies on the gateway's pods that keep net-istio's probe out."""
    pods = mesh.gateway_pods(world)
    for policy in world.all(POLICY):
        labels = policy.get("spec", "selector", "matchLabels")
        hit = any(p.namespace == policy.namespace and labels and selects(labels, p.labels) for p in pods)
        if hit and allows(policy) and not any(_lets_probe(rule) for _, rule in _rules(policy)):
            yield Found(item=policy, path=("spec", "rules"), found="no rule for net-istio's probe `/healthz`")


def _lets_probe(rule: Mapping[str, Any]) -> bool:
    if rule.get("when") or (rule.get("from") and not dig(rule, ("from", 0, "source", "namespaces"))):
        return False
    targets: list[Any] = list(rule.get("to") or [{}])
    operations = [dig(to, ("operation",)) or {} for to in targets]
    return any(
        not (set(o) & {"hosts", "notPaths"})
        and any(p in ("/healthz", "*", "/*") for p in o.get("paths", ["*"]))
        for o in operations
    )


def open_activator(world: World) -> Iterator[Found]:
    """Tenants are kept apart, and the activator passes anything on."""
    tenants = [n for n in _tenants(world) if any(_covers_pods(p) for p in _policies(world, n))]
    if not tenants or not world.whole:
        return
    guards = [p for p in _policies(world, SERVING_SPACE) if _app(p) == "activator" or _covers_pods(p)]
    if not guards:
        policy = next(p for p in _policies(world, tenants[0]) if _covers_pods(p))
        yield Found(item=policy, found="no policy in knative-serving says who may use the activator")


def any_event(world: World) -> Iterator[Found]:
    """A tenant that admits Eventing's dispatchers whichever tenant they speak for."""
    for namespace in _tenants(world):
        for policy in _policies(world, namespace):
            for path, rule in _rules(policy):
                spaces = {
                    str(s) for f in rule.get("from") or () for s in dig(f, ("source", "namespaces")) or ()
                }
                keys = {str(w.get("key")) for w in rule.get("when") or () if isinstance(w, Mapping)}
                if EVENTING_SPACE in spaces and TENANT_HEADER.lower() not in {k.lower() for k in keys}:
                    yield Found(
                        item=policy, path=path, found=f"{EVENTING_SPACE} without a word on Kn-Namespace"
                    )


def too_early(world: World) -> Iterator[Found]:
    """Deny-all while Serving is not Ready: its components never get to talk."""
    for serving in world.all(SERVING):
        row = condition(serving, "Ready")
        if row is None or row.get("status") == "True":
            continue
        for policy in world.all(POLICY):
            if is_deny_all(policy) and policy.namespace == SERVING_SPACE:
                yield Found(item=policy, found="a deny-all before KnativeServing is Ready")
