"""Each command of day 2: what it makes of the file, and that the file is an Integration afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.integration.day2 import changes
from hauberk.integration.day2.bundle import is_wanted
from hauberk.integration.day2.clean import clean
from hauberk.integration.day2.edit import Edit, edited
from hauberk.integration.day2.secrets import chosen, rows_of
from hauberk.integration.load import parse
from hauberk.integration.model import Integration
from hauberk.kubeclient.discovery import Resource

FILE = """\
apiVersion: hauberk/v1alpha1
kind: Integration
domain: apps.example.com  # ours
members: [knative-serving, knative-eventing, shop, bank]
"""


def after(edits: Sequence[Edit], text: str = FILE) -> Integration:
    return parse(edited(text, *edits))


def test_metrics_and_the_filter_are_switched() -> None:
    assert after(changes.metrics(True)).metrics.enabled
    assert not after(changes.secret_filtering(False)).secret_filtering


def test_network_policies_are_switched_together_where_one_needs_the_other() -> None:
    off = edited(FILE, *changes.network_policies(parse(FILE), enabled=False, mesh=True))
    assert (parse(off).operator_policies, parse(off).network_policies.mesh) == (False, False)
    on = after(changes.network_policies(parse(off), enabled=True, mesh=False), off)
    assert (on.operator_policies, on.network_policies.mesh) == (True, True)


def test_tenants_come_grow_and_go() -> None:
    one = edited(FILE, *changes.tenant_added(parse(FILE), "a", ["shop"]))
    more = edited(one, *changes.tenant_added(parse(one), "a", ["shop", "bank"]))
    assert parse(more).tenants[0].namespaces == ("shop", "bank")
    assert after(changes.tenant_removed(parse(more), "a"), more).tenants == ()
    assert "# ours" in more


def test_a_tenant_outside_the_mesh_is_refused_with_its_line() -> None:
    with pytest.raises(Problem, match=r"hauberk.yaml:.*`else` is not a member"):
        after(changes.tenant_added(parse(FILE), "a", ["else"]))


def test_a_tenant_that_is_not_there_is_refused_with_its_neighbour() -> None:
    one = edited(FILE, *changes.tenant_added(parse(FILE), "alpha", ["shop"]))
    with pytest.raises(Problem) as told:
        changes.tenant_removed(parse(one), "alhpa")
    assert told.value.fix == "hauberk tenant remove alpha"


def secret(namespace: str, name: str, **labels: str) -> dict[str, Any]:
    meta = {"namespace": namespace, "name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls"}


UID = "networking.internal.knative.dev/certificate-uid"


def test_needed_secrets_are_told_from_others_and_missing_ones_are_rows() -> None:
    rows = rows_of(parse(FILE), [secret("shop", "own"), {**secret("shop", "x"), "type": "Opaque"}])
    found = {(r.namespace, r.name): (r.there, r.labelled, r.needed_for) for r in rows}
    assert found == {
        ("istio-system", "wildcard-certs"): (False, False, "*.apps.example.com"),
        ("shop", "own"): (True, False, ""),
    }


def test_without_names_those_are_labelled_that_are_needed_and_lack_it() -> None:
    wild = secret("istio-system", "wildcard-certs")
    rows = rows_of(parse(FILE), [wild, secret("shop", "own")])
    assert chosen(rows, []) == (Ref("Secret", "istio-system", "wildcard-certs"),)
    assert chosen(rows, ["shop/own"]) == (Ref("Secret", "shop", "own"),)
    labelled = secret("istio-system", "wildcard-certs", **{UID: "x"})
    assert chosen(rows_of(parse(FILE), [labelled]), []) == ()
    with pytest.raises(Problem, match="no TLS Secret `shop/none`"):
        chosen(rows, ["shop/none"])


WORD = "hunter2hunter2"
KEY = f"-----BEGIN PRIVATE KEY-----\n{WORD}\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "obj",
    [
        {"apiVersion": "v1", "kind": "Secret", "data": {"k": WORD}, "stringData": {"k": WORD}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a.pem": KEY}},
        {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a.conf": f"password={WORD}"}},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": {"containers": [{"env": [{"name": "DB_PASSWORD", "value": WORD}]}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": WORD})},
        },
    ],
    ids=lambda obj: obj["kind"],
)
def test_no_secret_leaves_the_cluster(obj: dict[str, Any]) -> None:
    meta = {"name": "x", "annotations": obj.pop("annotations", {}), "managedFields": [{"v": WORD}]}
    shown = clean({**obj, "metadata": meta})
    assert WORD not in json.dumps(shown)
    assert shown["metadata"]["name"] == "x"


def test_names_of_a_secrets_keys_and_plain_settings_stay() -> None:
    meta = {"name": "x"}
    shown = clean({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"tls.crt": WORD}})
    assert list(shown["data"]) == ["tls.crt"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "env": [{"name": "PORT", "value": "80"}]}
    assert clean(pod)["env"] == [{"name": "PORT", "value": "80"}]


@pytest.mark.parametrize(
    ("group", "kind", "wanted"),
    [
        ("", "Pod", True),
        ("", "Node", False),
        ("serving.knative.dev", "Service.serving.knative.dev", True),
        ("networking.istio.io", "Gateway.networking.istio.io", True),
        ("maistra.io", "ServiceMeshMemberRoll.maistra.io", True),
        ("example.com", "Thing.example.com", False),
        ("notmaistra.io", "Thing.notmaistra.io", False),
    ],
)
def test_only_kinds_of_the_integration_are_collected(group: str, kind: str, wanted: bool) -> None:
    row = Resource(
        kind=kind, group=group, version="v1", plural="x", namespaced=True, verbs=frozenset({"list"})
    )
    assert is_wanted(row) is wanted
