"""Installing on an API server that only stores: what is applied, what is waited for, what goes wrong."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hauberk.base.apierrors import ApiError, Forbidden
from hauberk.base.problems import Problem
from hauberk.base.progress import Quiet
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.integration import marks
from hauberk.integration.differences import fetch_changes, fetch_ours
from hauberk.integration.install import Options, install
from hauberk.integration.load import parse
from hauberk.integration.preflight import preflight
from hauberk.integration.profiles import stages
from hauberk.integration.stages import Ready, Stage
from hauberk.integration.uninstall import uninstall
from hauberk.integration.waiting import until
from hauberk.kinds.testing import a
from hauberk.kubeclient import Kube, Target, connect
from hauberk.kubeclient.faults import Unreachable
from hauberk.ports_admission import Admission, Outcome, Request
from hauberk.testing.storing import Storing, storing

pytestmark = pytest.mark.wire
INTEGRATION = parse(
    """\
apiVersion: hauberk/v1alpha1
kind: Integration
domain: apps.openshift.example.com
members: [knative-serving, knative-eventing, shop]
certificate: {source: secret}
"""
)
NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


class Told(Quiet):
    """A teller that remembers its steps."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def start(self, what: str) -> None:
        self.steps.append(what)

    def done(self, detail: str = "") -> None:
        self.steps[-1] += f" | {detail}"


def configmap(name: str, namespace: str = "default", **data: str) -> Json:
    place = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": place, "data": data}


def stage(name: str, *objects: Json, ready: tuple[Ready, ...] = ()) -> Stage:
    return Stage(name=name, title=name, why="", objects=objects, ready=ready)


ONE = (stage("10-one", configmap("a", x="1"), configmap("b", x="1")),)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Storing]:
    async with storing(tmp_path) as found:
        await found.api.create(a("Namespace", "default"))
        yield found


@pytest.fixture
async def kube(server: Storing) -> AsyncIterator[Kube]:
    async with connect(Target(kubeconfig=server.kubeconfig())) as found:
        yield found


async def there(kube: Kube, name: str) -> None:
    """Wait until the ConfigMap is there: the install is under way."""

    async def found() -> bool:
        return await kube.find(Ref("ConfigMap", "default", name)) is not None

    assert await until(found, 30)


def actions(changes) -> dict[str, str]:
    return {c.ref.name: c.action for c in changes}


async def test_an_install_creates_a_second_changes_nothing(kube: Kube):
    assert actions(await fetch_changes(kube, ONE)) == {"a": "create", "b": "create"}
    assert actions(await install(kube, ONE, Quiet())) == {"a": "create", "b": "create"}
    assert actions(await fetch_changes(kube, ONE)) == {"a": "none", "b": "none"}
    assert actions(await install(kube, ONE, Quiet())) == {"a": "none", "b": "none"}


async def test_a_plan_stores_nothing_and_shows_fields(kube: Kube):
    await install(kube, ONE, Quiet())
    changed = (stage("10-one", configmap("a", x="2"), configmap("b", x="1")),)
    plan = await fetch_changes(kube, changed)
    (field,) = plan[0].fields
    assert (field.path, field.before, field.after) == ("data.x", "1", "2")
    assert (await kube.get(Ref("ConfigMap", "default", "a")))["data"] == {"x": "1"}


async def test_what_the_file_no_longer_has_is_planned_and_removed(kube: Kube):
    await install(kube, ONE, Quiet())
    less = (stage("10-one", configmap("a", x="1")),)
    assert actions(await fetch_changes(kube, less)) == {"a": "none", "b": "delete"}
    await install(kube, less, Quiet())
    assert [ref_of(o).name for o in await fetch_ours(kube)] == ["a"]


async def test_an_install_never_removes_another_mesh(kube: Kube):
    await kube.create(a("Namespace", "istio-system"))
    plane = a("ServiceMeshControlPlane.maistra.io", "basic", "istio-system", spec={})
    await install(kube, (stage("20-plane", plane),), Quiet())
    with pytest.raises(Problem, match="another mesh") as refused:
        await install(kube, ONE, Quiet())
    assert refused.value.fix.startswith("hauberk upgrade")
    assert await kube.find(Ref("ConfigMap", "default", "a")) is None


async def test_what_was_there_before_is_kept_and_given_back(kube: Kube):
    foreign = configmap("a", theirs="yes")
    await kube.create(foreign)
    await install(kube, ONE, Quiet())
    assert (await kube.get(ref_of(foreign)))["data"] == {"theirs": "yes", "x": "1"}
    done = await uninstall(kube, INTEGRATION, ONE, Quiet())
    assert actions(done) == {"a": "release", "b": "delete"}
    left = await kube.get(ref_of(foreign))
    assert left["data"] == {"theirs": "yes"}
    assert not marks.is_marked(left)


async def test_uninstall_leaves_the_objects_of_others(kube: Kube):
    await install(kube, ONE, Quiet())
    await kube.create(configmap("mine", y="1"))
    await uninstall(kube, INTEGRATION, ONE, Quiet())
    names = {o["metadata"]["name"] for o in await kube.list("ConfigMap", "default")}
    assert names & {"a", "b", "mine"} == {"mine"}


async def test_an_install_that_was_stopped_goes_on(kube: Kube):
    waits = Ready(ref=Ref("ConfigMap", "default", "later"), condition="exists", within_s=30)
    two = (stage("10-one", configmap("a", x="1"), ready=(waits,)), stage("20-two", configmap("c", x="1")))
    running = asyncio.ensure_future(install(kube, two, Quiet()))
    await there(kube, "a")
    running.cancel()  # as Ctrl-C does
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await kube.find(Ref("ConfigMap", "default", "c")) is None
    await kube.create(configmap("later"))
    assert actions(await install(kube, two, Quiet())) == {"a": "none", "c": "create"}


async def test_nothing_after_a_problem_is_touched(kube: Kube):
    waits = Ready(ref=Ref("ConfigMap", "default", "never"), condition="exists", within_s=0.2)
    two = (stage("10-one", configmap("a"), ready=(waits,)), stage("20-two", configmap("c")))
    with pytest.raises(Problem, match=r"never is not ready after 0\.2 s"):
        await install(kube, two, Quiet())
    assert await kube.find(Ref("ConfigMap", "default", "c")) is None


async def test_a_cluster_whose_operators_do_not_run_times_out_with_that_cause(kube: Kube):
    for name in ("shop", "istio-system"):
        await kube.create(a("Namespace", name))
    secret = {"tls.crt": "", "tls.key": ""}
    await kube.create(a("Secret", "wildcard-certs", "istio-system", type="kubernetes.io/tls", data=secret))
    told = Told()
    with pytest.raises(Problem) as failed:
        await install(kube, stages(INTEGRATION), told, Options(within_s=0.5))
    problem = failed.value
    assert problem.what == "ServiceMeshControlPlane.maistra.io istio-system/basic is not ready after 0.5 s"
    assert problem.wanted == "condition Ready=True"
    assert "its status is empty" in problem.found
    assert "no operator acts on it" in problem.found
    assert problem.fix.startswith("install the OpenShift Service Mesh Operator 2.x")
    assert "Namespace knative-serving | created" in told.steps
    assert "ServiceMeshControlPlane istio-system/basic | created" in told.steps
    assert not any("MemberRoll" in step for step in told.steps)


async def test_a_missing_secret_is_told_before_the_mesh_is_begun(kube: Kube):
    text = INTEGRATION.certificate
    assert text.source == "secret"
    ours = parse(
        "apiVersion: hauberk/v1alpha1\nkind: Integration\ndomain: apps.openshift.example.com\n"
        "members: [knative-serving, knative-eventing]\n"
    )
    with pytest.raises(Problem, match="wildcard-certs is not there") as failed:
        await install(kube, stages(ours), Quiet())
    assert "hauberk certs create" in failed.value.fix
    assert await kube.find(Ref("ServiceMeshControlPlane.maistra.io", "istio-system", "basic")) is None


async def test_a_field_that_another_manager_owns_is_named_with_its_owner(server: Storing, kube: Kube):
    async with connect(Target(kubeconfig=server.kubeconfig()), manager="argocd") as other:
        await other.apply(configmap("a", x="theirs"))
    with pytest.raises(Problem, match="cannot apply ConfigMap default/a") as failed:
        await install(kube, ONE, Quiet())
    assert ".data.x" in failed.value.wanted
    assert "`argocd`" in failed.value.found
    (refused, *_) = await fetch_changes(kube, ONE)
    assert refused.action == "refused"
    assert actions(await install(kube, ONE, Quiet(), Options(force=True))) == {"a": "change", "b": "create"}


@pytest.mark.parametrize(
    ("who", "found", "fix"),
    [("sam", "403 Forbidden", "ask the cluster's administrator"), ("expired", "401 Unauthorized", "log in")],
)
async def test_who_may_not_install_is_told_so(server: Storing, who: str, found: str, fix: str):
    async with connect(Target(kubeconfig=server.kubeconfig(who))) as kube:
        with pytest.raises(Problem) as failed:
            await install(kube, ONE, Quiet())
    assert failed.value.found.startswith(found)
    assert fix in failed.value.fix


async def test_an_api_server_that_goes_in_the_middle_is_a_problem(server: Storing, kube: Kube):
    waits = Ready(ref=Ref("ConfigMap", "default", "never"), condition="exists", within_s=30)
    running = asyncio.ensure_future(install(kube, (stage("10", configmap("a"), ready=(waits,)),), Quiet()))
    await there(kube, "a")
    server.door.should_exit = True
    with pytest.raises(Unreachable, match="does not answer") as failed:
        await running
    assert "it goes on where it stopped" in failed.value.fix


def refuse(request: Request) -> Outcome:
    if request.obj is not None and "b" in request.obj["metadata"]["name"]:
        raise Forbidden('admission webhook "policy.example.com" denied the request: no b here')
    return Outcome()


async def test_a_webhook_that_denies_is_named(tmp_path: Path):
    policy = Admission(name="policy", kinds=("ConfigMap",), admit=refuse)
    async with storing(tmp_path, admission=(policy,)) as server:
        await server.api.create(a("Namespace", "default"))
        async with connect(Target(kubeconfig=server.kubeconfig())) as kube:
            with pytest.raises(Problem) as failed:
                await install(kube, ONE, Quiet())
            assert "`policy.example.com`" in failed.value.wanted
            assert "no b here" in failed.value.found
            assert await kube.find(Ref("ConfigMap", "default", "a")) is not None


async def test_the_preflight_of_a_bare_cluster(kube: Kube):
    rows = {r.title: r for r in await preflight(kube, INTEGRATION, stages(INTEGRATION), NOW)}
    assert rows["kinds are known"].level == "ok"
    assert rows["permissions"].level == "ok"
    assert rows["members exist"].level == "fail"
    assert rows["certificate"].level == "fail"  # its source is a Secret that is not there
    assert rows["one owner of port 443"].level == "ok"


async def test_the_preflight_finds_what_is_in_the_way(kube: Kube):
    for name in ("shop", "other-mesh", "istio-system"):
        await kube.create(a("Namespace", name))
    spec = {"selector": {"istio": "ingressgateway"}}
    spec["servers"] = [{"port": {"number": 443, "name": "h", "protocol": "HTTPS"}, "hosts": ["*"]}]  # type: ignore[assignment]
    spec["servers"][0]["tls"] = {"mode": "SIMPLE", "credentialName": "c"}  # type: ignore[index]
    await kube.create(a("Gateway.networking.istio.io", "theirs", "shop", spec=spec))
    members = {"spec": {"members": ["shop"]}}
    await kube.create(a("ServiceMeshMemberRoll.maistra.io", "default", "other-mesh", **members))
    rows = {r.title: r for r in await preflight(kube, INTEGRATION, stages(INTEGRATION), NOW)}
    assert rows["one owner of port 443"].level == "fail"
    assert "shop/theirs" in rows["one owner of port 443"].found
    assert rows["members are in one member roll only"].level == "fail"


async def test_the_preflight_asks_what_somebody_may(server: Storing, kube: Kube):
    async with connect(Target(kubeconfig=server.kubeconfig("sam"))) as sam:
        rows = {r.title: r for r in await preflight(sam, INTEGRATION, stages(INTEGRATION), NOW)}
    assert rows["permissions"].level == "fail"
    unread = ("one owner of port 443", "members exist", "certificate", "no leftover webhooks", "domain")
    assert {rows[title].level for title in unread} == {"unknown"}


async def test_a_webhook_that_is_not_up_yet_is_waited_for(tmp_path: Path):
    calls: list[str] = []

    def not_yet(request: Request) -> Outcome:
        calls.append(request.kind)
        if len(calls) < 3:
            raise ApiError('Internal error occurred: failed calling webhook "w.example.com": no endpoints')
        return Outcome()

    policy = Admission(name="policy", kinds=("ConfigMap",), admit=not_yet)
    async with storing(tmp_path, admission=(policy,)) as server:
        await server.api.create(a("Namespace", "default"))
        async with connect(Target(kubeconfig=server.kubeconfig())) as kube:
            done = await install(kube, (stage("10", configmap("a")),), Quiet())
            assert actions(done) == {"a": "create"}
            calls.clear()
            with pytest.raises(Problem, match="cannot apply") as failed:
                await install(kube, (stage("10", configmap("c")),), Quiet(), Options(within_s=0.01))
    assert "`w.example.com` to answer" in failed.value.wanted


async def test_an_object_that_is_being_deleted_is_waited_for_and_made_anew(kube: Kube):
    ref = Ref("ConfigMap", "default", "a")
    old = await kube.create(a("ConfigMap", "a", "default", metadata={"finalizers": ["example.com/hold"]}))
    await kube.delete(ref)
    running = asyncio.ensure_future(install(kube, ONE, Quiet()))
    await asyncio.sleep(0.3)
    assert not running.done()
    await kube.patch(ref, {"metadata": {"finalizers": None}})
    assert actions(await running)["a"] == "create"
    assert (await kube.get(ref))["metadata"]["uid"] != old["metadata"]["uid"]
