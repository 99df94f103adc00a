"""The client against the embedded API server over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hauberk.base.apierrors import AlreadyExists, Conflict, Forbidden, Invalid, NotFound, Unauthorized
from hauberk.base.refs import Ref, ref_of
from hauberk.kinds.testing import a
from hauberk.kubeclient import Kube, Target, connect
from hauberk.kubeclient.discovery import UnknownKind
from hauberk.kubeclient.faults import Unreachable
from hauberk.testing.storing import Storing, storing

pytestmark = pytest.mark.wire
CM = Ref("ConfigMap", "default", "c")


def configmap(**data: str) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "c", "namespace": "default"},
        "data": data,
    }


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Storing]:
    async with storing(tmp_path) as found:
        await found.api.create(a("Namespace", "default"))
        yield found


@pytest.fixture
async def kube(server: Storing) -> AsyncIterator[Kube]:
    async with connect(Target(kubeconfig=server.kubeconfig())) as found:
        yield found


async def test_discovery_names_kinds_as_everywhere(kube: Kube):
    gateway = await kube.resource("Gateway.networking.istio.io")
    assert (gateway.plural, gateway.namespaced) == ("gateways", True)
    assert {"patch", "delete", "list"} <= gateway.verbs
    assert await kube.knows("Namespace")


async def test_a_kind_that_is_not_served_is_a_problem_with_its_operator(kube: Kube):
    with pytest.raises(UnknownKind, match="does not know Kiali"):
        await kube.get(Ref("Kiali.kiali.io", "x", "y"))
    assert await kube.find(Ref("Kiali.kiali.io", "x", "y")) is None


async def test_apply_creates_changes_and_takes_fields_away(kube: Kube):
    await kube.apply(configmap(a="1", b="2"))
    await kube.apply(configmap(a="3"))
    assert (await kube.get(CM))["data"] == {"a": "3"}
    assert {m["manager"] for m in (await kube.get(CM))["metadata"]["managedFields"]} == {"hauberk"}


async def test_a_dry_run_answers_and_stores_nothing(kube: Kube):
    answer = await kube.apply(configmap(a="1"), dry_run=True)
    assert answer["data"] == {"a": "1"}
    assert await kube.find(CM) is None


async def test_what_another_manager_owns_is_a_conflict_until_forced(server: Storing, kube: Kube):
    async with connect(Target(kubeconfig=server.kubeconfig()), manager="other") as other:
        await other.apply(configmap(a="theirs"))
    with pytest.raises(Conflict) as refused:
        await kube.apply(configmap(a="ours"))
    assert refused.value.causes[0].path == ".data.a"
    await kube.apply(configmap(a="ours"), force=True)
    assert (await kube.get(CM))["data"] == {"a": "ours"}


async def test_errors_are_those_of_the_api(kube: Kube):
    with pytest.raises(NotFound):
        await kube.get(CM)
    await kube.create(configmap(a="1"))
    with pytest.raises(AlreadyExists):
        await kube.create(configmap(a="1"))
    with pytest.raises(Invalid):
        await kube.apply({**configmap(), "metadata": {"name": "Not A Name", "namespace": "default"}})


async def test_deleting_twice_is_deleting_once(kube: Kube):
    await kube.create(configmap(a="1"))
    with pytest.raises(Conflict):
        await kube.delete(CM, uid="00000000-0000-0000-0000-000000000000")
    assert await kube.delete(CM) is True
    assert await kube.delete(CM) is False


async def test_lists_carry_kinds_and_choose_by_labels(kube: Kube):
    for name in ("one", "two"):
        await kube.create(a("ConfigMap", name, "default", metadata={"labels": {"n": name}}))
    found = await kube.list("ConfigMap", "default", {"n": "two"})
    assert [ref_of(o) for o in found] == [Ref("ConfigMap", "default", "two")]


async def test_a_watch_begins_with_what_is_there(kube: Kube):
    await kube.create(configmap(a="1"))
    seen = []
    async for event, obj in kube.watch("ConfigMap", "default"):
        seen.append((event, obj["data"]["a"]))
        if event == "MODIFIED":
            break
        await kube.patch(CM, {"data": {"a": "2"}})
    assert seen == [("ADDED", "1"), ("MODIFIED", "2")]


@pytest.mark.parametrize(("who", "may"), [("admin", True), ("sam", False)])
async def test_permissions_are_asked_of_the_api(server: Storing, who: str, may: bool):
    async with connect(Target(kubeconfig=server.kubeconfig(who))) as kube:
        assert await kube.may("create", "gateways", "networking.istio.io", "knative-serving") is may


async def test_who_may_not_and_who_is_not_known(server: Storing):
    async with connect(Target(kubeconfig=server.kubeconfig("sam"))) as sam:
        with pytest.raises(Forbidden):
            await sam.get(CM)
    async with connect(Target(kubeconfig=server.kubeconfig("expired"))) as nobody:
        with pytest.raises(Unauthorized) as refused:
            await nobody.get(CM)
        assert "expired" not in str(refused.value)


async def test_a_server_that_is_gone_is_a_problem(server: Storing, tmp_path: Path):
    config = Path(server.kubeconfig()).read_text().replace(server.url, "http://127.0.0.1:1")
    (tmp_path / "gone").write_text(config)
    async with connect(Target(kubeconfig=str(tmp_path / "gone"))) as kube:
        with pytest.raises(Unreachable, match="does not answer"):
            await kube.version()
