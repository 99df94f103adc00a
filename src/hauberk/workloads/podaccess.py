"""Every pod has a ServiceAccount, and sees at the usual place what identifies the API server.

The volume holds a token of the account, `ca.crt` and `namespace`.

Source: kubernetes plugin/pkg/admission/serviceaccount/admission.go.
Deviation: a pod may come before the `default` account of its new namespace; upstream waits for it a moment.
"""

from __future__ import annotations

import hashlib
from typing import Any

from hauberk.base.apierrors import Forbidden
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.workloads.namespace import DEFAULT_ACCOUNT, ROOT_CONFIGMAP

MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_LIFE_S = 3607  # an hour, recognisable as the default one
VOLUME_PREFIX = "kube-api-access-"
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def admit(request: Request) -> Outcome:
    """Name the account, check that it exists, mount what comes with it."""
    if request.obj is None:
        return Outcome()
    pod = dict(request.obj)
    spec = pod["spec"] = dict(pod.get("spec") or {})
    name = spec.get("serviceAccountName") or DEFAULT_ACCOUNT
    spec["serviceAccountName"] = spec["serviceAccount"] = name
    account = request.snapshot.get(Ref("ServiceAccount", request.namespace, name))
    if account is None and name != DEFAULT_ACCOUNT:
        who = pod["metadata"].get("name") or pod["metadata"].get("generateName", "")
        raise Forbidden(
            f'pods "{who}" is forbidden: error looking up service account {request.namespace}/{name}: '
            f'serviceaccount "{name}" not found',
            ref=ref_of(pod) if pod["metadata"].get("name") else None,
        )
    if not spec.get("imagePullSecrets") and account is not None and account.get("imagePullSecrets"):
        spec["imagePullSecrets"] = account["imagePullSecrets"]
    if _automounts(spec, account):
        mount(spec, _volume_name(pod))
    return Outcome(obj=pod)


def _automounts(spec: Json, account: Json | None) -> bool:
    """The pod's word counts before its account's."""
    for said in (
        spec.get("automountServiceAccountToken"),
        (account or {}).get("automountServiceAccountToken"),
    ):
        if said is not None:
            return bool(said)
    return True


def mount(spec: dict[str, Any], name: str) -> None:
    """Add the volume, and a mount in every container that has none at the place."""
    mounted = False
    for section in ("initContainers", "containers"):
        containers = []
        for container in spec.get(section) or ():
            mounts = list(container.get("volumeMounts") or ())
            if not any(m.get("mountPath") == MOUNT_PATH for m in mounts):
                mounts.append({"name": name, "readOnly": True, "mountPath": MOUNT_PATH})
                mounted = True
            containers.append({**container, "volumeMounts": mounts})
        if containers:
            spec[section] = containers
    if mounted:
        volume = {"name": name, "projected": {"defaultMode": 420, "sources": sources()}}
        spec["volumes"] = [*(spec.get("volumes") or ()), volume]


def sources() -> list[dict[str, Any]]:
    """What the volume holds."""
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"expirationSeconds": TOKEN_LIFE_S, "path": "token"}},
        {"configMap": {"name": ROOT_CONFIGMAP, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [namespace]}},
    ]


def _volume_name(pod: Json) -> str:
    """`kube-api-access-` and five letters that follow from the pod's name."""
    meta = pod["metadata"]
    seed = f"{meta.get('namespace')}/{meta.get('name') or meta.get('generateName')}"
    digest = hashlib.sha256(seed.encode()).digest()
    return VOLUME_PREFIX + "".join(_SAFE[b % len(_SAFE)] for b in digest[:5])


ADMISSION = Admission(
    name="service-account", kinds=("Pod",), operations=("CREATE",), admit=admit, mutates=True
)
