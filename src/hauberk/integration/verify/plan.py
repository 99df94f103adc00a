"""What a run of `hauberk verify` sends where, from the Integration and the wish. Pure."""

from __future__ import annotations

import difflib

from hauberk.base.problems import Problem
from hauberk.integration.model import Integration
from hauberk.integration.verify.model import BY_ID, Plan, Wish


def plan_of(integration: Integration, wish: Wish, run: str) -> Plan:
    """The run's plan. Raises Problem when the wish names what the Integration does not have."""
    for probe in wish.only:
        _refuse_unknown(probe)
    namespace = _namespace(integration, wish)
    other, why = _other_tenant(integration, namespace)
    service = f"hauberk-verify-{run}"
    events = "" if integration.eventing.enabled else "eventing.enabled is false"
    if not wish.event_image:
        events = events or "no image that prints events: --event-image"
    return Plan(
        run=run,
        namespace=namespace,
        host=f"{service}-{namespace}.{integration.domain}",
        local_host=f"{service}.{namespace}.svc.cluster.local",
        local_mtls=integration.local_mtls,
        tenant_namespace=other,
        why_no_tenant=why,
        events=events,
        kafka=events or ("" if integration.kafka.enabled else "kafka.enabled is false"),
        wish=wish,
    )


def _refuse_unknown(probe: str) -> None:
    if probe not in BY_ID:
        near = difflib.get_close_matches(probe, BY_ID, n=1, cutoff=0.0)
        raise Problem(
            f"there is no probe `{probe}`",
            wanted=", ".join(BY_ID),
            found=probe,
            fix=f"hauberk verify --only {near[0]}",
        )


def _namespace(integration: Integration, wish: Wish) -> str:
    projects = integration.projects
    if not integration.serving.enabled:
        raise Problem(
            "there is nothing to verify without Knative Serving",
            wanted="serving: {enabled: true}",
            found="serving: {enabled: false}",
            fix="set serving.enabled in hauberk.yaml, then: hauberk install",
        )
    if wish.namespace and wish.namespace in projects:
        return wish.namespace
    if wish.namespace or not projects:
        raise Problem(
            "the probe service needs a member namespace",
            wanted="a namespace of `members` that is not Knative's own",
            found=wish.namespace or f"members: [{', '.join(integration.members)}]",
            fix=f"hauberk verify --namespace {projects[0]}"
            if projects
            else "add a namespace to `members`, then: hauberk install",
        )
    return projects[0]


def _other_tenant(integration: Integration, namespace: str) -> tuple[str, str]:
    """A namespace of another tenant than `namespace`'s; or none, and why."""
    own = next((t.name for t in integration.tenants if namespace in t.namespaces), "")
    if not own:
        told = "hauberk.yaml has no tenants" if not integration.tenants else f"{namespace} is of no tenant"
        return "", f"{told}: hauberk tenant add"
    others = [n for tenant in integration.tenants if tenant.name != own for n in tenant.namespaces]
    return (others[0], "") if others else ("", f"{own} is the only tenant: hauberk tenant add")
