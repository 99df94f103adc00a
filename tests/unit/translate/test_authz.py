"""AuthorizationPolicies as RBAC: the conditions that Envoy is given."""

from __future__ import annotations

from typing import Any

from google.protobuf.json_format import MessageToDict

from hauberk.base.refs import Ref
from hauberk.kinds.istio_security.authorization_policy import KIND
from hauberk.mesh.model import Policy
from hauberk.mesh.policies import policy_of
from hauberk.xds.translate.authz import http_filters, network_filters


def policy(action: str = "ALLOW", *rules: dict[str, Any]) -> Policy:
    raw = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"action": action, "rules": list(rules)},
    }
    return policy_of(raw, KIND.parse(raw))


def only(found: list[tuple[str, Any]]) -> dict[str, Any]:
    ((_, config),) = found
    (row,) = MessageToDict(config.rules, preserving_proto_field_name=True)["policies"].values()
    return dict(row)


def test_the_record_names_its_policy() -> None:
    assert policy().ref == Ref("AuthorizationPolicy.security.istio.io", "n", "p")


def test_deny_is_decided_before_allow() -> None:
    to = {"to": [{"operation": {"ports": ["80"]}}]}
    found = http_filters([policy("ALLOW", to), policy("DENY", to)])
    assert [MessageToDict(c.rules).get("action", "ALLOW") for _, c in found] == ["DENY", "ALLOW"]


def test_an_allow_policy_without_rules_allows_nobody() -> None:
    ((_, config),) = http_filters([policy("ALLOW")])
    assert config.HasField("rules")
    assert not config.rules.policies


def test_principals_are_spiffe_ids_and_namespaces_a_part_of_them() -> None:
    source = {"principals": ["cluster.local/ns/a/sa/b"], "notNamespaces": ["x"]}
    row = only(http_filters([policy("ALLOW", {"from": [{"source": source}]})]))
    ids = row["principals"][0]["and_ids"]["ids"]
    assert ids[0]["authenticated"]["principal_name"] == {"exact": "spiffe://cluster.local/ns/a/sa/b"}
    assert "/ns/x/" in str(ids[1]["not_id"])
    assert row["permissions"] == [{"any": True}]


def test_a_rule_needs_all_of_its_sides() -> None:
    rule = {
        "to": [{"operation": {"paths": ["/a/*"], "methods": ["GET"]}}],
        "when": [{"key": "request.headers[x-t]", "values": ["*"]}],
    }
    row = only(http_filters([policy("ALLOW", rule)]))
    rules = row["permissions"][0]["and_rules"]["rules"]
    assert {"header"} == set(rules[1])
    inner = rules[0]["and_rules"]["rules"]
    assert inner[1]["url_path"] == {"path": {"prefix": "/a/"}}


def test_without_tokens_nobody_has_a_request_principal() -> None:
    row = only(http_filters([policy("ALLOW", {"from": [{"source": {"requestPrincipals": ["*"]}}]})]))
    assert row["principals"] == [{"not_id": {"any": True}}]


def test_a_bare_connection_is_not_allowed_by_a_rule_about_requests() -> None:
    rule = {"to": [{"operation": {"paths": ["/a"]}}]}
    (allow,) = network_filters([policy("ALLOW", rule)])
    assert b"n" not in allow.typed_config.value or b"policy[p]" not in allow.typed_config.value
    (deny,) = network_filters([policy("DENY", rule)])
    assert b"policy[p]" in deny.typed_config.value
