"""When a spare sandbox is made, handed out and given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hauberk.base.paths import Paths
from hauberk.node.pod.deps import ProxyLaunch
from hauberk.node.runtime import Claimed, Running, Runtime, StartError
from hauberk.node.spares import PREFIX, QUIET_S, Spares
from hauberk.testing.clock import FakeClock


class Keeper(Runtime):
    """Sandboxes and the Envoys in them, as the keeper holds them."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.sandboxes_held: dict[str, Running | None] = {}
        self.made: list[str] = []
        self.refuses_starts = self.refuses_claims = False
        self.may_start = asyncio.Event()
        self.may_start.set()

    async def sandbox(self, uid: str, *, ip: str | None = None) -> str:
        self.made.append(uid)
        self.sandboxes_held[uid] = None
        return "10.128.0.9"

    async def start_proxy(
        self,
        uid: str,
        *,
        name: str,
        argv: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        attempt: int = 0,
    ) -> Running:
        await self.may_start.wait()
        if self.refuses_starts:
            raise StartError("RunContainerError", "no envoy")
        log.parent.mkdir(parents=True)
        log.write_text("began\n")
        running = self.sandboxes_held[uid] = Running(uid, name, attempt, 7, 1.0, uid)
        return running

    def envoy_ends(self, uid: str) -> None:
        self.sandboxes_held[uid] = None

    async def claim(self, spare: str, uid: str, *, log: Path) -> Claimed:
        await asyncio.sleep(0)
        if self.refuses_claims:
            raise StartError("AlreadyExists", "the pod has a sandbox")
        was = self.sandboxes_held.pop(spare)
        self.paths.pod(spare).rename(self.paths.pod(uid))
        self.sandboxes_held[uid] = was
        return Claimed("10.128.0.9", was)

    async def remove_sandbox(self, uid: str) -> None:
        self.sandboxes_held.pop(uid, None)


class Stage:
    """Spares at work beside a keeper, and what they told."""

    def __init__(self, folder: Path) -> None:
        self.paths = Paths(run=folder / "run", data=folder / "data")
        self.clock, self.keeper = FakeClock(), Keeper(self.paths)
        self.renamed: list[tuple[str, str]] = []
        self.connected = True
        self.spares = Spares(
            self.keeper,
            self.paths,
            self.clock,
            bootstrap,
            lambda *pair: self.renamed.append(pair),
            lambda _: self.connected,
        )

    async def claim(self, uid: str) -> Claimed | None:
        return await self.spares.claim(uid, self.paths.pod_logs(uid) / "istio-proxy" / "0.log")

    async def with_a_spare(self) -> str:
        assert await self.claim("first") is None
        await self.clock.advance(QUIET_S)
        (spare,) = self.keeper.made
        return spare

    async def passes_until(self, done: Callable[[], object]) -> None:
        """Let time pass, of the clock and of the threads that delete files."""
        async with asyncio.timeout(10):
            while not done():
                await self.clock.advance(QUIET_S)
                await asyncio.sleep(0.001)

    def files(self) -> list[str]:
        roots = [self.paths.pod("x").parent, self.paths.pod_logs("x").parent]
        return sorted(entry.name for root in roots if root.is_dir() for entry in root.iterdir())


def bootstrap(pod: Mapping[str, Any], roles: Mapping[str, str], ip: str) -> ProxyLaunch:
    uid = pod["metadata"]["uid"]
    return ProxyLaunch(argv=("envoy", uid), files={"envoy.json": uid.encode()})


Scenario = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a scenario while the spares' loop runs."""

    def run(scenario: Scenario) -> None:
        async def together() -> None:
            stage = Stage(tmp_path)
            async with asyncio.TaskGroup() as tasks:
                loop = tasks.create_task(stage.spares.run())
                await asyncio.sleep(0)
                await scenario(stage)
                loop.cancel()

        asyncio.run(together())

    return run


def test_none_is_made_before_the_first_pod_with_an_envoy(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.clock.advance(1000)
        assert stage.keeper.made == []

    play(scenario)


def test_one_that_is_not_connected_yet_is_left_alone(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        spare = await stage.with_a_spare()
        stage.connected = False
        assert await stage.claim("a") is None
        assert spare in stage.keeper.sandboxes_held
        stage.connected = True
        assert await stage.claim("b") is not None
        assert stage.renamed == [(spare, "b")]

    play(scenario)


def test_none_is_made_until_it_has_been_quiet_since_the_last_pod(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        for uid in ("a", "b", "c"):
            assert await stage.claim(uid) is None
            await stage.clock.advance(QUIET_S * 0.9)
        assert stage.keeper.made == []
        await stage.clock.advance(QUIET_S * 0.1)
        assert len(stage.keeper.made) == 1
        assert stage.keeper.made[0].startswith(PREFIX)

    play(scenario)


def test_there_is_at_most_one_and_each_taken_one_is_replaced(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        first = await stage.with_a_spare()
        await stage.clock.advance(1000)
        assert stage.spares.own == {first}
        taken = await stage.claim("a")
        assert taken is not None
        assert taken.running is not None
        assert await stage.claim("b") is None, "the second at once finds none"
        assert stage.spares.own == frozenset()
        await stage.clock.advance(1000)
        assert len(stage.keeper.made) == 2
        assert len(stage.spares.own) == 1

    play(scenario)


def test_a_pod_that_comes_while_the_spare_is_made_finds_none_and_gets_no_second_made(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(stage: Stage) -> None:
        stage.keeper.may_start.clear()
        await stage.with_a_spare()
        assert await stage.claim("a") is None
        stage.keeper.may_start.set()
        await stage.clock.advance(1000)
        assert len(stage.keeper.made) == 1
        assert await stage.claim("b") is not None

    play(scenario)


def test_whose_envoy_the_spare_is_is_told_once(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        spare = await stage.with_a_spare()
        assert stage.renamed == []
        await stage.claim("a")
        await stage.claim("b")
        assert stage.renamed == [(spare, "a")]

    play(scenario)


def test_a_spare_whose_envoy_ended_is_not_handed_out_and_leaves_nothing(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(stage: Stage) -> None:
        spare = await stage.with_a_spare()
        assert stage.files() == [spare, spare]
        stage.keeper.envoy_ends(spare)
        await stage.spares.ended(spare)
        assert await stage.claim("a") is None
        assert (stage.keeper.sandboxes_held, stage.files(), stage.renamed) == ({}, [], [])
        assert stage.spares.own == frozenset()

    play(scenario)


def test_the_end_of_another_process_takes_no_spare_away(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.with_a_spare()
        await stage.spares.ended("somebody")
        assert await stage.claim("a") is not None

    play(scenario)


def test_a_sandbox_whose_envoy_ended_unnoticed_is_a_pods_and_the_old_log_goes(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(stage: Stage) -> None:
        spare = await stage.with_a_spare()
        stage.keeper.envoy_ends(spare)
        assert await stage.claim("a") == Claimed("10.128.0.9", None)
        assert stage.files() == ["a"]
        assert stage.keeper.sandboxes_held == {"a": None}

    play(scenario)


def test_a_refused_claim_is_no_spare_and_what_was_refused_goes(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        await stage.with_a_spare()
        stage.keeper.refuses_claims = True
        assert await stage.claim("a") is None
        assert (stage.keeper.sandboxes_held, stage.files(), stage.renamed) == ({}, [], [])
        stage.keeper.refuses_claims = False
        await stage.clock.advance(QUIET_S)
        assert await stage.claim("b") is not None

    play(scenario)


def test_a_spare_that_cannot_be_started_leaves_nothing_and_the_next_pod_asks_anew(
    play: Callable[[Scenario], None],
) -> None:
    async def scenario(stage: Stage) -> None:
        stage.keeper.refuses_starts = True
        await stage.with_a_spare()
        await stage.passes_until(lambda: not stage.files())
        assert stage.keeper.sandboxes_held == {}
        await stage.clock.advance(1000)
        assert len(stage.keeper.made) == 1, "not again and again"
        stage.keeper.refuses_starts = False
        assert await stage.claim("a") is None
        await stage.passes_until(lambda: stage.spares.own)
        assert await stage.claim("b") is not None

    play(scenario)


def test_a_spare_has_a_shorter_name_than_a_pod(play: Callable[[Scenario], None]) -> None:
    async def scenario(stage: Stage) -> None:
        assert len(await stage.with_a_spare()) <= 36, "a socket's path holds 107 bytes"

    play(scenario)
