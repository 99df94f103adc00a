"""StatefulSets and DaemonSets: order, identity, claims, updates, revisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hauberk.base.refs import Json
from hauberk.base.times import rfc3339
from hauberk.kinds.apps import daemonset as daemonset_kind
from hauberk.kinds.apps import statefulset as statefulset_kind
from hauberk.workloads.daemonset import plan as daemons
from hauberk.workloads.revisions import HASH, history
from hauberk.workloads.statefulset.plan import plan
from hauberk.workloads.statefulset.world import World

NOW = 1_767_225_600.0
Raw = dict[str, Any]
CLAIM = {"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}


def stateful(image: str = "a:1", status: Raw | None = None, **spec: Any) -> Raw:
    template = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{"name": "c", "image": image}]},
    }
    body = {"serviceName": "db", "selector": {"matchLabels": {"app": "db"}}, "template": template, **spec}
    meta = {"name": "db", "namespace": "a", "uid": "u"}
    raw: Raw = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": meta,
        "spec": body,
        "status": status or {},
    }
    return statefulset_kind.KIND.default(raw)


def pod(name: str, revision: str, *, ready: bool = True, deleting: bool = False, since: float = 100) -> Raw:
    meta: Raw = {"name": name, "namespace": "a", "uid": name, "labels": {"app": "db", HASH: revision}}
    meta |= {"deletionTimestamp": rfc3339(NOW)} if deleting else {}
    row = {"type": "Ready", "status": str(ready), "lastTransitionTime": rfc3339(NOW - since)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "status": {"phase": "Running", "conditions": [row]},
    }


def revision_of(raw: Raw) -> Json:
    return history(raw, ()).update


def planned(raw: Raw, *pods: Raw, old: Sequence[Json] = ()) -> Any:
    spec = statefulset_kind.KIND.parse(raw).spec
    return plan(World(raw=raw, spec=spec, pods=pods, revisions=old, claims={}), NOW)


NAME = revision_of(stateful())["metadata"]["name"]
NEW = revision_of(stateful("a:2"))["metadata"]["name"]


@pytest.mark.parametrize(
    ("situation", "spec", "pods", "made", "gone"),
    [
        ("the first comes alone", {"replicas": 3}, [], ["db-0"], []),
        ("the second waits for the first", {"replicas": 3}, [pod("db-0", NAME, ready=False)], [], []),
        ("the second comes", {"replicas": 3}, [pod("db-0", NAME)], ["db-1"], []),
        ("ready too short", {"replicas": 2, "minReadySeconds": 10}, [pod("db-0", NAME, since=5)], [], []),
        ("all at once", {"replicas": 3, "podManagementPolicy": "Parallel"}, [], ["db-0", "db-1", "db-2"], []),
        ("numbers from 5", {"replicas": 1, "ordinals": {"start": 5}}, [], ["db-5"], []),
        ("the highest goes first", {"replicas": 0}, [pod("db-0", NAME), pod("db-1", NAME)], [], ["db-1"]),
        (
            "the next waits for it",
            {"replicas": 0},
            [pod("db-0", NAME), pod("db-1", NAME, deleting=True)],
            [],
            [],
        ),
        (
            "all go at once",
            {"replicas": 0, "podManagementPolicy": "Parallel"},
            [pod("db-0", NAME), pod("db-1", NAME)],
            [],
            ["db-1", "db-0"],
        ),
    ],
)  # fmt: skip
def test_order(situation: str, spec: Raw, pods: list[Raw], made: list[str], gone: list[str]) -> None:
    got = planned(stateful(**spec), *pods)
    assert [p["metadata"]["name"] for p in got.create] == made, situation
    assert [ref.name for ref in got.gone] == gone, situation


@pytest.mark.parametrize(
    ("situation", "strategy", "gone"),
    [
        ("from the highest", {"type": "RollingUpdate"}, ["db-1"]),
        ("not below the partition", {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}, []),
        ("by hand only", {"type": "OnDelete"}, []),
    ],
)
def test_updates(situation: str, strategy: Raw, gone: list[str]) -> None:
    raw = stateful(
        "a:2", {"currentRevision": NAME, "currentReplicas": 2}, replicas=2, updateStrategy=strategy
    )
    old = revision_of(stateful())
    got = planned(raw, pod("db-0", NAME), pod("db-1", NAME), old=[old])
    assert [ref.name for ref in got.gone] == gone, situation
    assert (got.status["currentRevision"], got.status["updateRevision"]) == (NAME, NEW)
    assert sorted(r["revision"] for r in got.children) == [1, 2]


def test_an_update_waits_for_the_pod_above() -> None:
    raw = stateful("a:2", {"currentRevision": NAME}, replicas=2)
    got = planned(raw, pod("db-0", NAME), pod("db-1", NEW, ready=False), old=[revision_of(stateful())])
    assert got.gone == ()


def test_below_the_partition_a_lost_pod_comes_back_as_it_was() -> None:
    raw = stateful("a:2", {"currentRevision": NAME}, replicas=2,
                   updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}})  # fmt: skip
    (made,) = planned(raw, old=[revision_of(stateful())]).create
    assert made["spec"]["containers"][0]["image"] == "a:1"
    assert made["metadata"]["labels"][HASH] == NAME


def test_an_earlier_template_gets_a_new_number_and_keeps_its_name() -> None:
    first, second = revision_of(stateful()), {**revision_of(stateful("a:2")), "revision": 2}
    again = history(stateful(), (first, second))
    assert (again.update["metadata"]["name"], again.update["revision"]) == (NAME, 3)


def test_a_pod_has_its_name_its_claim_and_its_place_in_the_dns() -> None:
    got = planned(stateful(replicas=1, volumeClaimTemplates=[CLAIM]))
    (made,) = got.create
    assert made["metadata"]["labels"]["apps.kubernetes.io/pod-index"] == "0"
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("db-0", "db")
    assert made["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}}]
    (claim,) = got.others
    assert (claim["metadata"]["name"], "ownerReferences" in claim["metadata"]) == ("data-db-0", False)


def test_with_the_policy_delete_a_claim_goes_with_its_set() -> None:
    policy = {"whenDeleted": "Delete"}
    (claim,) = planned(
        stateful(replicas=1, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    ).others
    assert [o["kind"] for o in claim["metadata"]["ownerReferences"]] == ["StatefulSet"]


def daemon(**spec: Any) -> Raw:
    template: Raw = {
        "metadata": {"labels": {"app": "db"}},
        "spec": {"containers": [{"name": "c", "image": "a:1"}]},
    }
    template["spec"] |= spec.pop("pod", {})
    body = {"selector": {"matchLabels": {"app": "db"}}, "template": template, **spec}
    meta = {"name": "log", "namespace": "a", "uid": "u", "generation": 1}
    return daemonset_kind.KIND.default(
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": body}
    )


def on_node(raw: Raw, *pods: Raw) -> Any:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"disk": "ssd"}}}
    here = tuple({**p, "spec": {"nodeName": "n"}} for p in pods)
    spec = daemonset_kind.KIND.parse(raw).spec
    return daemons.plan(daemons.World(raw=raw, spec=spec, nodes=(node,), pods=here, revisions=()), NOW)


MARK = history(daemon(), ()).update["metadata"]["labels"][HASH]
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@pytest.mark.parametrize(
    ("situation", "raw", "pods", "made", "gone"),
    [
        ("one pod a node", daemon(), [], 1, []),
        ("a node that does not fit", daemon(pod={"nodeSelector": {"disk": "tape"}}), [], 0, []),
        ("it is there", daemon(), [pod("log-a", MARK)], 0, []),
        ("an old one goes first", daemon(), [pod("log-a", "old")], 0, ["log-a"]),
        ("by hand only", daemon(updateStrategy={"type": "OnDelete"}), [pod("log-a", "old")], 0, []),
        ("with surge the new one comes first", daemon(updateStrategy=SURGE), [pod("log-a", "old")], 1, []),
        (
            "and the old one goes when it is available",
            daemon(updateStrategy=SURGE),
            [pod("log-a", "old"), pod("log-b", MARK)],
            0,
            ["log-a"],
        ),
        ("the next waits for the last to end", daemon(), [pod("log-a", "old", deleting=True)], 0, []),
    ],
)
def test_daemons(situation: str, raw: Raw, pods: list[Raw], made: int, gone: list[str]) -> None:
    got = on_node(raw, *pods)
    assert len(got.create) == made, situation
    assert [ref.name for ref in got.gone] == gone, situation
