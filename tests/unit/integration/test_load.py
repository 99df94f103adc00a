"""hauberk.yaml: what is wrong is told with its line and its fix; nothing that cannot work gets through."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.integration.load import load, parse
from hauberk.integration.model import Integration

HEAD = "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: apps.example.com\n"  # lines 1–3
MEMBERS = "members: [knative-serving, knative-eventing, shop]\n"  # line 4


def problem(text: str) -> Problem:
    with pytest.raises(Problem) as caught:
        parse(text)
    return caught.value


def wrong(more: str) -> Problem:
    return problem(HEAD + MEMBERS + more)


def test_a_minimal_file_has_the_documents_defaults() -> None:
    wanted = parse(HEAD + MEMBERS)
    assert (wanted.profile, wanted.mesh_name, wanted.mesh.namespace) == ("sm2", "basic", "istio-system")
    assert wanted.certificate_hosts == ("*.apps.example.com",)
    assert wanted.projects == ("shop",)


@pytest.mark.parametrize(
    ("profile", "name", "namespace", "local", "policies"),
    [
        ("sm2", "basic", "istio-system", True, True),
        ("sm3", "default", "knative-serving-ingress", False, False),
        ("kubernetes", "default", "istio-system", True, False),
    ],
)
def test_a_profile_has_its_defaults(
    profile: str, name: str, namespace: str, local: bool, policies: bool
) -> None:
    wanted: Integration = parse(f"{HEAD}{MEMBERS}profile: {profile}\n")
    assert (wanted.mesh_name, wanted.gateway_namespace) == (name, namespace)
    assert (wanted.local_mtls, wanted.operator_policies) == (local, policies)


KEYS = [
    ("kafka:\n  enabled: true\n  bootstrapServer: [a:1]\n", 7, "bootstrapServers"),
    ("kafka: {Partitions: 3}\n", 5, "partitions"),
    ("kafka: {bootstrap_servers: [a:1]}\n", 5, "bootstrapServers"),
    ("profil: sm2\n", 5, "profile"),
    ("network-policies: {}\n", 5, "networkPolicies"),
    ("certificate:\n  customDomains:\n    - hots: a.b.c\n", 7, "host"),
    ("tenants:\n  - name: a\n    namespace: [b]\n", 7, "namespaces"),
    ("certificate: {issuer: {nam: a}}\n", 5, "name"),
]


@pytest.mark.parametrize(("more", "line", "meant"), KEYS, ids=lambda v: str(v).split("\n", maxsplit=1)[0])
def test_an_unknown_key_is_told_with_what_was_meant(more: str, line: int, meant: str) -> None:
    found = wrong(more)
    assert found.what.startswith(f"hauberk.yaml:{line}: unknown key")
    assert found.what.endswith(f"did you mean `{meant}`?")
    assert found.fix == f"write `{meant}`"


def test_a_key_that_resembles_nothing_is_to_be_removed() -> None:
    found = wrong("xyzzy: 1\n")
    assert "did you mean" not in found.what
    assert found.fix == "remove `xyzzy`"


TYPES: list[tuple[str, int, str, str]] = [
    ("kafka: {enabled: perhaps}\n", 5, "true or false", "enabled: false"),
    ("kafka:\n  partitions: many\n", 6, "a whole number", "partitions: 10"),
    ("kafka:\n  partitions: 0\n", 6, "a whole number >= 1", "partitions: 10"),
    ("kafka:\n  bootstrapServers: a:9092\n", 6, "a list", "[my-cluster-kafka-bootstrap.kafka:9092]"),
    ("kafka:\n  bootstrapServers:\n    - a:9092\n    - <bootstrap_servers>\n", 8, "such as", "- my-cluster"),
    ("profile: sm4\n", 5, "sm2, sm3", "profile: sm2"),
    ("versions: {serverless: 1.37}\n", 5, "a text", 'serverless: "1.37"'),
    ("mesh: {name: Istio}\n", 5, "such as", "name: "),
    ("mesh: basic\n", 5, "a mapping", "mesh"),
    ("certificate: {key: dsa-1024}\n", 5, "rsa-2048", "key: rsa-2048"),
    ("tenants:\n  - {name: a, namespaces: []}\n", 6, "", "namespaces"),
    ("tenants:\n  - {name: a}\n", 6, "namespaces", "namespaces"),
]


@pytest.mark.parametrize(("more", "line", "wanted", "fix"), TYPES, ids=lambda v: str(v)[:40])
def test_a_wrong_type_is_told_with_a_value_that_would_do(more: str, line: int, wanted: str, fix: str) -> None:
    found = wrong(more)
    assert found.what.startswith(f"hauberk.yaml:{line}: "), found
    assert wanted in found.wanted
    assert fix in found.fix


@pytest.mark.parametrize("missing", ["apiVersion", "kind", "domain", "members"])
def test_what_must_be_there_is_named(missing: str) -> None:
    text = "".join(f"{line}\n" for line in (HEAD + MEMBERS).splitlines() if not line.startswith(missing))
    found = problem(text)
    assert found.what.endswith(f"`{missing}` is missing")
    assert found.fix.startswith(f"{missing}: ")


@pytest.mark.parametrize("members", ["[your-OpenShift-projects]", "[<namespace>]", "[a b]", "[-a]"])
def test_a_placeholder_is_no_name(members: str) -> None:
    assert problem(f"{HEAD}members: {members}\n").what.startswith("hauberk.yaml:4: `members[0]` cannot be")


COMBINATIONS: list[tuple[str, int, str, str]] = [
    ("kafka:\n  enabled: true\n", 5, "Kafka is enabled without servers", "bootstrapServers"),
    ("kafka: {enabled: true, bootstrapServers: [a:99999]}\n", 5, "impossible port", "a:9092"),
    (
        "eventing: {enabled: false}\nkafka: {enabled: true, bootstrapServers: [a:1]}\n",
        6,
        "without Eventing",
        "eventing",
    ),
    (
        "kafka: {enabled: true, bootstrapServers: [a:1], broker: false, channel: false, source: false,"
        " sink: false}\n",
        5,
        "none of its parts",
        "enabled: false",
    ),
    ("certificate:\n  hosts: ['*.example.com']\n", 6, "does not cover the domain", "*.apps.example.com"),
    ("certificate: {hosts: [apps.example.com]}\n", 5, "does not cover the domain", "*.apps.example.com"),
    ("certificate:\n  source: ca\n  caKey: k\n", 6, "needs `caCertificate`", "caCertificate: ca.crt"),
    ("certificate:\n  caKey: k\n", 6, "no effect", "source: ca"),
    ("certificate: {source: cert-manager}\n", 5, "needs an issuer", "issuer"),
    ("certificate: {issuer: {name: a}}\n", 5, "no effect", "source: cert-manager"),
    (
        "certificate:\n  customDomains:\n    - {host: a.b.c, namespace: elsewhere, service: s}\n",
        7,
        "not a member",
        "add `elsewhere`",
    ),
    ("gateways: {ingress: one, local: one}\n", 5, "both Gateways have one name", "local"),
    ("profile: kubernetes\ngateways:\n  ingress: mine\n", 7, "brings the Gateway", "remove `ingress`"),
    ("networkPolicies:\n  mesh: false\n", 6, "events would not arrive", "serverless: false"),
    ("profile: sm3\nnetworkPolicies: {mesh: false}\n", 6, "makes no NetworkPolicies", "remove `mesh`"),
    ("tenants:\n  - {name: a, namespaces: [elsewhere]}\n", 6, "not a member", "add `elsewhere`"),
    (
        "tenants:\n  - {name: a, namespaces: [shop]}\n  - {name: b, namespaces: [shop]}\n",
        7,
        "belongs to two tenants",
        "remove it from b",
    ),
    ("profile: sm3\nversions:\n  serverless: '1.36'\n", 7, "too old", '"1.37"'),
    ("versions: {serverless: '1.30'}\n", 5, "too old", '"1.31"'),
    ("versions: {serviceMesh: '3.0'}\n", 5, "does not go with the profile `sm2`", '"2.2"'),
    ("versions: {serviceMesh: '2.1'}\n", 5, "does not go with the profile `sm2`", '"2.2"'),
    ("profile: sm3\nversions: {serviceMesh: '2.6'}\n", 6, "does not go with the profile `sm3`", '"3.0"'),
    ("profile: kubernetes\nversions: {serviceMesh: '3.0'}\n", 6, "has no OpenShift", "remove"),
    ("profile: kubernetes\nmesh: {namespace: mesh}\n", 6, "a Service of its own", "namespace: istio-system"),
    ("mesh: {namespace: shop}\n", 4, "`shop` cannot be a member", "remove `shop`"),
]


@pytest.mark.parametrize(("more", "line", "what", "fix"), COMBINATIONS, ids=lambda v: str(v)[:50])
def test_what_cannot_go_together_is_refused(more: str, line: int, what: str, fix: str) -> None:
    found = wrong(more)
    assert found.what.startswith(f"hauberk.yaml:{line}: "), found
    assert what in found.what
    assert fix in found.fix


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("members: [shop]\n", "the members lack `knative-serving` and `knative-eventing`"),
        ("members: [knative-serving]\n", "the members lack `knative-eventing`"),
        ("members: []\nserving: {enabled: false}\n", "the members lack `knative-eventing`"),
        (
            "members: []\nserving: {enabled: false}\neventing: {enabled: false}\n",
            "neither Serving nor Eventing",
        ),
        ("members: [knative-serving, knative-eventing, a, a]\n", "`a` stands there twice"),
    ],
)
def test_members_are_complete_and_each_once(text: str, lacks: str) -> None:
    assert lacks in problem(HEAD + text).what


def test_several_findings_are_told_at_once_in_the_order_of_lines() -> None:
    found = problem(f"{HEAD}members: [a]\nmesh: {{namespace: a}}\nkafka:\n  enabled: true\n")
    assert [row.split(": ")[0] for row in found.what.splitlines()] == [
        "hauberk.yaml:4",
        "hauberk.yaml:4",
        "hauberk.yaml:6",
    ]
    assert found.fix.splitlines()[2].strip().startswith("line 6: bootstrapServers")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "not an Integration"),
        ("- a\n", 1, "not an Integration"),
        ("hello\n", 1, "not an Integration"),
        ("a: [\n", 2, "not YAML"),
        ("a:\n\t- b\n", 2, "not YAML"),
        (HEAD + MEMBERS + MEMBERS, 5, "the key `members` stands there twice"),
        (HEAD + MEMBERS + "---\n" + HEAD, 5, "not YAML"),
        ("!!python/object/apply:os.system [a]\n", 1, "not YAML"),
    ],
)
def test_what_is_no_such_file_at_all_is_told(text: str, line: int, what: str) -> None:
    found = problem(text)
    assert found.what.startswith(f"hauberk.yaml:{line}: ")
    assert what in found.what


def test_a_file_that_is_not_there_is_told_with_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        load(tmp_path / "hauberk.yaml")
    assert "hauberk init" in caught.value.fix


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "hauberk.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(Problem, match="cannot be read"):
        load(path)


@pytest.mark.parametrize("value", [None, 1, [], {}, "x", True, [[]], {"a": {}}])
@pytest.mark.parametrize("key", ["kafka", "members", "certificate", "tenants", "domain", "versions"])
def test_any_value_is_taken_or_a_problem(key: str, value: Any) -> None:
    lines = [line for line in (HEAD + MEMBERS).splitlines() if not line.startswith(key)]
    shown = repr(value).replace("None", "null").replace("True", "true")
    with suppress(Problem):
        parse("\n".join([*lines, f"{key}: {shown}"]))
