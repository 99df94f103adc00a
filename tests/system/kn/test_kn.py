"""A developer's day with `kn`: its own words about what it did prove that it understood the answers."""

from __future__ import annotations

import json
from typing import Any

from hauberk.testing.cluster import eventually

LABEL = ("--label-service", "by=kn")


def test_create_tells_each_step_and_ends_with_the_url(kn: Any) -> None:
    said = kn.create("kn-hello", *LABEL, "--env", "TARGET=kn")
    assert "Ready to serve." in said
    assert "Service 'kn-hello' created to latest revision 'kn-hello-00001' is available at URL" in said
    assert "https://kn-hello-default.apps.openshift.example.com" in said
    again = kn.run("service", "create", "kn-hello", "--image", "hauberk.local/helloworld")
    assert again.code == 1
    assert "already exists" in again.err


def test_update_splits_traffic_and_describe_shows_it(kn: Any) -> None:
    kn.create("kn-split", *LABEL, "--env", "TARGET=one")
    kn.must("service", "update", "kn-split", "--env", "TARGET=two", "--tag", "kn-split-00001=one")
    said = kn.must("service", "update", "kn-split", "--traffic", "one=30", "--traffic", "@latest=70")
    assert "Ready to serve." in said
    shown = kn.must("service", "describe", "kn-split")
    assert "70%  @latest (kn-split-00002)" in shown
    assert "30%  kn-split-00001 #one" in shown
    assert "++ Ready" in shown
    route = kn.must("route", "describe", "kn-split")
    assert "https://one-kn-split-default.apps.openshift.example.com" in route
    rows = kn.must("revision", "list", "-s", "kn-split").splitlines()
    assert [row.split()[:3] for row in rows[1:]] == [
        ["kn-split-00002", "kn-split", "70%"],
        ["kn-split-00001", "kn-split", "30%"],
    ]


def test_a_revision_that_carries_traffic_is_missed_by_name(kn: Any) -> None:
    kn.create("kn-gone", *LABEL)
    kn.must("service", "update", "kn-gone", "--env", "A=1", "--tag", "kn-gone-00001=old")
    assert "deleted" in kn.must("revision", "delete", "kn-gone-00001")
    failed = kn.run("service", "update", "kn-gone", "--env", "A=2")
    assert failed.code == 1
    assert 'RevisionMissing: Revision "kn-gone-00001" referenced in traffic not found.' in failed.err
    kn.must("service", "update", "kn-gone", "--untag", "old")


def test_lists_as_a_table_and_as_data(kn: Any) -> None:
    kn.create("kn-list", *LABEL)
    head, *rows = kn.must("service", "list", "kn-list").splitlines()
    assert head.split() == ["NAME", "URL", "LATEST", "AGE", "CONDITIONS", "READY", "REASON"]
    (row,) = rows
    assert row.split()[-4:] == ["OK", "/", "3", "True"]
    data = json.loads(kn.must("service", "list", "-o", "json"))
    assert "kn-list" in [item["metadata"]["name"] for item in data["items"]]
    assert "kn-list" in kn.must("route", "list")


def test_apply_export_and_delete(kn: Any) -> None:
    kn.must("service", "apply", "kn-apply", "--image", "hauberk.local/helloworld", *LABEL)
    told = kn.must("service", "apply", "kn-apply", "--image", "hauberk.local/helloworld", *LABEL)
    assert "No changes to apply to service 'kn-apply'" in told
    exported = json.loads(kn.must("service", "export", "kn-apply", "-o", "json"))
    template = exported["spec"]["service"]["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "hauberk.local/helloworld"
    assert "successfully deleted" in kn.must("service", "delete", "kn-apply", "--wait")
    missing = kn.run("service", "describe", "kn-apply")
    assert missing.code == 1
    assert 'services.serving.knative.dev "kn-apply" not found' in missing.err


def test_a_service_that_cannot_start_says_why(kn: Any) -> None:
    failed = kn.run("service", "create", "kn-bad", "--image", "nowhere.example/none", *LABEL, timeout_s=90)
    assert failed.code == 1
    assert 'RevisionFailed: Revision "kn-bad-00001" failed with message' in failed.err
    assert "hauberk image add" in failed.err


def test_domains_lead_to_a_service_and_are_claimed(kn: Any) -> None:
    kn.create("kn-domain", *LABEL)
    try:
        assert "created" in kn.must("domain", "create", "kn.example.net", "--ref", "kn-domain")
        ready = lambda: "++ Ready" in kn.must("domain", "describe", "kn.example.net")  # noqa: E731
        eventually(ready, what="the domain is Ready")
        (_, row) = kn.must("domain", "list").splitlines()
        assert row.split() == ["kn.example.net", "https://kn.example.net", "True", "kn-domain"]
    finally:
        kn.run("domain", "delete", "kn.example.net")


def test_source_and_channel_types_are_found_by_their_definitions(kn: Any) -> None:
    sources = kn.must("source", "list-types")
    assert {row.split()[0] for row in sources.splitlines()[1:]} >= {
        "PingSource",
        "ApiServerSource",
        "SinkBinding",
    }
    assert "InMemoryChannel" in kn.must("channel", "list-types")
    crds = kn.cluster.must("get", "crd", "-o", "name")
    assert "customresourcedefinition.apiextensions.k8s.io/gateways.networking.istio.io" in crds.split()
