"""What the components' ServiceAccounts may do, for those that ask the API themselves. Pure.

Source: knative/eventing config/core/roles/job-sink.yaml (names and rules).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hauberk.base.refs import Json, Ref

_GROUP = "rbac.authorization.k8s.io"
_NAME = "knative-eventing-job-sink"
_ACCOUNT = "job-sink"
_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("batch", "jobs", ("get", "list", "watch", "create")),
    ("", "secrets", ("get", "list", "watch", "create", "patch")),
    ("sinks.knative.dev", "jobsinks", ("get", "list", "watch")),
)


def make_roles(namespace: str, labels: Mapping[str, str]) -> Iterator[Json]:
    """The job-sink makes Jobs and Secrets in every namespace."""
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
        for group, resource, verbs in _RULES
    ]
    yield _made("ClusterRole", labels, rules=rules)
    yield _made(
        "ClusterRoleBinding",
        labels,
        roleRef={"apiGroup": _GROUP, "kind": "ClusterRole", "name": _NAME},
        subjects=[{"kind": "ServiceAccount", "name": _ACCOUNT, "namespace": namespace}],
    )


def role_refs() -> tuple[Ref, ...]:
    """Those of `make_roles`: no owner takes them along, for they are the whole cluster's."""
    return tuple(Ref(f"{kind}.{_GROUP}", "", _NAME) for kind in ("ClusterRole", "ClusterRoleBinding"))


def _made(kind: str, labels: Mapping[str, str], **parts: Any) -> dict[str, Any]:
    meta = {"name": _NAME, "labels": dict(labels)}
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": meta, **parts}
