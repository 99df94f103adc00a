"""The definitions that the product has of its own kinds: valid ones, which clients find."""

from __future__ import annotations

import pytest

from hauberk.apiserver.crd import rules
from hauberk.kinds import BY_ID
from hauberk.kinds.definitions import OWN, definition_of, definitions

ALL = {made["metadata"]["name"]: made for made in definitions()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_definition_follows_the_rules_of_definitions(name: str) -> None:
    kind = BY_ID["CustomResourceDefinition.apiextensions.k8s.io"]
    full = kind.default({**ALL[name], "metadata": dict(ALL[name]["metadata"])})
    assert list(rules.problems(full)) == []
    assert list(kind.validate(kind.parse(full))) == []


@pytest.mark.parametrize(
    "name", ["pods.", "deployments.apps", "routes.route.openshift.io", "pods.metrics.k8s.io", "jobs.batch"]
)
def test_kinds_that_are_no_custom_resources_upstream_have_none(name: str) -> None:
    assert name not in ALL


@pytest.mark.parametrize(
    ("label", "found"),
    [
        (
            "duck.knative.dev/source",
            {"ApiServerSource", "ContainerSource", "KafkaSource", "PingSource", "SinkBinding"},
        ),
        ("messaging.knative.dev/subscribable", {"Channel", "InMemoryChannel", "KafkaChannel"}),
        ("duck.knative.dev/binding", {"SinkBinding"}),
    ],
)
def test_clients_find_sources_and_channels_by_labels(label: str, found: set[str]) -> None:
    rows = [made["spec"]["names"]["kind"] for made in ALL.values() if label in made["metadata"]["labels"]]
    assert set(rows) == found


def test_the_checksum_changes_with_the_definition_and_only_then() -> None:
    kind = BY_ID["Service.serving.knative.dev"]
    one, again = definition_of(kind), definition_of(kind)
    assert one == again
    assert one["metadata"]["labels"][OWN] != ALL["brokers.eventing.knative.dev"]["metadata"]["labels"][OWN]
    assert [v["storage"] for v in ALL["kafkasources.sources.knative.dev"]["spec"]["versions"]] == [
        True,
        False,
    ]
