"""HBK12xx: which mesh there is, and who is in it: the rows."""

from __future__ import annotations

from hauberk.checks.judges import membership as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1201",
        title="There is no mesh control plane",
        severity=Severity.ERROR,
        wanted="one control plane",
        fix="create the ServiceMeshControlPlane (or Istio) of the procedure's first step",
        why="Without it nothing injects sidecars, and Knative's Gateways are served by nobody.",
        judge=judge.no_plane,
    ),
    Check(
        code="HBK1202",
        title="Service Mesh 2 and 3 are both installed",
        severity=Severity.WARNING,
        wanted="one generation of the mesh",
        fix="finish the migration and remove the old control plane",
        why=(
            "Serverless can be part of one mesh only. During a migration both inject and both own "
            "Gateways; stale Routes in the old gateway's namespace then claim the hosts."
        ),
        judge=judge.two_generations,
        source="serverless-operator hack/migrate-mesh-routes.sh",
    ),
    Check(
        code="HBK1203",
        title="The mesh has no member roll",
        severity=Severity.ERROR,
        wanted="a ServiceMeshMemberRoll in the control plane's namespace",
        fix="create the ServiceMeshMemberRoll `default` beside the control plane",
        why=(
            "A mesh of Service Mesh 2 consists of the namespaces in its roll; without one, nobody is "
            "in the mesh."
        ),
        judge=judge.no_roll,
    ),
    Check(
        code="HBK1204",
        title="The member roll is not called `default`",
        severity=Severity.ERROR,
        wanted="`default`",
        fix="rename it to `default`",
        why="The operator reads only the roll of that name.",
        judge=judge.roll_name,
    ),
    Check(
        code="HBK1205",
        title="A system namespace of Knative is not in the mesh",
        severity=Severity.ERROR,
        wanted="`knative-serving` and `knative-eventing`",
        fix="add it to `spec.members`",
        why=(
            "Activator and autoscaler (or the dispatchers) then have no sidecar and no certificate, "
            "and strict services refuse them: nothing scales from zero, no event is delivered."
        ),
        judge=judge.system_members,
    ),
    Check(
        code="HBK1206",
        title="A Knative service lives outside the mesh",
        severity=Severity.ERROR,
        wanted="its namespace in the member roll",
        fix="add the namespace to `spec.members`",
        why=(
            "Its pods get no sidecar, so the gateway's and the activator's mTLS finds nobody who speaks it."
        ),
        judge=judge.ksvc_members,
    ),
    Check(
        code="HBK1207",
        title="A namespace is in two member rolls",
        severity=Severity.ERROR,
        wanted="each namespace in one roll",
        fix="remove it from the other roll",
        why=(
            "The operator refuses the second: `could not add knative-serving to SMMR because it's "
            "already part of another SMMR`. Moving Serverless between rolls is unsupported:"
            " uninstall and reinstall."
        ),
        judge=judge.two_rolls,
        source="redhat-developer-demos/knative-tutorial#199",
    ),
    Check(
        code="HBK1208",
        title="Members are still pending",
        severity=Severity.WARNING,
        wanted="every member configured",
        fix="oc -n istio-system describe smmr default",
        why="A pending namespace does not exist yet or was refused; its pods start without sidecars.",
        judge=judge.pending,
    ),
    Check(
        code="HBK1209",
        title="A part of the integration is not ready",
        severity=Severity.ERROR,
        wanted="condition Ready: True",
        fix="read the condition; `oc describe` shows its events",
        why="What the operator could not finish, nothing else makes up for.",
        judge=judge.not_ready,
    ),
    Check(
        code="HBK1210",
        title="Serving was installed before the mesh",
        severity=Severity.WARNING,
        wanted="the mesh first, then KnativeServing",
        fix="when it does not become ready, delete the KnativeServing and create it again",
        why=(
            "The document forbids this order: Serving does not find Istio's kinds and stays in error,"
            " or its pods start without sidecars and have to be restarted."
        ),
        judge=judge.serving_first,
    ),
    Check(
        code="HBK1211",
        title="Istio's kinds are not installed",
        severity=Severity.ERROR,
        wanted="Gateway, VirtualService and DestinationRule of networking.istio.io",
        fix="install the Service Mesh operator, then create the control plane",
        why='KnativeServing stays in error: `no matches for kind "Gateway"`.',
        judge=judge.missing_kinds,
        source="knative/operator#1241",
    ),
    Check(
        code="HBK1212",
        title="A webhook leads to no Service",
        severity=Severity.ERROR,
        wanted="webhooks of what is installed",
        fix="delete the webhook configuration",
        why=(
            "A removed operator left it behind. Every write that it matches fails: `no endpoints "
            "available for service`, and a reinstalled KnativeServing gets stuck."
        ),
        needs=("Service",),
        judge=judge.dead_webhooks,
    ),
    Check(
        code="HBK1213",
        title="There is no IstioCNI",
        severity=Severity.ERROR,
        wanted="an IstioCNI beside the Istio",
        fix="create the IstioCNI `default` with `spec.namespace: istio-cni`",
        why=(
            "On OpenShift pods may not change their own network rules; without the CNI no injected "
            "pod starts."
        ),
        judge=judge.cni,
        source="serverless-operator hack/lib/mesh_v3_resources",
    ),
    Check(
        code="HBK1214",
        title="A namespace of Knative refuses injection",
        severity=Severity.ERROR,
        wanted="no label `istio-injection: disabled`",
        fix="remove the label",
        why="It overrules every label and annotation of pods: none of them gets a sidecar.",
        judge=judge.disabled_namespace,
    ),
    Check(
        code="HBK1215",
        title="An operator's object is in another namespace than its operator reads",
        severity=Severity.ERROR,
        wanted="`knative-serving` for KnativeServing, `knative-eventing` for the others",
        fix="correct `metadata.namespace`",
        why=(
            "The Serverless operator accepts each of them in its own namespace only. Routes of the mesh, "
            "member roll and policies name these namespaces, too."
        ),
        judge=judge.wrong_home,
        source="serverless-operator openshift-knative-operator/pkg/webhook",
    ),
)
