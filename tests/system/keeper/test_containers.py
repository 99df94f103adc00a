"""Containers of a real keeper: what they see, how they end, what is kept of them."""

from __future__ import annotations

import contextlib
import signal

import pytest
from keeper_fixture import Cluster, eventually

from hauberk.node.images.model import Mount
from hauberk.node.runtime import Runtime, StartError

pytestmark = pytest.mark.system


async def test_a_container_has_its_own_names_and_only_its_own_processes(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "sleep 100", namespace="shop")
    assert await cluster.ask("a", "hostname") == "host-a\n"
    assert "search shop.svc.cluster.local svc.cluster.local" in await cluster.ask(
        "a", "cat", "/etc/resolv.conf"
    )
    assert cluster.ips["a"] in await cluster.ask("a", "cat", "/etc/hosts")
    pids = (await cluster.ask("a", "sh", "-c", "ls -d /proc/[0-9]*")).split()
    assert "/proc/1" in pids
    assert len(pids) < 6


async def test_the_host_is_read_only_and_its_files_are_not_there(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "touch /usr/x; touch /mine && ls /mine; ls /root /home; sleep 100")
    await eventually(lambda: "F /mine" in cluster.log("a"))
    log = cluster.log("a")
    assert "stderr F touch: cannot touch '/usr/x': Read-only file system" in log
    assert "No such file" not in log
    assert str(cluster.keeper.base) not in await cluster.ask("a", "cat", "/proc/self/mounts")


async def test_dangerous_capabilities_are_gone(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "grep -E 'CapBnd|NoNewPrivs' /proc/self/status; sleep 100")
    await eventually(lambda: "NoNewPrivs:\t1" in cluster.log("a"))
    assert "CapBnd:\t00000000000005fb" in cluster.log("a")
    refused = await cluster.runtime.exec("a", "app", ["nft", "list", "ruleset"])
    assert refused.code != 0


async def test_run_as_user_shows_that_user_without_capabilities(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell(
        "a", "id -u; grep CapEff /proc/self/status; touch /tmp/x && echo w; sleep 9", run_as_user=1000
    )
    await eventually(lambda: "F w" in cluster.log("a"))
    assert "F 1000\n" in cluster.log("a")
    assert "CapEff:\t0000000000000000" in cluster.log("a")
    assert await cluster.ask("a", "id", "-u") == "1000\n"


async def test_mounts_appear_at_any_path(cluster: Cluster) -> None:
    folder = cluster.keeper.base / "volume"
    folder.mkdir()
    (folder / "key").write_text("value")
    folder.chmod(0o755)
    await cluster.pod("a")
    mounts = (
        Mount(str(folder), "/usr/share/deep/er", read_only=True),
        Mount(str(folder / "key"), "/etc/app/key.txt"),
        Mount(str(folder), "/data"),
    )
    script = "cd /usr/share/deep/er; cat key /etc/app/key.txt; touch n; touch /new; echo done; sleep 9"
    await cluster.shell("a", script, mounts=mounts, read_only_root=True)
    await eventually(lambda: "done" in cluster.log("a"))
    assert "valuevalue" in cluster.log("a")
    assert "cannot touch 'n': Read-only" in cluster.log("a")
    assert "cannot touch '/new': Read-only" in cluster.log("a")


@pytest.mark.parametrize(
    ("fields", "message", "code"),
    [
        ({"argv": ("nosuch",)}, 'exec: "nosuch": executable file not found in $PATH', 127),
        ({"argv": ("/no/such",)}, 'exec: "/no/such": no such file or directory', 127),
        ({"argv": ("/etc/passwd",)}, 'exec: "/etc/passwd": permission denied', 128),
        ({"mounts": (Mount("/no/where", "/x"),)}, "bind mount source path does not exist /no/where", 128),
    ],
)
async def test_a_start_that_fails_says_why(cluster: Cluster, fields: dict, message: str, code: int) -> None:
    await cluster.pod("a")
    with pytest.raises(StartError) as refused:
        await cluster.shell("a", "true", **fields)
    assert message in refused.value.message
    assert (refused.value.reason, refused.value.code) == ("RunContainerError", code)
    assert await cluster.runtime.running() == []


async def test_an_exit_is_kept_until_someone_took_it(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "exit 3")
    seen = await cluster.next_exit()
    assert (seen.uid, seen.name, seen.code, seen.signal) == ("a", "app", 3, 0)
    another = await Runtime.connect(cluster.keeper.paths)
    async with contextlib.aclosing(another.exits()) as exits:
        assert await anext(exits) == seen  # the first reader went away before it asked for the next
        await cluster.shell("a", "kill -9 $$; sleep 1 & wait", attempt=1, name="two")
        await cluster.runtime.signal("a", "two", signal.SIGKILL)
        second = await anext(exits)
        assert (second.code, second.signal) == (137, 9)
    await another.close()
    third = await Runtime.connect(cluster.keeper.paths)
    async with contextlib.aclosing(third.exits()) as exits:
        assert await anext(exits) == second
    await third.close()


async def test_a_new_client_finds_what_runs(cluster: Cluster) -> None:
    await cluster.pod("a")
    started = await cluster.shell("a", "sleep 100")
    await cluster.runtime.close()
    another = await Runtime.connect(cluster.keeper.paths)
    assert await another.running() == [started]
    assert await another.sandboxes() == cluster.ips
    await another.remove_sandbox("a")
    assert await another.running() == []
    assert await another.sandboxes() == {}
    await another.close()


async def test_exec_is_bounded_in_time_and_size(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "sleep 100")
    late = await cluster.runtime.exec("a", "app", ["sleep", "50"], timeout_s=0.2)
    assert late.code == 124
    long = await cluster.runtime.exec("a", "app", ["seq", "100000"], limit_bytes=50)
    assert (long.code, len(long.output)) == (0, 50)
    both = await cluster.runtime.exec("a", "app", ["sh", "-c", "echo out; echo err >&2; exit 4"])
    assert (both.code, both.output) == (4, b"out\nerr\n")
    with pytest.raises(StartError, match="not found in"):
        await cluster.runtime.exec("a", "app", ["nosuch"])
    with pytest.raises(StartError, match="not running"):
        await cluster.runtime.exec("a", "other", ["true"])


async def test_a_log_is_bounded(cluster: Cluster) -> None:
    await cluster.pod("a")
    await cluster.shell("a", "head -c 30000000 /dev/zero | tr '\\0' x | fold -w 1000; echo; echo end")
    await eventually(lambda: cluster.log("a").endswith("F end\n"), 30)
    older = cluster.log_path("a", "app").with_name("0.log.1")
    assert 9_000_000 < older.stat().st_size <= 10 * 1024 * 1024
    assert cluster.log_path("a", "app").stat().st_size <= 10 * 1024 * 1024
