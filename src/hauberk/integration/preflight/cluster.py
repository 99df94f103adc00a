"""What the cluster itself must offer: kinds, permissions, a gateway not exposed, no leftovers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hauberk.base.conditions import is_true
from hauberk.base.refs import Json, Ref, kind_of, ref_of
from hauberk.integration import marks
from hauberk.integration.leftovers import webhook_services
from hauberk.integration.model import Profile
from hauberk.integration.preflight.rows import Row
from hauberk.integration.stages import Stage, objects_of
from hauberk.kubeclient.discovery import OPERATORS

VERBS = ("get", "create", "patch", "delete")
EXPOSED = ("NodePort", "LoadBalancer")
FAMILIES = ("knative.dev", "istio.io", "maistra.io", "knative.openshift.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One question to the API: may we do this, and what it said (None: it does not tell)."""

    verb: str
    resource: str
    group: str
    namespace: str
    allowed: bool | None = None

    def __str__(self) -> str:
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{self.verb} {name}" + (f" in {self.namespace}" if self.namespace else "")


def judge_kinds(stages: Sequence[Stage], served: Iterable[str]) -> Row:
    """Whether the API serves every kind that the stages apply."""
    known = set(served)
    wanted_kinds = {kind_of(obj) for obj in objects_of(stages)}
    missing = sorted(wanted_kinds - known)
    title, wanted = "kinds are known", f"{len(wanted_kinds)} kinds that the integration consists of"
    if not missing:
        return Row(title=title, level="ok", wanted=wanted, found="all of them")
    brings = {OPERATORS.get(kind.partition(".")[2], "the operator that owns it") for kind in missing}
    found = f"not served: {', '.join(missing)}"
    fix = f"install the {' and the '.join(sorted(brings))}"
    return Row(title=title, level="fail", wanted=wanted, found=found, fix=fix)


def judge_permissions(asked: Sequence[Permission]) -> Row:
    """Whether we may do all of it."""
    title = "permissions"
    wanted = f"{', '.join(VERBS)} on every kind of the integration"
    refused = [p for p in asked if p.allowed is False]
    if refused:
        more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
        text = f"not allowed: {', '.join(map(str, refused[:5]))}{more}"
        fix = "log in as cluster-admin, or ask for a role with these verbs"
        return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)
    if not asked or any(p.allowed is None for p in asked):
        text = "the API does not answer a SelfSubjectAccessReview"
        return Row(title=title, level="unknown", wanted=wanted, found=text, fix="kubectl auth can-i --list")
    return Row(title=title, level="ok", wanted=wanted, found=f"all {len(asked)} are allowed")


def judge_exposure(profile: Profile, services: Iterable[Json], pod_labels: Mapping[str, str]) -> Row:
    """Whether the gateway's Service is open to the world past the Routes.

    | type                      | sm2, sm3 | kubernetes |
    |---------------------------|----------|------------|
    | ClusterIP                 | ok       | ok         |
    | NodePort, LoadBalancer    | fail     | ok         |

    Source: the document, preflight of 1.31 to 1.36: access is supported through OpenShift Routes only.
    """
    title = "the gateway is not exposed by itself"
    if profile == "kubernetes":
        return Row(title=title, level="ok", wanted="any type: no Routes here", found="not judged")
    wanted = "Services of the ingress gateway of type ClusterIP"
    found = [
        (ref_of(s), s["spec"].get("type", "ClusterIP"))
        for s in services
        if _selects((s.get("spec") or {}).get("selector") or {}, pod_labels)
    ]
    bad = [(ref, kind) for ref, kind in found if kind in EXPOSED]
    if not bad:
        return Row(title=title, level="ok", wanted=wanted, found=f"{len(found)} Services, none exposed")
    text = ", ".join(f"{ref} is a {kind}" for ref, kind in bad)
    ref = bad[0][0]
    patch = '{"spec":{"type":"ClusterIP"}}'
    fix = f"kubectl patch service {ref.name} -n {ref.namespace} -p '{patch}', where its owner agrees"
    return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)


def judge_order(serving: Json | None, plane: Json | None) -> Row:
    """Whether Knative Serving came before the mesh.

    | KnativeServing | applied by us | control plane | level |
    |----------------|---------------|---------------|-------|
    | none           | -             | -             | ok    |
    | there          | yes           | -             | ok    |
    | there          | no            | Ready         | warn  |
    | there          | no            | not           | fail  |
    """
    title, wanted = "the mesh comes before Serving", "no KnativeServing without a mesh"
    if serving is None:
        return Row(title=title, level="ok", wanted=wanted, found="no KnativeServing yet")
    ref = ref_of(serving)
    if marks.is_marked(serving):
        return Row(title=title, level="ok", wanted=wanted, found=f"{ref} is of `hauberk install`")
    istio = (((serving.get("spec") or {}).get("ingress") or {}).get("istio") or {}).get("enabled")
    text = f"{ref} was installed by somebody else" + ("" if istio else ", without Istio as its ingress")
    fix = f"kubectl delete knativeserving {ref.name} -n {ref.namespace}, then install: its services are kept"
    if plane is not None and is_true(plane) and istio:
        return Row(
            title=title, level="warn", wanted=wanted, found=text, fix="let `hauberk plan` show what changes"
        )
    return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)


def judge_webhooks(configurations: Iterable[Json], ready: Mapping[Ref, bool | None]) -> Row:
    """Webhooks of Knative, Istio or Maistra that nobody answers: they refuse every write of their kinds.

    `ready`: Service → it has ready endpoints; None when the Service is not there.
    """
    title, wanted = "no leftover webhooks", "webhooks that something answers"
    dead = [
        (ref_of(c), service)
        for c in configurations
        if any(family in c["metadata"]["name"] for family in FAMILIES) or _of_family(c)
        for service in webhook_services(c)
        if not ready.get(service)
    ]
    if not dead:
        return Row(title=title, level="ok", wanted=wanted, found="none without an answer")
    text = ", ".join(
        f"{ref} calls {s}, which {'is not there' if ready.get(s) is None else 'has no ready pod'}"
        for ref, s in dead
    )
    gone = [ref for ref, service in dead if ready.get(service) is None]
    level = "fail" if gone else "warn"
    fix = "; ".join(
        f"kubectl delete {r.kind.partition('.')[0].lower()} {r.name}" for r in dict.fromkeys(gone)
    )
    if level == "warn":
        return Row(title=title, level="warn", wanted=wanted, found=text, fix="wait until its pods are ready")
    return Row(title=title, level="fail", wanted=wanted, found=text, fix=fix)


def _of_family(configuration: Json) -> bool:
    hooks = configuration.get("webhooks") or ()
    return any(family in hook.get("name", "") for hook in hooks for family in FAMILIES)


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and all(labels.get(k) == v for k, v in selector.items())
