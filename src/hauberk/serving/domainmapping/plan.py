"""DomainMapping → claim and Ingress; their state back into the mapping's status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hauberk.base.conditions import Condition, condition, ready
from hauberk.base.refs import Json, Ref, controller_of
from hauberk.engine.plan import Note, Plan
from hauberk.serving.certificate.wanted import Outcome, is_wanted, make_certificate, outcome
from hauberk.serving.config.network import Network
from hauberk.serving.domainmapping.make import make_claim, make_ingress
from hauberk.serving.domainmapping.target import Answer, Target, Unresolved
from hauberk.serving.names import CLAIM, created, internal_error, kept

LATE = Condition("IngressReady", "Unknown", "IngressNotConfigured", "Ingress has not yet been reconciled.")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a decision about one DomainMapping may depend on."""

    mapping: Json
    claim: Json | None
    ingress: Json | None
    target: Answer
    network: Network = field(default_factory=Network)
    certificates: Mapping[str, Json] = field(default_factory=dict)  # by name


def plan(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Decide what exists below one DomainMapping, and what its status says.

    Source: knative/serving pkg/reconciler/domainmapping/reconciler.go, ReconcileKind.
    """
    claimed, problem = claim_state(world)
    certified = Outcome() if problem else _certified(world)
    if problem:
        parts = [claimed, certified.condition, Condition("ReferenceResolved", "Unknown"), LATE]
        status = _status(world, parts, certified)
        return Plan(children=_as_it_is(world), status=status, notes=(internal_error(problem),))
    claims = (make_claim(world.mapping),) if world.claim is None else ()
    if isinstance(world.target, Unresolved):
        resolved = Condition("ReferenceResolved", "False", "ResolveFailed", world.target.why)
        text = f"resolving reference: {world.target.why}"
        status = _status(world, [claimed, certified.condition, resolved, LATE], certified)
        children = (*_as_it_is(world), *certified.certificates)
        return Plan(children=children, others=claims, status=status, notes=(internal_error(text),))
    return _resolved(world, world.target, claimed, certified, claims)


def _resolved(
    world: World, target: Target, claimed: Condition, certified: Outcome, claims: tuple[Json, ...]
) -> Plan:
    parts = [claimed, certified.condition, Condition("ReferenceResolved", "True")]
    try:
        ingress = make_ingress(world.mapping, target, certified.tls, world.network)
    except ValueError as error:
        status = _status(world, [*parts, LATE], certified)
        children = (*_as_it_is(world), *certified.certificates)
        return Plan(children=children, others=claims, status=status, notes=(internal_error(str(error)),))
    if world.ingress is not None and not _is_own(world):
        name = ingress["metadata"]["name"]
        text = f'There is an existing Ingress "{name}" that we do not own.'
        routed = Condition("IngressReady", "False", "NotOwned", text)
        status = _status(world, [*parts, routed], certified)
        return Plan(children=certified.certificates, others=claims, status=status)
    notes: tuple[Note, ...] = ()
    if world.ingress is None:
        notes = (created("Ingress", ingress["metadata"]["name"]),)
    status = _status(world, [*parts, ingress_ready(world.ingress, ingress)], certified)
    return Plan(children=(ingress, *certified.certificates), others=claims, status=status, notes=notes)


def finalize(world: World, now: float) -> Plan:  # noqa: ARG001 - the controller's shape
    """Give back a claim that was made for the mapping: claims made by hand are their maker's.

    Source: knative/serving pkg/reconciler/domainmapping/reconciler.go, FinalizeKind.
    """
    meta = world.mapping["metadata"]
    own = world.claim is not None and world.claim["spec"].get("namespace") == meta["namespace"]
    if not world.network.autocreate_claims or not own:
        return Plan()
    return Plan(gone=(Ref(CLAIM, "", meta["name"]),))


def claim_state(world: World) -> tuple[Condition, str]:
    """DomainClaimed, and what is wrong, as a table.

    | ClusterDomainClaim       | autocreate | DomainClaimed               |
    |--------------------------|------------|-----------------------------|
    | of this namespace        | any        | True                        |
    | of another namespace     | any        | False, DomainAlreadyClaimed |
    | absent                   | on         | True, and it is made        |
    | absent                   | off        | False, DomainAlreadyClaimed |

    Source: the same, reconcileDomainClaim; domainmapping_lifecycle.go, MarkDomainClaimNotOwned.
    """
    meta = world.mapping["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    taken = "The domain name is already in use by another DomainMapping"
    refused = Condition("DomainClaimed", "False", "DomainAlreadyClaimed", taken)
    if world.claim is None and not world.network.autocreate_claims:
        why = "(and autocreate-cluster-domain-claims property is not true)"
        return refused, f'no ClusterDomainClaim found for domain "{name}" {why}'
    if world.claim is not None and world.claim["spec"].get("namespace") != namespace:
        return refused, f'namespace "{namespace}" does not own ClusterDomainClaim for "{name}"'
    return Condition("DomainClaimed", "True"), ""


def ingress_ready(ingress: Json | None, wanted: Json) -> Condition:
    """IngressReady: a copy of the Ingress's Ready, once its status is about this very specification."""
    if ingress is None or ingress.get("spec") != wanted["spec"]:
        return LATE
    if (ingress.get("status") or {}).get("observedGeneration") != ingress["metadata"].get("generation"):
        return LATE
    row = condition(ingress, "Ready")
    if row is None:
        return LATE
    return Condition("IngressReady", row["status"], row.get("reason", ""), row.get("message", ""))


def _certified(world: World) -> Outcome:
    """The certificate: the author's own, one that is issued, or none.

    Source: reconciler.go, tls; domainmapping_lifecycle.go, MarkCertificateNotRequired, MarkTLSNotEnabled.
    """
    meta = world.mapping["metadata"]
    name, namespace = meta["name"], meta["namespace"]
    secret = (world.mapping["spec"].get("tls") or {}).get("secretName")
    if secret:
        row = {"hosts": [name], "secretName": secret, "secretNamespace": namespace}
        text = "TLS certificate was provided externally"
        provided = Condition("CertificateProvisioned", "True", "CertificateNotRequired", text)
        return Outcome(tls=(row,), condition=provided, secure=frozenset({name}))
    if not is_wanted(world.mapping, world.network):
        return Outcome()
    wanted = make_certificate(world.mapping, name, name, name, world.network)
    return outcome(world.mapping, [wanted], world.certificates, world.network)


def _is_own(world: World) -> bool:
    owner = controller_of(world.ingress) if world.ingress else None
    return owner is not None and owner["uid"] == world.mapping["metadata"]["uid"]


def _as_it_is(world: World) -> tuple[Json, ...]:
    return (kept(world.ingress),) if world.ingress is not None and _is_own(world) else ()


def _status(world: World, parts: list[Condition], certified: Outcome) -> dict[str, Any]:
    name = world.mapping["metadata"]["name"]
    scheme = "https" if name in certified.secure else world.network.external_scheme
    url = f"{'http' if name in certified.plain else scheme}://{name}"
    rows = sorted([*parts, ready(parts)], key=lambda c: c.type)
    return {"conditions": [c.as_json() for c in rows], "url": url, "address": {"url": url}}
