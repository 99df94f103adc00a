"""HBK10xx: what was read at all: the rows."""

from __future__ import annotations

from hauberk.checks.judges import reading as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1000",
        title="A check could not judge what it found",
        severity=Severity.WARNING,
        wanted="objects of the shape that their kind has",
        fix="run `hauberk --debug doctor` and report what it prints",
        why="A judge met a value it does not understand. The other checks still ran.",
        judge=judge.said_by_the_runner,
    ),
    Check(
        code="HBK1001",
        title="A file is not YAML",
        severity=Severity.ERROR,
        wanted="YAML or JSON",
        fix="repair the line",
        why="`oc apply -f` refuses the whole file, so nothing that follows in it is applied either.",
        judge=judge.unreadable,
    ),
    Check(
        code="HBK1002",
        title="A document is no Kubernetes object",
        severity=Severity.WARNING,
        wanted="`apiVersion`, `kind` and `metadata.name`",
        fix="complete it, or merge it into the object it belongs to",
        why=(
            "`oc apply` refuses it. The document's own fragment for the excluded metrics port is "
            "such: it belongs into the ServiceMeshControlPlane."
        ),
        judge=judge.no_object,
    ),
    Check(
        code="HBK1003",
        title="Several documents describe the same object",
        severity=Severity.WARNING,
        wanted="one description of each object",
        fix="merge them into one document",
        why=(
            "`oc apply` of the second takes away what only the first one said, because it compares "
            "with what was applied last. The doctor judges all of them together, as `oc edit` would "
            "leave it."
        ),
        judge=judge.twice,
    ),
    Check(
        code="HBK1004",
        title="A placeholder was left in",
        severity=Severity.ERROR,
        wanted="a real value",
        fix="write the value of your cluster",
        why=(
            "The document's YAML contains `<your-istio-namespace>`, `<bootstrap_servers>` and others "
            ". Some of them are accepted by the API and fail much later."
        ),
        judge=judge.placeholders,
    ),
    Check(
        code="HBK1005",
        title="The key of a label or annotation is not valid",
        severity=Severity.ERROR,
        wanted="an optional DNS prefix with `/`, then letters, digits, `-`, `_`, `.`",
        fix="correct the key",
        why=(
            "The API refuses the object. The document's page on ContainerSource has "
            '`sidecar.istio.io/inject": ` with a stray quote.'
        ),
        judge=judge.keys,
        source="openshift-knative/docs eventing-service-mesh-containersource.adoc",
    ),
    Check(
        code="HBK1006",
        title="A label or annotation is not text",
        severity=Severity.ERROR,
        wanted='a value in quotes, such as `"true"`',
        fix="put quotes around the value",
        why="YAML reads `true` and `8022` as a boolean and a number; the API accepts only text there.",
        judge=judge.values,
    ),
    Check(
        code="HBK1007",
        title="A suppression gives no reason",
        severity=Severity.WARNING,
        wanted="a sentence that says why the finding is accepted",
        fix="write the reason; until then the finding is shown",
        why="An exception without a reason outlives everybody who remembers it.",
        judge=judge.said_by_the_runner,
    ),
    Check(
        code="HBK1008",
        title="A suppression suppresses nothing",
        severity=Severity.INFO,
        wanted="suppressions of findings that there are",
        fix="remove it",
        why=(
            "The finding is gone, or the code or object is misspelt; a later finding would be hidden unseen."
        ),
        judge=judge.said_by_the_runner,
    ),
    Check(
        code="HBK1009",
        title="An object does not say in which namespace it belongs",
        severity=Severity.WARNING,
        wanted="`metadata.namespace`",
        fix="write the namespace",
        why=(
            "It is applied to whatever namespace the context has at that moment. A control plane, a "
            "Gateway or a policy in another namespace means something else, or nothing."
        ),
        judge=judge.no_namespace,
    ),
)
