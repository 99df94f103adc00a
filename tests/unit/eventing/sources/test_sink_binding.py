"""Whom a SinkBinding tells, what, and what it takes back."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.base.refs import Json, Ref
from hauberk.eventing.sources.sinkbinding.admission import admit
from hauberk.eventing.sources.sinkbinding.inject import bound, environment, is_selected
from hauberk.eventing.sources.sinkbinding.plan import World, finalize, plan
from hauberk.eventing.sources.sinkbinding.subjects import subjects_of
from hauberk.kinds.eventing.addressable import Address, Unresolved
from hauberk.kinds.testing import a
from hauberk.ports_admission import Request
from hauberk.testing.memory_api import MemoryApi

SINK = Address("http://s.default.svc.cluster.local")
SERVICE = a("Service", "s")
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}


def binding(**spec: Any) -> Json:
    base = a("SinkBinding.sources.knative.dev", "sb", metadata={"uid": "u", "generation": 1})
    return {**base, "spec": {**base["spec"], **spec}}


def workload(name: str = "d", env: list[Json] | None = None, **labels: str) -> dict[str, Any]:
    container = {"name": "c", "image": "hauberk.local/curl", **({"env": env} if env is not None else {})}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    return a("Deployment.apps", name, metadata={"labels": labels}, spec=spec)


def env_of(lists: Any) -> dict[str, str]:
    return {e["name"]: e["value"] for e in lists["containers"][0].get("env", [])}


def world(*subjects: Json, **parts: Any) -> World:
    said: dict[str, Any] = {
        "binding": binding(),
        "sink": SINK,
        "missing": "",
        "namespace": {
            **NAMESPACE,
            "metadata": {"name": "default", "labels": {"bindings.knative.dev/include": "x"}},
        },
        "features": {},
    }
    return World(subjects=subjects, **{**said, **parts})


def test_containers_get_the_sink_and_the_overrides_and_keep_their_own_variables() -> None:
    said = binding(ceOverrides={"extensions": {"a": "b"}})
    lists = bound(workload(env=[{"name": "MINE", "value": "1"}]), environment(said, Address(SINK.url, "PEM")))
    assert env_of(lists) == {
        "MINE": "1",
        "K_SINK": SINK.url,
        "K_CA_CERTS": "PEM",
        "K_CE_OVERRIDES": '{"extensions":{"a":"b"}}',
    }


def test_what_is_bound_already_is_not_written_again() -> None:
    env: list[Json] = [{"name": "K_CE_OVERRIDES"}, {"name": "K_SINK", "value": SINK.url}]
    assert bound(workload(env=env), environment(binding(), SINK)) is None
    assert plan(world(workload(env=env)), 0.0).patches == ()


def test_older_subjects_are_patched_and_a_deleted_binding_takes_it_back() -> None:
    ((ref, patch),) = plan(world(workload()), 0.0).patches
    assert ref == Ref("Deployment.apps", "default", "d")
    assert env_of(patch["spec"]["template"]["spec"])["K_SINK"] == SINK.url
    env: list[Json] = [{"name": "K_SINK", "value": "x"}, {"name": "MINE", "value": "1"}]
    ((_, patch),) = finalize(world(workload(env=env)), 0.0).patches
    assert env_of(patch["spec"]["template"]["spec"]) == {"MINE": "1"}


def test_a_namespace_is_labelled_once_and_an_admins_label_stays() -> None:
    found = plan(world(namespace=NAMESPACE), 0.0).patches
    assert found == (
        (Ref("Namespace", "", "default"), {"metadata": {"labels": {"bindings.knative.dev/include": "true"}}}),
    )
    meta = {"name": "default", "labels": {"bindings.knative.dev/exclude": "true"}}
    assert plan(world(workload(), namespace={**NAMESPACE, "metadata": meta}), 0.0).patches == ()


def test_jobs_that_exist_are_left_alone() -> None:
    job = a("Job.batch", "j", spec={"template": {"spec": {"containers": [{"name": "c", "image": "x"}]}}})
    assert plan(world(job), 0.0).patches == ()


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({"missing": 'deployments.apps "d" not found'}, "Available"),
        ({"sink": Unresolved("no such broker")}, "SinkProvided"),
    ],
)
def test_a_binding_says_what_is_missing(parts: dict[str, Any], wrong: str) -> None:
    found = plan(world(**parts), 0.0)
    assert found.status is not None
    states = {c["type"]: c["status"] for c in found.status["conditions"]}
    assert states[wrong] == states["Ready"] == "False"


def test_subjects_are_found_by_name_or_by_labels() -> None:
    api = MemoryApi()
    for obj in (workload("d", tier="x"), workload("e", tier="y")):
        api.seed(obj)
    kind = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default"}
    found, _ = subjects_of(
        binding(subject={**kind, "selector": {"matchLabels": {"tier": "y"}}}), api.snapshot()
    )
    assert [o["metadata"]["name"] for o in found] == ["e"]
    assert subjects_of(binding(subject={**kind, "name": "z"}), api.snapshot()) == (
        (),
        'deployments.apps "z" not found',
    )


@pytest.mark.parametrize(
    ("mode", "namespace", "obj", "selected"),
    [
        ("exclusion", {}, {}, True),
        ("exclusion", {"bindings.knative.dev/exclude": "true"}, {}, False),
        ("exclusion", {}, {"bindings.knative.dev/exclude": "true"}, False),
        ("inclusion", {}, {}, False),
        ("inclusion", {"bindings.knative.dev/include": "true"}, {}, False),
        (
            "inclusion",
            {"bindings.knative.dev/include": "true"},
            {"bindings.knative.dev/include": "true"},
            True,
        ),
    ],
)
def test_labels_choose_what_bindings_may_touch(
    mode: str, namespace: dict[str, str], obj: dict[str, str], selected: bool
) -> None:
    place = {**NAMESPACE, "metadata": {"name": "default", "labels": namespace}}
    assert is_selected(mode, place, workload(**obj)) is selected


def admitted(api: MemoryApi, obj: Json) -> Json | None:
    request = Request(
        kind="Deployment.apps", operation="CREATE", obj=obj, old=None, namespace="default",
        subresource="", user="u", snapshot=api.snapshot(), options={},
    )  # fmt: skip
    return admit(request).obj


def test_a_new_subject_is_bound_before_it_is_stored_unless_the_binding_is_being_deleted() -> None:
    api = MemoryApi()
    api.seed(SERVICE)
    api.seed(NAMESPACE)
    said = binding()
    api.seed(said)
    found = admitted(api, workload())
    assert found is not None
    assert env_of(found["spec"]["template"]["spec"])["K_SINK"] == SINK.url
    assert admitted(api, workload("other")) is None
    gone = MemoryApi()
    gone.seed(SERVICE)
    gone.seed({**said, "metadata": {**said["metadata"], "deletionTimestamp": "2026-11-24T00:00:00Z"}})
    assert admitted(gone, workload()) is None


def test_admission_asks_knative_eventing_for_the_selection_mode() -> None:
    api = MemoryApi()
    for obj in (SERVICE, NAMESPACE, binding()):
        api.seed(obj)
    eventing = a("KnativeEventing.operator.knative.dev", "knative-eventing", "knative-eventing")
    api.seed({**eventing, "spec": {"sinkBindingSelectionMode": "inclusion"}})
    assert admitted(api, workload()) is None
