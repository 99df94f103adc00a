"""Which edits of hauberk.yaml each command of day 2 means. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from hauberk.base.problems import Problem
from hauberk.integration.day2.edit import Append, Drop, Edit, Put
from hauberk.integration.model import Integration


def metrics(enabled: bool) -> tuple[Edit, ...]:
    """Expose metrics to the cluster's monitoring, or stop."""
    return (Put(("metrics", "enabled"), enabled),)


def secret_filtering(on: bool) -> tuple[Edit, ...]:
    """Let net-istio read labelled Secrets only, or all."""
    return (Put(("secretFiltering",), on),)


def network_policies(integration: Integration, *, enabled: bool, mesh: bool) -> tuple[Edit, ...]:
    """Who makes NetworkPolicies.

    | asked          | serverless | mesh                     |
    |----------------|------------|--------------------------|
    | enable         | true       | true where it was off    |
    | disable        | false      | as it was                |
    | disable, mesh  | false      | false                    |
    """
    edits: list[Edit] = [Put(("networkPolicies", "serverless"), enabled)]
    if mesh or (enabled and not integration.network_policies.mesh):
        edits.append(Put(("networkPolicies", "mesh"), enabled))
    return tuple(edits)


def tenant_added(integration: Integration, name: str, namespaces: Sequence[str]) -> tuple[Edit, ...]:
    """A new tenant, or more namespaces of one that there is."""
    for index, tenant in enumerate(integration.tenants):
        if tenant.name == name:
            new = [n for n in namespaces if n not in tenant.namespaces]
            return tuple(Append(("tenants", index, "namespaces"), n) for n in new)
    return (Append(("tenants",), {"name": name, "namespaces": list(namespaces)}),)


def tenant_removed(integration: Integration, name: str) -> tuple[Edit, ...]:
    """Without that tenant. Raises Problem when there is none."""
    names = [tenant.name for tenant in integration.tenants]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        raise Problem(
            f"there is no tenant `{name}`",
            wanted=", ".join(names) or "a tenant of hauberk.yaml, which has none",
            found=name,
            fix=f"hauberk tenant remove {near[0]}" if near else "hauberk tenant list",
        )
    return (Drop(("tenants", names.index(name))),)
