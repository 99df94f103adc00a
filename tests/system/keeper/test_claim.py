"""A pod takes over a spare sandbox: everything is as it would be had it been made for the pod."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from keeper_fixture import Cluster, a_cluster, alive, eventually

from hauberk.node.runtime import Claimed, Running, StartError

pytestmark = pytest.mark.system

LINES = "n=0; while :; do n=$((n+1)); echo line-$n; sleep 0.02; done"


async def spare(cluster: Cluster, script: str = "sleep 1000", uid: str = "spare-1") -> Running:
    """A sandbox with a file of its own and a process that sees the host's files, as an Envoy does."""
    await cluster.pod(uid)
    (cluster.keeper.paths.pod(uid) / "envoy.json").write_text("{}")
    return await cluster.runtime.start_proxy(
        uid, name="@envoy", argv=["/bin/sh", "-c", script], env={}, log=first_log(cluster, uid)
    )


def first_log(cluster: Cluster, uid: str = "spare-1") -> Path:
    return cluster.keeper.paths.pod_logs(uid) / "0.log"


async def claim(cluster: Cluster, name: str = "spare-1", uid: str = "a") -> Claimed:
    return await cluster.runtime.claim(name, uid, log=cluster.log_path(uid, "istio-proxy"))


def said(cluster: Cluster, uid: str = "a") -> list[str]:
    return [line.rpartition(" ")[2] for line in cluster.log(uid, "istio-proxy").splitlines()]


async def test_address_process_and_files_are_the_pods(cluster: Cluster) -> None:
    born = await spare(cluster)
    claimed = await claim(cluster)
    assert claimed.running is not None
    assert (claimed.ip, claimed.running.pid) == (cluster.ips["spare-1"], born.pid)
    assert (claimed.running.uid, claimed.running.born) == ("a", "spare-1")
    assert claimed.running.started_at > born.started_at, "the pod's container begins with the pod"
    assert await cluster.runtime.running() == [claimed.running]
    assert await cluster.runtime.sandboxes() == {"a": claimed.ip}
    assert await cluster.runtime.sandbox("a") == claimed.ip
    paths = cluster.keeper.paths
    assert (paths.pod("a") / "envoy.json").read_text() == "{}"
    assert os.readlink(paths.pod("spare-1")) == "a", "its Envoy looks for its own socket under the old name"
    assert sorted(p.name for p in paths.pod("a").iterdir()) == ["envoy.json", "netns"]


async def test_the_pods_folder_may_be_there_already_with_its_volumes(cluster: Cluster) -> None:
    await spare(cluster)
    other = cluster.keeper.paths.pod("a") / "volumes" / "v"
    other.mkdir(parents=True)
    (other / "file").write_text("x")
    owner = cluster.keeper.paths.run.stat()
    os.chown(cluster.keeper.paths.pod("a"), owner.st_uid, owner.st_gid)
    await claim(cluster)
    names = sorted(p.name for p in cluster.keeper.paths.pod("a").iterdir())
    assert names == ["envoy.json", "netns", "volumes"]
    assert (other / "file").read_text() == "x"


async def test_files_that_appear_during_the_claim_are_the_pods_too(cluster: Cluster) -> None:
    old, new = (cluster.keeper.paths.pod(uid) for uid in ("spare-1", "a"))
    await spare(cluster, f"i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo > {old}/f-$i; done; sleep 1000")
    await eventually(lambda: (old / "f-50").exists())
    claimed = await claim(cluster)
    assert claimed.running is not None
    assert old.is_symlink()
    await eventually(lambda: (new / "f-3000").exists())
    assert [n for n in range(1, 3001) if not (new / f"f-{n}").exists()] == []


async def test_the_log_goes_on_where_the_pods_is_read_and_keeps_what_was_written(cluster: Cluster) -> None:
    await spare(cluster, LINES)
    await eventually(lambda: first_log(cluster).exists() and "line-3\n" in first_log(cluster).read_text())
    await claim(cluster)
    await eventually(lambda: "line-40" in said(cluster))
    assert said(cluster)[:40] == [f"line-{n}" for n in range(1, 41)]
    assert not first_log(cluster).parent.exists()


async def test_a_log_that_moved_survives_its_pump_and_is_bounded(cluster: Cluster) -> None:
    filler = "head -c 12000000 /dev/zero | tr '\\0' x | fold -w 1000; echo; echo end; sleep 1000"
    go = cluster.keeper.base / "go"
    await spare(cluster, f"echo begin; while [ ! -e {go} ]; do sleep 0.02; done; {filler}")
    await eventually(first_log(cluster).exists)
    await claim(cluster)
    os.kill(pump(cluster), signal.SIGKILL)
    go.touch()
    await eventually(lambda: said(cluster)[-1:] == ["end"], 30)
    older = cluster.log_path("a", "istio-proxy").with_name("0.log.1")
    assert 9_000_000 < older.stat().st_size <= 10 * 1024 * 1024
    assert not first_log(cluster).parent.exists()


def pump(cluster: Cluster) -> int:
    return next(
        pid
        for pid in cluster.keeper.descendants()
        if Path(f"/proc/{pid}/comm").read_text().strip() == "hbk-logs"
    )


async def test_commands_enter_the_network_under_the_pods_name(cluster: Cluster) -> None:
    await spare(cluster)
    await claim(cluster)
    shown = cluster.keeper.run_in("a", "ip", "-brief", "address", "show", "eth0")
    assert cluster.ips["spare-1"] in shown.stdout, shown.stderr
    assert (await cluster.runtime.exec("a", "@envoy", ["ip", "address"])).output.decode().count("eth0")


async def test_containers_start_in_it_and_are_reached(cluster: Cluster) -> None:
    await spare(cluster)
    claimed = await claim(cluster)
    cluster.ips["a"] = claimed.ip
    await cluster.python(
        "a",
        "import socket; s = socket.create_server(('', 80)); print('up')\nwhile 1: s.accept()[0].send(b'it')",
    )
    await eventually(lambda: "up" in cluster.log("a"))
    await cluster.pod("b")
    await cluster.python(
        "b", f"import socket; print(socket.create_connection(('{claimed.ip}', 80), 5).recv(9))"
    )
    await eventually(lambda: "b'it'" in cluster.log("b"))


async def test_its_end_is_told_under_the_pods_name(cluster: Cluster) -> None:
    await spare(cluster)
    await claim(cluster)
    await cluster.runtime.signal("a", "@envoy", signal.SIGKILL)
    ended = await cluster.next_exit()
    assert (ended.uid, ended.name, ended.signal) == ("a", "@envoy", 9)
    assert await cluster.runtime.running() == []


async def test_removal_leaves_nothing_and_frees_the_address(cluster: Cluster) -> None:
    await spare(cluster)
    claimed = await claim(cluster)
    before = cluster.keeper.descendants()
    await cluster.runtime.remove_sandbox("a")
    assert await cluster.runtime.running() == []
    assert await cluster.runtime.sandboxes() == {}
    assert await cluster.runtime.sandbox("c", ip=claimed.ip) == claimed.ip
    paths = cluster.keeper.paths
    assert not os.path.lexists(paths.pod("spare-1"))
    assert [p.name for p in paths.pod("a").iterdir()] == ["envoy.json"], "the node's part"
    await eventually(lambda: sum(alive(pid) for pid in before) == len(before) - 1)


async def test_a_claim_of_what_is_not_there_is_refused_and_changes_nothing(cluster: Cluster) -> None:
    with pytest.raises(StartError, match="there is no sandbox spare-9"):
        await claim(cluster, "spare-9")
    assert await cluster.runtime.sandboxes() == {}
    assert not cluster.keeper.paths.pod("a").exists()


async def test_a_claim_for_a_pod_that_has_a_sandbox_is_refused_and_changes_nothing(cluster: Cluster) -> None:
    born = await spare(cluster)
    await cluster.pod("a")
    with pytest.raises(StartError, match="the pod has a sandbox"):
        await claim(cluster)
    assert await cluster.runtime.running() == [born]
    assert await cluster.runtime.sandboxes() == cluster.ips
    assert cluster.keeper.run_in("spare-1", "true").returncode == 0
    assert cluster.keeper.run_in("a", "true").returncode == 0


async def test_a_spare_whose_process_just_ended_is_a_sandbox_without_one(cluster: Cluster) -> None:
    await spare(cluster)
    await cluster.runtime.signal("spare-1", "@envoy", signal.SIGKILL)
    ended = await cluster.next_exit()
    assert ended.uid == "spare-1"
    claimed = await claim(cluster)
    assert claimed == Claimed(cluster.ips["spare-1"], None)
    assert await cluster.runtime.sandboxes() == {"a": claimed.ip}


async def test_a_keeper_that_stops_leaves_nothing_of_it(user: str) -> None:
    async with a_cluster(user) as cluster:
        await spare(cluster)
        await spare(cluster, uid="spare-2")
        await claim(cluster)
        assert cluster.keeper.stop() == 0
        assert sorted(p.name for p in cluster.keeper.paths.run.iterdir()) == []
