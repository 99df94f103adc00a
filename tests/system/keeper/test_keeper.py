"""The keeper's own life: it restarts what it must, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from keeper_fixture import Cluster, a_cluster, a_keeper, alive, eventually, wait

from hauberk.node.dns.table import DnsTable

pytestmark = pytest.mark.system


def test_it_says_where_it_is(user: str) -> None:
    with a_keeper(user) as keeper:
        result = keeper.start()
        assert result["ok"]["pid"] == keeper.process.pid
        assert (keeper.paths.run.stat().st_mode & 0o777) == 0o700
        assert (keeper.paths.keeper_socket.stat().st_mode & 0o777) == 0o600
        assert keeper.stop() == 0
        assert sorted(p.name for p in keeper.paths.run.iterdir()) == []


@pytest.mark.parametrize("victim", ["pid", "inside_pid"])
async def test_kill_9_of_either_half_leaves_nothing(user: str, victim: str) -> None:
    async with a_cluster(user, edge=["/bin/sleep", "1000"], control_plane=["/bin/sleep", "1000"]) as cluster:
        await cluster.pod("a")
        await cluster.shell("a", "trap '' TERM; sleep 1000")
        await cluster.runtime.start_proxy(
            "a", name="proxy", argv=["sleep", "1000"], env={}, log=Path(os.devnull)
        )
        everyone = cluster.keeper.descendants()
        assert len(everyone) >= 8
        namespaces = {os.readlink(f"/proc/{pid}/ns/net") for pid in everyone}
        assert len(namespaces) == 3  # the host's, the pod network's root, the pod's
        os.kill(cluster.keeper.pids[victim], signal.SIGKILL)
        cluster.keeper.process.wait(10)
        await eventually(lambda: not any(alive(pid) for pid in everyone))


async def test_an_orderly_stop_ends_the_control_plane_first_then_pods_then_the_edge(user: str) -> None:
    with a_keeper(user) as keeper:
        note = keeper.base / "order"
        script = "trap 'echo {} >> {}; exit' TERM; while :; do sleep 0.05; done"
        keeper.extra = {
            "edge": ["/bin/sh", "-c", script.format("edge", note)],
            "control_plane": ["/bin/sh", "-c", script.format("control-plane", note)],
        }
        keeper.start()
        from keeper_fixture import Runtime

        cluster = Cluster(keeper, await Runtime.connect(keeper.paths))
        await cluster.pod("a")
        log = keeper.base / "proxy.log"
        argv = ["/bin/sh", "-c", f"echo up; {script.format('pod', note)}"]
        await cluster.runtime.start_proxy("a", name="proxy", argv=argv, env={}, log=log)
        await eventually(lambda: log.exists() and "up" in log.read_text())
        assert keeper.stop() == 0
        assert note.read_text().split() == ["control-plane", "pod", "edge"]
        await cluster.runtime.close()


@pytest.mark.parametrize(
    ("script", "said", "within_s"),
    [
        ("echo up; sleep 1000", "", 2),  # as pid 1 of its container, without a handler: the signal is lost
        ("trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.05; done", "bye", 2),
        ("trap 'sleep 1; echo bye; exit' TERM; echo up; while :; do sleep 0.05; done", "bye", 4),
    ],
    ids=["deaf", "prompt", "slow"],
)
async def test_a_stop_waits_for_containers_that_hear_it_and_for_no_others(
    user: str, script: str, said: str, within_s: float
) -> None:
    with a_keeper(user) as keeper:
        keeper.extra = {"stop_s": 20}
        keeper.start()
        from keeper_fixture import Runtime

        cluster = Cluster(keeper, await Runtime.connect(keeper.paths))
        await cluster.pod("a")
        await cluster.shell("a", script)
        await eventually(lambda: "up" in cluster.log("a"))
        began = time.monotonic()
        assert keeper.stop() == 0
        assert time.monotonic() - began < within_s
        assert said in cluster.log("a")
        await cluster.runtime.close()


async def test_a_control_plane_that_dies_is_started_again_and_pods_stay(user: str) -> None:
    with a_keeper(user) as keeper:
        note = keeper.base / "starts"
        keeper.extra = {"control_plane": ["/bin/sh", "-c", f"echo $$ >> {note}; exec sleep 1000"]}
        keeper.start()
        from keeper_fixture import Runtime

        cluster = Cluster(keeper, await Runtime.connect(keeper.paths))
        await cluster.pod("a")
        started = await cluster.shell("a", "sleep 100")
        await eventually(lambda: note.exists() and len(note.read_text().split()) == 1)
        cluster.keeper.run_in(None, "true")
        sleeping = [
            p for p in keeper.descendants() if b"sleep\x001000" in Path(f"/proc/{p}/cmdline").read_bytes()
        ]
        os.kill(sleeping[0], signal.SIGKILL)
        await eventually(lambda: len(note.read_text().split()) == 2)
        assert await cluster.runtime.running() == [started]
        await cluster.runtime.close()


def helper(keeper: object, name: str) -> int:
    for pid in keeper.descendants():  # type: ignore[attr-defined]
        if Path(f"/proc/{pid}/comm").read_text().strip() == name:
            return pid
    return 0


async def test_a_log_pump_that_dies_loses_no_containers_output(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "n=0; while :; do n=$((n+1)); echo line-$n; sleep 0.02; done")
    await eventually(lambda: "line-3\n" in cluster.log("a"))
    os.kill(helper(cluster.keeper, "hbk-logs"), signal.SIGKILL)
    await eventually(lambda: "line-40\n" in cluster.log("a"))
    seen = [line.rpartition(" ")[2] for line in cluster.log("a").splitlines()]
    assert seen[:40] == [f"line-{n}" for n in range(1, 41)]


async def test_a_dns_that_dies_comes_back_with_its_table(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "sleep 100", namespace="shop")
    await cluster.runtime.set_dns(DnsTable(a={"web.shop.svc.cluster.local": ("172.30.0.60",)}))
    first = helper(cluster.keeper, "hbk-dns")
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: helper(cluster.keeper, "hbk-dns") not in (0, first))
    assert "172.30.0.60" in await cluster.ask("a", "getent", "hosts", "web")


def test_forbidden_user_namespaces_are_a_problem_with_a_fix(user: str) -> None:
    with a_keeper(user) as keeper:
        forbid = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
        result = keeper.start(before=["unshare", "-Ur", "--", "sh", "-c", forbid, "sh"])
        assert result["problem"]["found"] == "user.max_user_namespaces = 0"
        assert result["problem"]["fix"].startswith("sudo sysctl -w user.max_user_namespaces=")
        assert keeper.process.wait(10) == 1


def test_a_run_directory_that_cannot_be_written_is_a_problem() -> None:
    with a_keeper("tester") as keeper:
        keeper.extra = {"run": "/usr/hauberk"}
        result = keeper.start()
        assert "Permission denied" in result["problem"]["found"]
        wait(lambda: keeper.process.poll() == 1)
