"""The ClusterRoles and ClusterRoleBindings that every cluster begins with.

They are brought up to date at each start: what is missing in them is added, what an administrator added
stays; one that is annotated `rbac.authorization.kubernetes.io/autoupdate: "false"` is left alone.
Source: kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy (policy.go and its testdata);
pkg/registry/rbac/reconciliation; serving config/core/200-roles (knative-serving-namespaced-*).
Deviation: the roles of components that this cluster does not have (kube-scheduler, controllers, nodes) are
not there; Knative's aggregated roles are there before its control plane, as its kinds are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hauberk.apiserver.rbac.authorizer import GROUP
from hauberk.apiserver.rbac.match import compact, missing, rules_of
from hauberk.base.refs import Json, ref_of
from hauberk.ports import Api

MANAGER = "kube-apiserver"
AUTOUPDATE = "rbac.authorization.kubernetes.io/autoupdate"
_API = f"{GROUP}/v1"
_LABEL = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_TO = "rbac.authorization.k8s.io/aggregate-to-"
_READ = "get list watch"
_WRITE = "create delete deletecollection patch update"
_EVERY = "create delete deletecollection get list patch update watch"

_Rows = tuple[tuple[str, str, str], ...]  # verbs, groups (- is the core group), resources

_VIEW: _Rows = (
    (
        _READ,
        "-",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods "
        "replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status",
    ),
    (
        _READ,
        "-",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status "
        "resourcequotas resourcequotas/status",
    ),
    (_READ, "-", "namespaces"),
    (_READ, "discovery.k8s.io", "endpointslices"),
    (
        _READ,
        "apps",
        "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status "
        "replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale "
        "statefulsets/status",
    ),
    (_READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    (_READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
    (_READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    (_READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    (_READ, "metrics.k8s.io", "pods nodes"),
)
_EDIT: _Rows = (
    (_READ, "-", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
    ("impersonate", "-", "serviceaccounts"),
    (_WRITE, "-", "pods pods/attach pods/exec pods/portforward pods/proxy"),
    ("create", "-", "pods/eviction"),
    (
        _WRITE,
        "-",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale "
        "secrets serviceaccounts services services/proxy",
    ),
    ("create", "-", "serviceaccounts/token"),
    (
        _WRITE,
        "apps",
        "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale "
        "statefulsets statefulsets/scale",
    ),
    (_WRITE, "autoscaling", "horizontalpodautoscalers"),
    (_WRITE, "batch", "cronjobs jobs"),
    (_WRITE, "policy", "poddisruptionbudgets"),
    (_WRITE, "networking.k8s.io", "ingresses networkpolicies"),
    (_EVERY, "coordination.k8s.io", "leases"),
)
_ADMIN: _Rows = (
    ("create", "authorization.k8s.io", "localsubjectaccessreviews"),
    (_EVERY, GROUP, "rolebindings roles"),
)
_BASIC: _Rows = (
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
    ("create", "authentication.k8s.io", "selfsubjectreviews"),
)
_DELEGATOR: _Rows = (
    ("create", "authentication.k8s.io", "tokenreviews"),
    ("create", "authorization.k8s.io", "subjectaccessreviews"),
)
_KNATIVE = "serving.knative.dev networking.internal.knative.dev autoscaling.internal.knative.dev"
_DISCOVERY = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
]
_PUBLIC = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_MONITORING = [
    "/healthz",
    "/healthz/*",
    "/livez",
    "/livez/*",
    "/metrics",
    "/metrics/slis",
    "/readyz",
    "/readyz/*",
]


def defaults() -> tuple[dict[str, Any], ...]:
    """All of them, roles first."""
    return (*_roles(), *_bindings())


def _roles() -> Iterator[dict[str, Any]]:
    every = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, _paths(["*"], "*")]
    yield _role("cluster-admin", every)
    yield {**_role("admin", []), **_aggregates("admin")}
    yield {**_role("edit", [], "admin"), **_aggregates("edit")}
    yield {**_role("view", [], "edit"), **_aggregates("view")}
    yield _role("system:aggregate-to-admin", _rules(_ADMIN), "admin")
    yield _role("system:aggregate-to-edit", _rules(_EDIT), "edit")
    yield _role("system:aggregate-to-view", _rules(_VIEW), "view")
    yield _role("system:basic-user", _rules(_BASIC))
    yield _role("system:auth-delegator", _rules(_DELEGATOR))
    yield _role("system:discovery", [_paths(_DISCOVERY)])
    yield _role("system:monitoring", [_paths(_MONITORING)])
    yield _role("system:public-info-viewer", [_paths(_PUBLIC)])
    yield _role("knative-serving-namespaced-admin", _rules((("*", _KNATIVE, "*"),)), "admin")
    edit = ("create update patch delete", _KNATIVE, "*")
    yield _role("knative-serving-namespaced-edit", _rules((edit,)), "edit")
    yield _role("knative-serving-namespaced-view", _rules(((_READ, _KNATIVE, "*"),)), "view")


def _bindings() -> Iterator[dict[str, Any]]:
    authenticated = "system:authenticated"
    yield _binding("cluster-admin", "system:masters")
    yield _binding("system:monitoring", "system:monitoring")
    yield _binding("system:discovery", authenticated)
    yield _binding("system:basic-user", authenticated)
    yield _binding("system:public-info-viewer", authenticated, "system:unauthenticated")


def _role(name: str, rules: list[dict[str, Any]], aggregate_to: str = "") -> dict[str, Any]:
    labels = {**_LABEL, **({f"{_TO}{aggregate_to}": "true"} if aggregate_to else {})}
    return {"apiVersion": _API, "kind": "ClusterRole", "metadata": _meta(name, labels), "rules": rules}


def _aggregates(name: str) -> dict[str, Any]:
    return {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {f"{_TO}{name}": "true"}}]}}


def _binding(role: str, *groups: str) -> dict[str, Any]:
    return {
        "apiVersion": _API,
        "kind": "ClusterRoleBinding",
        "metadata": _meta(role, _LABEL),
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
    }


def _meta(name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "labels": dict(labels), "annotations": {AUTOUPDATE: "true"}}


def _rules(rows: _Rows) -> list[dict[str, Any]]:
    return [
        {
            "apiGroups": ["" if group == "-" else group for group in groups.split()],
            "resources": resources.split(),
            "verbs": verbs.split(),
        }
        for verbs, groups, resources in rows
    ]


def _paths(paths: list[str], verb: str = "get") -> dict[str, Any]:
    return {"nonResourceURLs": paths, "verbs": [verb]}


def brought_up(stored: Json, wanted: Json) -> dict[str, Any] | None:
    """The stored object with what it lacks of the wanted one; None when there is nothing to change."""
    if (stored["metadata"].get("annotations") or {}).get(AUTOUPDATE) != "true":
        return None
    new = dict(stored)
    if "aggregationRule" in wanted:
        new["aggregationRule"] = stored.get("aggregationRule") or wanted["aggregationRule"]
    elif lacking := missing(rules_of(stored), wanted.get("rules") or ()):
        new["rules"] = [*(stored.get("rules") or ()), *compact(lacking)]
    if "subjects" in wanted:
        held = list(stored.get("subjects") or ())
        new["subjects"] = [*held, *(s for s in wanted["subjects"] if s not in held)]
    return None if new == stored else new


async def bring_up(api: Api) -> None:
    """Create what is missing of the defaults, and add what the stored ones lack."""
    for wanted in defaults():
        stored = api.snapshot().get(ref_of(wanted))
        if stored is None:
            await api.create(wanted, manager=MANAGER)
        elif (new := brought_up(stored, wanted)) is not None:
            await api.update(new, manager=MANAGER)
