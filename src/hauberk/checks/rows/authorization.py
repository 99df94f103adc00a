"""HBK17xx: AuthorizationPolicies around Knative: the rows."""

from __future__ import annotations

from hauberk.checks.judges import authorization as judge
from hauberk.checks.model import Check, Severity

CHECKS: tuple[Check, ...] = (
    Check(
        code="HBK1701",
        title="Deny-all without what Serving needs",
        severity=Severity.ERROR,
        wanted="policies that allow the activator and the autoscaler",
        fix="add the policies of the traffic isolation procedure",
        why="Queue-proxies, activator and autoscaler talk to each other; denied, nothing scales.",
        judge=judge.starved,
        source="serverless-operator hack/mesh-authz.sh",
    ),
    Check(
        code="HBK1702",
        title="Deny-all without what Eventing needs",
        severity=Severity.ERROR,
        wanted="policies that allow the receivers and dispatchers",
        fix="add the policies of the traffic isolation procedure",
        why="Ingress, dispatchers and filters talk to each other; denied, no event arrives.",
        judge=judge.starved_eventing,
    ),
    Check(
        code="HBK1703",
        title="A policy names a ServiceAccount that does not exist",
        severity=Severity.WARNING,
        wanted="ServiceAccounts that exist",
        fix="correct the principal: DOMAIN/ns/NAMESPACE/sa/NAME",
        why="It allows nobody, so what it was written for is denied.",
        needs=("ServiceAccount",),
        judge=judge.ghosts,
    ),
    Check(
        code="HBK1704",
        title="Policies deny the wait-for-drain hook",
        severity=Severity.ERROR,
        wanted="a rule for port 8022 without a source",
        fix="add allow-wait-for-drain, or exclude port 8022",
        why="The kubelet has no identity: pods are stopped before their requests are done.",
        judge=judge.no_drain,
        source="serverless-operator authz chart, serving-allow-wait-for-drain.yaml",
    ),
    Check(
        code="HBK1705",
        title="Policies deny Serving's own calls",
        severity=Severity.ERROR,
        wanted="a rule that allows namespace knative-serving",
        fix="add allow-from-knative-and-istio",
        why=(
            "Activator and autoscaler probe and scrape the pods: `RBAC: access denied`, and services "
            "never become Ready or never scale down."
        ),
        judge=judge.no_probes,
        source="knative/serving#10688",
    ),
    Check(
        code="HBK1706",
        title="A policy trusts identities that nobody has to prove",
        severity=Severity.ERROR,
        wanted="STRICT mTLS",
        fix="make mTLS strict",
        why=(
            "Plaintext has no identity. An ALLOW by identity denies it, a DENY by identity lets it through."
        ),
        judge=judge.loose,
    ),
    Check(
        code="HBK1707",
        title="A policy on the gateway denies net-istio's probe",
        severity=Severity.ERROR,
        wanted="a rule for path /healthz",
        fix="allow /healthz of every source",
        why=(
            "net-istio probes each gateway pod before it calls a service Ready: `Waiting for load "
            "balancer` for ever."
        ),
        judge=judge.gateway_probe,
        source="knative-extensions/net-istio#700",
    ),
    Check(
        code="HBK1708",
        title="Tenants reach each other through the activator",
        severity=Severity.WARNING,
        wanted="a policy in knative-serving that says who may call which hosts",
        fix="add allow-TENANT-to-activator with the tenant's hosts",
        why=("Pods trust the activator, whoever called it. Upstream calls this working as designed."),
        judge=judge.open_activator,
        source="knative-extensions/net-istio#554",
    ),
    Check(
        code="HBK1709",
        title="A tenant admits events of other tenants",
        severity=Severity.WARNING,
        wanted="a condition on header Kn-Namespace",
        fix="add `when: request.headers[Kn-Namespace]` with the tenant's namespaces",
        why="The dispatchers deliver for everybody; only this header says for whom.",
        judge=judge.any_event,
        source="serverless-operator authz chart",
    ),
    Check(
        code="HBK1710",
        title="Deny-all came before Serving was Ready",
        severity=Severity.ERROR,
        wanted="policies after KnativeServing is Ready",
        fix="delete the policy, wait for Ready, apply it again",
        why="The components need each other to become Ready; denied, they never do.",
        judge=judge.too_early,
        source="serverless-operator hack/lib/mesh3.bash",
    ),
)
