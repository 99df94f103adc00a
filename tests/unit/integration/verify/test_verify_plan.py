"""What a run creates and sends, from the Integration; what it refuses; how it is printed."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import msgspec
import pytest

from hauberk.base.problems import Problem
from hauberk.integration.model import Integration
from hauberk.integration.verify import PROBES, Row, Wish, plan_of, report
from hauberk.integration.verify.make import (
    END,
    make_broker,
    make_client,
    make_display,
    make_service,
    make_trigger,
)
from hauberk.integration.verify.model import BY_ID, LABEL, Plan, Verdict
from hauberk.integration.verify.surroundings import with_images

WISH = Wish(image="hello", client_image="curl", event_image="display")


def integration(**more: Any) -> Integration:
    members = ["knative-serving", "knative-eventing", "shop", "bank"]
    base = {"apiVersion": "hauberk/v1alpha1", "kind": "Integration", "domain": "apps.example.com"}
    return msgspec.convert({**base, "members": members, **more}, Integration)


def plan(wish: Wish = WISH, **more: Any) -> Plan:
    return plan_of(integration(**more), wish, "abc")


def test_the_first_project_gets_the_service_and_both_hosts_follow() -> None:
    made = plan()
    assert (made.namespace, made.host) == ("shop", "hauberk-verify-abc-shop.apps.example.com")
    assert made.local_host == "hauberk-verify-abc.shop.svc.cluster.local"


TENANTS = [{"name": "a", "namespaces": ["shop"]}, {"name": "b", "namespaces": ["bank"]}]


@pytest.mark.parametrize(
    ("tenants", "namespace", "why"),
    [
        (TENANTS, "bank", ""),
        (TENANTS[:1], "", "a is the only tenant"),
        (TENANTS[1:], "", "shop is of no tenant"),
        ([], "", "hauberk.yaml has no tenants"),
    ],
)
def test_another_tenant_is_one_with_another_name(tenants: list[Any], namespace: str, why: str) -> None:
    made = plan(tenants=tenants)
    assert made.tenant_namespace == namespace
    assert made.why_no_tenant.startswith(why)


@pytest.mark.parametrize(
    ("more", "events", "kafka"),
    [
        ({}, "", "kafka.enabled is false"),
        ({"kafka": {"enabled": True, "bootstrapServers": ["k:9092"]}}, "", ""),
        ({"eventing": {"enabled": False}}, "eventing.enabled is false", "eventing.enabled is false"),
    ],
)
def test_events_are_probed_where_they_are_on(more: dict[str, Any], events: str, kafka: str) -> None:
    assert (plan(**more).events, plan(**more).kafka) == (events, kafka)


@pytest.mark.parametrize(
    ("wish", "more", "what"),
    [
        (Wish(image="a", client_image="b", only=("insde",)), {}, "there is no probe `insde`"),
        (Wish(image="a", client_image="b", namespace="knative-serving"), {}, "needs a member namespace"),
        (WISH, {"members": ["knative-serving", "knative-eventing"]}, "needs a member namespace"),
        (WISH, {"serving": {"enabled": False}}, "nothing to verify without Knative Serving"),
    ],
)
def test_what_cannot_be_verified_is_refused_with_a_fix(wish: Wish, more: dict[str, Any], what: str) -> None:
    with pytest.raises(Problem) as told:
        plan(wish, **more)
    assert what in told.value.what
    assert told.value.fix


def test_images_are_named_by_the_person_except_on_an_embedded_cluster() -> None:
    empty = Wish(image="", client_image="")
    assert with_images(empty, embedded=True).client_image == "hauberk.local/curl"
    assert with_images(WISH, embedded=True).image == "hello"
    with pytest.raises(Problem, match="not named"):
        with_images(empty, embedded=False)


def test_everything_that_a_run_creates_carries_its_mark_and_its_name() -> None:
    made = plan()
    client = make_client(made, "inside", "shop", [("inside", ("http://x",))], in_mesh=True)
    brokers = [make_broker(made, "Kafka"), make_broker(made, "MTChannelBasedBroker")]
    for obj in (make_service(made), make_display(made), client, *brokers, make_trigger(made, "b")):
        assert obj["metadata"]["labels"][LABEL] == "abc"
        assert obj["metadata"]["namespace"] == "shop"
    template = make_service(made)["spec"]["template"]
    assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "true"
    assert template != make_service(made, "second")["spec"]["template"]


def test_only_clients_in_the_mesh_try_again_and_all_say_when_they_are_done() -> None:
    inside = make_client(plan(), "inside", "shop", [("x", ("http://x",))], in_mesh=True)
    outside = make_client(plan(), "outside", "shop", [("x", ("http://x",))], in_mesh=False)
    scripts = [pod["spec"]["containers"][0]["command"][2] for pod in (inside, outside)]
    assert ["--retry" in script for script in scripts] == [True, False]
    assert all(END in script for script in scripts)
    assert outside["metadata"]["labels"]["sidecar.istio.io/inject"] == "false"


ROWS = (
    Row(probe=BY_ID["inside"], verdict=Verdict("pass", "200"), took_s=1.234),
    Row(probe=BY_ID["outside"], verdict=Verdict("fail", 'answered with 200 & "more"')),
    Row(probe=BY_ID["kafka"], verdict=Verdict("skip", "kafka.enabled is false")),
)


def test_each_row_is_told_and_what_fails_says_where_to_look() -> None:
    text = report.as_text(ROWS)
    assert "see:    the Gateway knative-local-gateway" in text
    assert text.splitlines()[-1] == "1 do not hold, 1 hold, 1 skipped"


def test_json_is_one_document() -> None:
    found = json.loads(report.as_json(ROWS))
    assert found["holds"] is False
    assert [row["outcome"] for row in found["rows"]] == ["pass", "fail", "skip"]


def test_junit_is_well_formed_and_counts() -> None:
    suite = ET.fromstring(report.as_junit(ROWS))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert suite[1][0].get("message") == 'answered with 200 & "more"'


def test_every_probe_has_an_id_of_its_own() -> None:
    assert len(BY_ID) == len(PROBES)
