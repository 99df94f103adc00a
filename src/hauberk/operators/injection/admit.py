"""Mutating admission of pods: puts the sidecar in. Pure.

Source: istio pkg/kube/inject/{webhook,inject}.go.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import yaml

from hauberk.base.apierrors import BadRequest
from hauberk.base.refs import Json, Ref, annotations_of, controller_of, labels_of
from hauberk.kinds.core.pod import KIND as POD
from hauberk.operators.injection.decide import STATUS, wants_sidecar
from hauberk.operators.injection.probes import rewrites, rewritten
from hauberk.operators.injection.sidecar import (
    EXCLUDE_INBOUND,
    INIT,
    PROXY,
    VOLUMES,
    excluded_inbound,
    make_init,
    make_proxy,
    make_volumes,
)
from hauberk.operators.membership import control_plane_in, mesh_of
from hauberk.operators.mesh_settings import MeshSettings, merged, settings_of
from hauberk.ports_admission import Admission, Outcome, Request

PROXY_CONFIG = "proxy.istio.io/config"


def admit(request: Request) -> Outcome:
    """Inject the sidecar into a new pod of a member namespace that wants one."""
    pod = request.obj
    if pod is None or request.subresource:
        return Outcome()
    namespace = request.snapshot.get(Ref("Namespace", "", request.namespace))
    mesh = mesh_of(request.snapshot, request.namespace)
    smcp = control_plane_in(request.snapshot, mesh) if mesh else None
    if namespace is None or smcp is None or not wants_sidecar(pod, namespace):
        return Outcome()
    # Defaults again, for what was added: a pod that is stored without them could never be updated.
    return Outcome(obj=POD.default(injected(pod, request.namespace, settings_of(smcp))))


def injected(pod: Json, namespace: str, mesh: MeshSettings) -> dict[str, Any]:
    """The pod with its sidecar.

    With `holdApplicationUntilProxyStarts` the sidecar is the first container, and its postStart hook holds
    the others back; otherwise it is the last.
    """
    out: dict[str, Any] = copy.deepcopy(dict(pod))
    spec = out["spec"]
    workload = workload_of(pod, namespace)
    config = proxy_config(pod, mesh)
    probers: dict[str, Any] = {}
    if rewrites(labels_of(pod), annotations_of(pod), mesh.rewrite_probes):
        pairs = [rewritten(c) for c in spec["containers"]]
        spec["containers"] = [container for container, _ in pairs]
        probers = {path: probe for _, found in pairs for path, probe in found.items()}
    proxy = make_proxy(mesh, pod, config, workload, probers)
    hold = config.get("holdApplicationUntilProxyStarts") is True
    spec["containers"] = [proxy, *spec["containers"]] if hold else [*spec["containers"], proxy]
    spec["initContainers"] = [make_init(mesh, annotations_of(pod)), *(spec.get("initContainers") or ())]
    spec["volumes"] = [*make_volumes(), *(spec.get("volumes") or ())]
    _mark(out, mesh, workload[0])
    return out


def _mark(pod: dict[str, Any], mesh: MeshSettings, workload: str) -> None:
    meta = pod["metadata"]
    labels, annotations = labels_of(pod), annotations_of(pod)
    apps = [c["name"] for c in pod["spec"]["containers"] if c["name"] != PROXY]
    name = labels.get("app.kubernetes.io/name") or labels.get("app") or workload
    version = labels.get("app.kubernetes.io/version") or labels.get("version") or "latest"
    meta["labels"] = {
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": name,
        "service.istio.io/canonical-revision": version,
        **labels,
    }
    status = {
        "initContainers": [INIT],
        "containers": [PROXY],
        "volumes": list(VOLUMES),
        "imagePullSecrets": None,
        "revision": mesh.name,
    }
    meta["annotations"] = {
        "kubectl.kubernetes.io/default-container": apps[0],
        "kubectl.kubernetes.io/default-logs-container": apps[0],
        **annotations,
        EXCLUDE_INBOUND: excluded_inbound(mesh, annotations),
        "istio.io/rev": mesh.name,
        STATUS: json.dumps(status),
    }


def proxy_config(pod: Json, mesh: MeshSettings) -> dict[str, Any]:
    """The mesh's `defaultConfig` with the pod's `proxy.istio.io/config` laid upon it. BadRequest."""
    text = annotations_of(pod).get(PROXY_CONFIG)
    if not text:
        return dict(mesh.proxy_config)
    try:
        over = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRequest(_bad(str(error).splitlines()[0])) from error
    if not isinstance(over, Mapping):
        raise BadRequest(_bad("not a mapping"))
    return merged(mesh.proxy_config, over)


def _bad(why: str) -> str:
    return (
        'admission webhook "sidecar-injector.istio.io" denied the request: '
        f"failed to parse the annotation {PROXY_CONFIG}: {why}"
    )


def workload_of(pod: Json, namespace: str) -> tuple[str, str]:
    """The name of the workload that made the pod, and its path as `ISTIO_META_OWNER` has it.

    A ReplicaSet with a pod-template-hash stands for its Deployment.
    Source: istio pkg/kube/util.go, GetDeployMetaFromPod.
    """
    meta = pod["metadata"]
    owner = controller_of(pod)
    if owner is None:
        name = str(meta.get("name") or meta.get("generateName", "")).rstrip("-")
        return name, f"kubernetes://apis/v1/namespaces/{namespace}/pods/{name}"
    name, kind, version = owner["name"], owner["kind"], owner["apiVersion"]
    template = labels_of(pod).get("pod-template-hash", "")
    if kind == "ReplicaSet" and template and name.endswith(f"-{template}"):
        name, kind = name.removesuffix(f"-{template}"), "Deployment"
    path = f"kubernetes://apis/{version}/namespaces/{namespace}/{kind.lower()}s/{name}"
    return name, path


ADMISSION = Admission(
    name="sidecar-injector.istio.io", kinds=("Pod",), operations=("CREATE",), admit=admit, mutates=True
)
