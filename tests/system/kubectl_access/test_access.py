"""Who may do what, with real kubectl: roles, acting as others, tokens, the audit log, Secrets on the disk."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator

import pytest

from hauberk.testing.cluster import Cluster, eventually
from hauberk.testing.space import Space

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[Space]:
    """A fresh namespace."""
    name = f"x-{secrets.token_hex(3)}"
    cluster.must("create", "namespace", name)
    try:
        yield Space(cluster, name)
    finally:
        cluster.must("delete", "namespace", name, "--wait=false")


def asked(space: Space, token: str, *args: str) -> str:
    """What kubectl prints for somebody who has nothing but a token."""
    server = space.cluster.options.api_url
    known = ("--kubeconfig", "/dev/null", "--server", server, "--insecure-skip-tls-verify", "--token", token)
    ran = space.cluster.run(*args, "-n", space.namespace, *known)
    return str(ran.out) + str(ran.err)


def test_a_user_may_what_his_roles_say(space: Space) -> None:
    me = ("--as", "jane", "--as-group", "devs")
    refused = space.run("get", "pods", *me)
    assert (
        f'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace '
        f'"{space.namespace}"'
    ) in refused.err
    space.must("create", "rolebinding", "devs", "--clusterrole=view", "--group=devs")
    assert "No resources found" in space.run("get", "pods", *me).err
    assert space.must("auth", "can-i", "list", "deployments.apps", *me).strip() == "yes"
    assert space.run("auth", "can-i", "list", "secrets", *me).out.strip() == "no"
    assert space.run("auth", "can-i", "list", "pods", "-A", *me).out.strip() == "no"
    assert "pods/log" in space.must("auth", "can-i", "--list", *me)
    assert "jane" in space.must("auth", "whoami", *me)


def test_nobody_gives_what_he_does_not_have(space: Space) -> None:
    space.must("create", "rolebinding", "chief", "--clusterrole=admin", "--user=chief")
    ours = space.run("create", "rolebinding", "helper", "--clusterrole=edit", "--user=bob", "--as", "chief")
    assert ours.code == 0, ours.err
    more = space.run(
        "create", "rolebinding", "root", "--clusterrole=cluster-admin", "--user=bob", "--as", "chief"
    )
    assert "is attempting to grant RBAC permissions not currently held:" in more.err
    assert '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}' in more.err
    role = ("create", "role", "nodes", "--verb=escalate", "--resource=roles.rbac.authorization.k8s.io")
    assert "not currently held" in space.run(*role, "--as", "chief").err


def test_aggregated_roles_follow_the_roles_that_they_select(space: Space) -> None:
    name = f"{space.namespace}-more"
    space.must("create", "clusterrole", name, "--verb=get", "--resource=nodes")
    space.must("label", "clusterrole", name, "rbac.authorization.k8s.io/aggregate-to-view=true")
    space.must("create", "clusterrolebinding", name, "--clusterrole=view", "--user=ann")
    try:
        can = ("auth", "can-i", "get", "nodes", "--as", "ann")
        eventually(lambda: space.run(*can).out.strip() == "yes", what="the rule in view, edit and admin")
        space.must("delete", "clusterrole", name)
        eventually(lambda: space.run(*can).out.strip() == "no", what="the rule gone again")
    finally:
        space.run("delete", "clusterrolebinding", name)


def test_a_service_accounts_token_counts_for_its_audience_and_its_roles(space: Space) -> None:
    space.must("create", "serviceaccount", "robot")
    token = space.must("create", "token", "robot", "--duration=10m").strip()
    assert "is forbidden" in asked(space, token, "get", "pods")
    space.must(
        "create", "rolebinding", "robot", "--clusterrole=edit", f"--serviceaccount={space.namespace}:robot"
    )
    assert "No resources found" in asked(space, token, "get", "pods")
    assert f"system:serviceaccount:{space.namespace}:robot" in asked(space, token, "auth", "whoami")
    other = space.must("create", "token", "robot", "--audience=vault").strip()
    assert "Unauthorized" in asked(space, other, "get", "pods")
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": other, "audiences": ["vault", "x"]},
    }
    made = json.loads(space.must("create", "-f", "-", "-o", "json", text=json.dumps(review)))
    assert made["status"]["authenticated"] is True
    assert made["status"]["audiences"] == ["vault"]
    assert (
        "may not specify a duration less than 10 minutes"
        in space.run("create", "token", "robot", "--duration=60s").err
    )
    space.must("delete", "serviceaccount", "robot")
    assert "Unauthorized" in asked(space, token, "get", "pods")


def test_a_token_ends_with_the_pod_that_it_is_bound_to(space: Space) -> None:
    space.pod("held", "sleep 60")
    token = space.must(
        "create", "token", "default", "--bound-object-kind=Pod", "--bound-object-name=held"
    ).strip()
    assert "is forbidden" in asked(space, token, "get", "pods")
    space.must("delete", "pod", "held", "--grace-period=0", "--force")
    eventually(lambda: "Unauthorized" in asked(space, token, "get", "pods"), what="the end of the token")


def test_a_pod_may_what_its_account_may(space: Space) -> None:
    space.must("create", "serviceaccount", "reader")
    space.must("create", "role", "pods", "--verb=list", "--resource=pods")
    space.must("create", "rolebinding", "r", "--role=pods", f"--serviceaccount={space.namespace}:reader")
    script = (
        "D=/var/run/secrets/kubernetes.io/serviceaccount; curl -sS --cacert $D/ca.crt "
        '-H "Authorization: Bearer $(cat $D/token)" '
        f"https://kubernetes.default.svc/api/v1/namespaces/{space.namespace}/pods"
    )
    found = json.loads(space.said(script, spec={"serviceAccountName": "reader"}))
    assert found["kind"] == "PodList"


def test_the_audit_log_tells_who_wrote_and_never_what(space: Space) -> None:
    word = f"hush-{secrets.token_hex(8)}"
    space.must("create", "secret", "generic", "quiet", f"--from-literal=word={word}")
    space.run("get", "secret", "quiet", "--as", "mallory")
    paths = space.cluster.options.paths
    text = (paths.logs / "audit.log").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    about = [r for r in rows if (r.get("objectRef") or {}).get("namespace") == space.namespace]
    created = next(r for r in about if r["objectRef"]["resource"] == "secrets" and r["verb"] == "create")
    assert (created["user"]["username"], created["responseStatus"]["code"]) == ("system:admin", 201)
    refused = next(r for r in about if (r.get("impersonatedUser") or {}).get("username") == "mallory")
    assert refused["responseStatus"]["code"] == 403
    assert (paths.logs / "audit.log").stat().st_mode & 0o777 == 0o600
    kept = b"".join(p.read_bytes() for p in paths.data.glob("state.db*"))
    for form in (word.encode(), base64.b64encode(word.encode())):
        assert form not in kept, "a Secret is readable on the disk"
        assert form.decode() not in text
    assert (paths.pki / "secrets.key").stat().st_mode & 0o777 == 0o600
