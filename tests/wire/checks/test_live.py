"""The doctor's reading of a cluster, over HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.checks import doctor, judge, live
from hauberk.kinds.testing import a
from hauberk.kubeclient import Kube, Target, connect
from hauberk.testing.storing import Storing, storing

pytestmark = pytest.mark.wire
SMCP = """
apiVersion: maistra.io/v2
kind: ServiceMeshControlPlane
metadata: {name: basic, namespace: istio-system}
spec: {profiles: [default], security: {dataPlane: {mtls: false}}}
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Storing]:
    async with storing(tmp_path) as found:
        for name in ("default", "istio-system"):
            await found.api.create(a("Namespace", name))
        yield found


@pytest.fixture
async def kube(server: Storing) -> AsyncIterator[Kube]:
    async with connect(Target(kubeconfig=server.kubeconfig())) as found:
        yield found


async def test_objects_of_a_cluster_are_judged(kube: Kube) -> None:
    await kube.create(yaml.safe_load(SMCP))
    seen = await live.fetch_world(kube, now=0.0)
    assert seen.forbidden == ()
    assert seen.world.knows("Pod")
    assert not seen.world.knows("Istio.sailoperator.io")
    found = {f.code: f for f in judge.run(seen.world).findings}
    assert found["HBK1301"].ref == Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")
    assert found["HBK1301"].place is None


async def test_all_pages_are_read_and_little_of_a_secret_is_kept(kube: Kube) -> None:
    for number in range(live.PAGES["Secret"] + 1):
        data = {"password": base64.b64encode(b"x" * 300).decode()}
        meta = {"name": f"s{number}", "namespace": "default"}
        await kube.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})
    seen = await live.fetch_world(kube, now=0.0)
    secrets = seen.world.all("Secret")
    assert len(secrets) == live.PAGES["Secret"] + 1
    assert {(str(s.get("data")), s.get(live.SIZE)) for s in secrets} == {("{}", 400)}


async def test_who_may_list_nothing_is_told_and_gets_no_clean_report(server: Storing) -> None:
    subject = doctor.Subject(kubeconfig=server.kubeconfig("sam"))
    with pytest.raises(Problem, match="nothing of this cluster may be listed"):
        await asyncio.to_thread(doctor.examine, subject, now=0.0)


async def test_an_expired_token_is_a_problem_with_its_fix(server: Storing) -> None:
    subject = doctor.Subject(kubeconfig=server.kubeconfig("expired"))
    with pytest.raises(Problem, match="cannot read the cluster"):
        await asyncio.to_thread(doctor.examine, subject, now=0.0)


async def test_watching_goes_on_after_a_problem(server: Storing, kube: Kube) -> None:
    bad = doctor.Subject(kubeconfig=server.kubeconfig("sam"))
    looks = doctor.looks(bad, now=lambda: 0.0, interval_s=0.01)
    for _ in range(2):
        assert isinstance(await asyncio.to_thread(next, looks), Problem)
    good = doctor.looks(doctor.Subject(kubeconfig=server.kubeconfig()), now=lambda: 0.0, interval_s=0.01)
    before = await asyncio.to_thread(next, good)
    await kube.create(yaml.safe_load(SMCP))
    after = await asyncio.to_thread(next, good)
    assert not isinstance(before, Problem)
    assert not isinstance(after, Problem)
    assert doctor.differs(before, after)
