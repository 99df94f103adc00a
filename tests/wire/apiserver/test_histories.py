"""Any history of writes, reads and watches against a model: one order explains all that clients saw.

A history is several clients that write and read at the same time, watchers that come, go and resume, restarts
of the server, and a log so short that it is compacted on the way. The model replays the acknowledged writes
in the order of their resourceVersions, which is the only order it allows:

* an operation that ended before another began is before it;
* each write was right to succeed in the state before it, each refusal in a state it could have met;
* a read shows the state at its resourceVersion, and that is not older than any write acknowledged before it;
* a watcher is told of every change of what it selects, once and in order, whatever reconnects and restarts
  lie between; told that its revision is gone, it lists again and goes on from there;
* what it then knows is what a list shows.

`HAUBERK_HISTORIES=1000 pytest tests/wire/apiserver/test_histories.py` tries more of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.apiserver import Server
from hauberk.engine.clock import SystemClock
from hauberk.kinds.testing import a
from hauberk.store import Store
from hauberk.testing.asgi import AsgiClient

HISTORIES = int(os.environ.get("HAUBERK_HISTORIES", "40"))
NAMES, COLOURS = "abcd", ("red", "blue")
PATH = "/api/v1/namespaces/default/configmaps"
KEPT = 30  # changes that the log holds: less than a history has

State = dict[str, tuple[str, str]]  # name → colour and value


@dataclass(frozen=True)
class Done:
    """One operation as its client saw it. `began` and `ended` are ticks of one counter."""

    verb: str
    name: str
    began: int
    ended: int
    code: int
    revision: int = 0
    after: tuple[str, str] | None = None  # of a write
    seen: State | None = None  # of a list
    guard: int = 0  # the resourceVersion that an update sent along


@dataclass
class History:
    """A server that can be started anew, and all that its clients did and saw."""

    path: Path
    ticks: int = 0
    done: list[Done] = field(default_factory=list)
    store: Any = None
    client: Any = None

    async def start(self) -> None:
        self.store = Store.open(self.path, ephemeral=True, kept=KEPT)
        api = Server(self.store, clock=SystemClock())
        if api.snapshot().revision == 0:
            await api.create(a("Namespace", "default"))
        self.client = AsgiClient(api.asgi)

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks

    async def write(self, verb: str, name: str, colour: str, guarded: bool) -> None:
        value, guard = str(self.tick()), 0
        body = {"metadata": {"name": name, "labels": {"colour": colour}}, "data": {"v": value}}
        if guarded and verb == "PUT":
            code, live = await self.client("GET", f"{PATH}/{name}")
            if code == 200:
                guard = int(live["metadata"]["resourceVersion"])
                body["metadata"]["resourceVersion"] = str(guard)
        began = self.tick()
        url = PATH if verb == "POST" else f"{PATH}/{name}"
        code, answer = await self.client(verb, url, None if verb == "DELETE" else body)
        revision = 0
        if code in (200, 201) and verb != "DELETE":
            revision = int(answer["metadata"]["resourceVersion"])
        after = None if verb == "DELETE" else (colour, value)
        self.done.append(Done(verb, name, began, self.tick(), code, revision, after, guard=guard))

    async def list(self, query: str = "") -> tuple[State, int]:
        began = self.tick()
        code, found = await self.client("GET", f"{PATH}?{query}")
        assert code == 200, found
        seen, revision = state_of(found["items"]), int(found["metadata"]["resourceVersion"])
        if not query:
            self.done.append(Done("LIST", "", began, self.tick(), code, revision, seen=seen))
        return seen, revision


def state_of(items: Any) -> State:
    return {o["metadata"]["name"]: row_of(o) for o in items}


def row_of(obj: Any) -> tuple[str, str]:
    return obj["metadata"]["labels"]["colour"], obj["data"]["v"]


Change = tuple[int, str, str, tuple[str, str] | None]  # revision, type, name, state after


@dataclass
class Watcher:
    """One client that lists and watches, as an informer does."""

    history: History
    colour: str = ""  # empty: everything
    known: State = field(default_factory=dict)
    revision: int = 0
    told: list[Change] = field(default_factory=list)
    gaps: list[tuple[int, int]] = field(default_factory=list)  # bridged by a list

    @property
    def query(self) -> str:
        return f"labelSelector=colour%3D{self.colour}" if self.colour else ""

    async def begin(self) -> None:
        before = self.revision
        self.known, self.revision = await self.history.list(self.query or "labelSelector=")
        self.gaps.append((before, self.revision))

    async def read(self, until: Callable[[], bool]) -> None:
        """Watch from where it is until the condition holds, then leave."""
        url = f"{PATH}?watch=1&allowWatchBookmarks=true&resourceVersion={self.revision}&{self.query}"
        async with self.history.client.stream(url) as events:
            try:
                async with asyncio.timeout(5):
                    while not until():
                        event = await anext(events, None)
                        if event is None or not self.take(event):
                            break
            except TimeoutError:
                raise AssertionError(f"stuck at {self.revision}: {self}") from None
        if self.revision < 0:
            self.revision = -self.revision
            await self.begin()

    def take(self, event: Any) -> bool:
        obj, type_ = event["object"], event["type"]
        if type_ == "ERROR":
            assert obj["code"] == 410, obj
            self.revision = -self.revision
            return False
        revision = int(obj["metadata"]["resourceVersion"])
        assert revision > self.revision, f"{type_} {revision} after {self.revision}"
        self.revision = revision
        if type_ == "BOOKMARK":
            return True
        name = obj["metadata"]["name"]
        assert (name in self.known) == (type_ != "ADDED"), f"{type_} of {name}, knowing {self.known}"
        if type_ == "DELETED":
            del self.known[name]
        else:
            self.known[name] = row_of(obj)
        self.told.append((revision, type_, name, self.known.get(name)))
        return True


def selected(changes: list[Change], colour: str) -> list[Change]:
    """The changes of the objects of one colour, as a watch of it sees them."""
    inside: set[str] = set()
    out: list[Change] = []
    for revision, type_, name, after in changes:
        now = after is not None and (not colour or after[0] == colour)
        if now:
            out.append((revision, type_ if not colour else _type(name in inside), name, after))
            inside.add(name)
        elif name in inside:
            inside.discard(name)
            out.append((revision, "DELETED", name, None))
    return out


def _type(known: bool) -> str:
    return "MODIFIED" if known else "ADDED"


def check(history: History, changes: list[Change], watchers: list[Watcher]) -> None:
    """Whether one order of the writes explains everything."""
    states: dict[int, State] = {0: {}}
    last: State = {}
    order = [0]
    by_object: dict[str, int] = {}
    versions: list[tuple[int, dict[str, int]]] = [(0, {})]
    for revision, type_, name, after in changes:
        assert (name in last) == (type_ != "ADDED"), "the log itself is a history"
        last = {k: v for k, v in last.items() if k != name} | ({name: after} if after else {})
        by_object = {k: v for k, v in by_object.items() if k != name} | ({name: revision} if after else {})
        states[revision], order = last, [*order, revision]
        versions.append((revision, by_object))

    def at(revision: int) -> State:
        return states[max(r for r in order if r <= revision)]

    by_revision = {c[0]: c for c in changes}
    acknowledged = [d for d in history.done if d.revision and d.verb in ("POST", "PUT")]
    for one in acknowledged:
        assert by_revision[one.revision][2:] == (one.name, one.after), one
        assert (one.verb == "POST") == (one.name not in at(one.revision - 1)), one
        if one.guard:
            before = max((v for v in versions if v[0] < one.revision), key=lambda v: v[0])[1]
            assert before[one.name] == one.guard, f"a lost update: {one}"
    for one in history.done:
        if one.revision:
            earlier = [d.revision for d in acknowledged if d.ended < one.began]
            assert one.revision >= max(earlier, default=0), f"an acknowledged write is not seen: {one}"
            later = [d.revision for d in acknowledged if d.began > one.ended]
            assert one.revision < min(later, default=one.revision + 1), one
        if one.seen is not None:
            assert one.seen == at(one.revision), one
    deleted = [d for d in history.done if d.verb == "DELETE" and d.code == 200]
    assert len(deleted) == sum(c[1] == "DELETED" for c in changes), "each deletion is acknowledged once"
    for watcher in watchers:
        bridged = [(lo, hi) for lo, hi in watcher.gaps]
        wanted = [
            c
            for c in selected(changes, watcher.colour)
            if c[0] <= watcher.revision and not any(lo < c[0] <= hi for lo, hi in bridged)
        ]
        assert watcher.told == wanted


writes = st.tuples(
    st.sampled_from(["POST", "PUT", "DELETE"]),
    st.sampled_from(NAMES),
    st.sampled_from(COLOURS),
    st.booleans(),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(writes, min_size=1, max_size=8)),
        st.tuples(st.just("write"), st.lists(writes, min_size=8, max_size=20)),
        st.tuples(st.just("list"), st.just(None)),
        st.tuples(st.just("watch"), st.integers(0, 2)),
        st.tuples(st.just("restart"), st.just(None)),
    ),
    min_size=3,
    max_size=14,
)


async def step(history: History, watchers: list[Watcher], what: str, value: Any) -> None:
    match what:
        case "write":  # at the same time, with a list among them
            async with asyncio.TaskGroup() as group:
                for write in value:
                    group.create_task(history.write(*write))
                group.create_task(history.list())
        case "list":
            await history.list()
        case "watch":  # one more change, or what there is
            watcher = watchers[value]
            goal = history.store.snapshot().revision
            told = len(watcher.told)
            await watcher.read(lambda: len(watcher.told) > told or caught_up(history, watcher, goal))
        case "restart":
            await history.store.close()
            await history.start()


def caught_up(history: History, watcher: Watcher, goal: int) -> bool:
    """Nothing that the watcher selects has changed since its revision, up to the goal."""
    live = {o["metadata"]["name"]: row_of(o) for o in history.store.snapshot().list("ConfigMap", "default")}
    mine = {n: r for n, r in live.items() if not watcher.colour or r[0] == watcher.colour}
    return watcher.revision >= goal or watcher.known == mine


@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(steps=steps)
def test_one_order_explains_what_every_client_saw(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    async def run() -> None:
        history = History(tmp_path_factory.mktemp("history") / "s.db")
        await history.start()
        changes: list[Change] = []
        log = history.store.watch(["ConfigMap"])
        watchers = [Watcher(history), Watcher(history, "red"), Watcher(history, "blue")]
        for watcher in watchers:
            await watcher.begin()
        for what, value in steps:
            if what == "restart":
                await drain(history, log, changes)
            await step(history, watchers, what, value)
            if what == "restart":
                log = history.store.watch(["ConfigMap"])
        await drain(history, log, changes)
        for watcher in watchers:
            goal = history.store.snapshot().revision
            await watcher.read(lambda w=watcher, g=goal: caught_up(history, w, g))  # type: ignore[misc]
            everything = state_of(history.store.snapshot().list("ConfigMap", "default"))
            mine = {n: r for n, r in everything.items() if not watcher.colour or r[0] == watcher.colour}
            assert watcher.known == mine, "a list and the changes after it are a later list"
        check(history, changes, watchers)
        await history.store.close()

    asyncio.run(run())


async def drain(history: History, log: Any, changes: list[Change]) -> None:
    """Take over what was committed, from a subscription that was there all the time."""
    last = history.store.snapshot().revision
    while log.revision < last:
        for event in await log.read():
            after = None if event.type == "DELETED" else row_of(event.obj)
            changes.append((event.revision, event.type, event.obj["metadata"]["name"], after))
