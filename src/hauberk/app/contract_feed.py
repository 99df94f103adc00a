"""Keeps every process of the data plane equal to what the API objects say, and knows what each serves.

Changes of the kinds that roles read → a short pause → each role's contract → PUT to each of its pods, over a
socket in the pod's folder. What all ready pods of a role acknowledged is what controllers are told is
served; when that changes they look again. A process that does not answer is asked again, ever more slowly,
and does not keep the others waiting longer than one PUT may take.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from hauberk.app.control import Refused, get_served, put_contract
from hauberk.app.feed import Feed
from hauberk.base.conditions import condition
from hauberk.base.paths import Paths
from hauberk.base.refs import Json, Ref, is_deleting
from hauberk.events.contract import Contract, Resource, Served
from hauberk.events.roles import LABEL, Acked, Role
from hauberk.ports import Api, Clock

log = logging.getLogger(__name__)

RETRY_S = 0.1
SLOWEST_S = 5.0
FIRST_S = 3.0
LOOK_S = 1.0  # between two looks at processes whose answers change by themselves

Wake = Callable[[str, Ref], None]
"""Lets a controller (by name) look at an object again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A contract that a process took, and its answer."""

    contract: Contract
    served: Served


Answers = Mapping[str, tuple[Acked, Resource]]
"""By the uid of a resource or an egress: what is served of it, and the resource."""


def pods_of(pods: Sequence[Json]) -> Iterator[tuple[str, str, bool]]:
    """Key, uid and readiness of each running pod. A restart of its process makes another key."""
    for pod in pods:
        status = pod.get("status") or {}
        if status.get("phase") != "Running" or is_deleting(pod):
            continue
        restarts = sum(c.get("restartCount", 0) for c in status.get("containerStatuses") or ())
        ready = (condition(pod, "Ready") or {}).get("status") == "True"
        uid = pod["metadata"]["uid"]
        yield f"{uid}/{restarts}", uid, ready


def answers_of(taken: Sequence[Taken]) -> dict[str, tuple[Acked, Resource]]:
    """What all of these processes serve: the oldest generation, and any problem. Pure."""
    out: dict[str, tuple[Acked, Resource]] = {}
    for i, one in enumerate(taken):
        mine = dict(_answers(one))
        if i == 0:
            out = mine
            continue
        out = {uid: _older(row, mine[uid]) for uid, row in out.items() if uid in mine}
    return out


def _answers(taken: Taken) -> Iterator[tuple[str, tuple[Acked, Resource]]]:
    problems = taken.served.problems
    for resource in taken.contract.resources:
        for uid in (resource.uid, *(e.uid for e in resource.egresses if e.uid != resource.uid)):
            yield uid, (Acked(resource.generation, problems.get(uid, "")), resource)


def _older(a: tuple[Acked, Resource], b: tuple[Acked, Resource]) -> tuple[Acked, Resource]:
    first = a if a[0].generation <= b[0].generation else b
    return Acked(first[0].generation, a[0].problem or b[0].problem), first[1]


def changed(before: Answers, after: Answers) -> list[Resource]:
    """The resources about which the answers differ, each once. Pure."""
    found: dict[str, Resource] = {}
    for uid in {*before, *after}:
        old, new = before.get(uid), after.get(uid)
        if (old and old[0]) != (new and new[0]):
            resource = (new or old or (None, None))[1]
            if resource is not None:
                found[resource.uid] = resource
    return list(found.values())


@dataclass
class ContractFeed:
    """Builds contracts, gives them to processes, and answers what these serve."""

    api: Api
    paths: Paths
    clock: Clock
    roles: Sequence[Role]
    woken: Wake = lambda _controller, _ref: None
    _contracts: dict[str, Contract] = field(default_factory=dict)  # by role: the last one built
    _taken: dict[str, dict[str, Taken]] = field(default_factory=dict)  # by role and pod key
    _answers: dict[str, Answers] = field(default_factory=dict)  # by role
    _delay_s: float = RETRY_S
    _again: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        kinds = {"Pod", *(kind for role in self.roles for kind in role.reads)}
        self.feed = Feed(name="contracts", api=self.api, kinds=kinds, clock=self.clock, rebuild=self.rebuild)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.feed.run())
            group.create_task(self._repeat())
            group.create_task(self._look_again())

    async def before(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` (the engine's) once the processes were asked for the first time.

        Otherwise a new control plane would say of everything that it is not served, and take it back at once.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                await self._asked.wait()
        await work()

    def serves(self, role: str, uid: str) -> Acked | None:
        """What every ready process of the role acknowledged about a resource or egress (a `Serves`)."""
        row = self._answers.get(role, {}).get(uid)
        return row[0] if row is not None else None

    async def rebuild(self) -> float:
        """Bring every process up to date; returns the seconds that building took."""
        began = self.clock.monotonic()
        snapshot = self.api.snapshot()
        todo = []
        for role in self.roles:
            pods = list(pods_of(snapshot.list("Pod", None, {LABEL: role.name})))
            taken = self._taken.setdefault(role.name, {})
            for gone in taken.keys() - {key for key, _, _ in pods}:
                del taken[gone]
            if pods:
                contract = self._contract(role, role.resources(snapshot), dict(role.settings(snapshot)))
                todo += [(role, key, uid, contract) for key, uid, _ in pods if not _has(taken, key, contract)]
        took = self.clock.monotonic() - began
        late = [r for r in await asyncio.gather(*(self._put(*row) for row in todo)) if not r]
        for role in self.roles:
            self._settle(role)
        self._asked.set()
        if late:
            self._again.set()
        else:
            self._delay_s = RETRY_S
        return took

    def _contract(self, role: Role, resources: tuple[Resource, ...], settings: dict[str, object]) -> Contract:
        """The role's contract; of a new generation when it says something else."""
        last = self._contracts.get(role.name)
        if last is not None and last.resources == resources and last.settings == settings:
            return last
        generation = max(last.generation + 1 if last else 0, int(self.clock.now() * 1000))
        self._contracts[role.name] = Contract(generation, resources, settings)
        return self._contracts[role.name]

    async def _put(self, role: Role, key: str, uid: str, contract: Contract) -> bool:
        """Give one process its contract. False: ask again."""
        where = {"role": role.name, "pod": uid, "generation": contract.generation}
        try:
            served = await put_contract(self.paths.control_socket(uid), contract)
        except (OSError, TimeoutError) as error:
            log.debug("a process does not take its contract yet", extra={**where, "error": str(error)})
            return False
        except (Refused, msgspec.MsgspecError, ValueError) as error:
            log.warning("a process refuses its contract", extra={**where, "error": str(error)})
            return False
        self._taken[role.name][key] = Taken(contract, served)
        log.debug("contract served", extra={**where, "problems": len(served.problems)})
        return True

    def _settle(self, role: Role) -> None:
        """Work out what the ready processes of a role serve, and wake whom that concerns."""
        pods = pods_of(self.api.snapshot().list("Pod", None, {LABEL: role.name}))
        taken = self._taken.get(role.name, {})
        ready = [taken.get(key) for key, _, is_ready in pods if is_ready]
        known = [row for row in ready if row is not None]
        after = answers_of(known) if len(known) == len(ready) else {}
        before = self._answers.get(role.name, {})
        self._answers[role.name] = after
        kinds = {kind.partition(".")[0]: (kind, controller) for kind, controller in role.wakes.items()}
        for resource in changed(before, after):
            if resource.kind in kinds:
                kind, controller = kinds[resource.kind]
                self.woken(controller, Ref(kind, resource.namespace, resource.name))

    async def _repeat(self) -> None:
        """Ask processes again that did not answer."""
        while True:
            await self._again.wait()
            self._again.clear()
            await self.clock.sleep(self._delay_s)
            self._delay_s = min(2 * self._delay_s, SLOWEST_S)
            self.feed.wake()

    async def _look_again(self) -> None:
        """Ask the processes of restless roles what they serve now."""
        roles = [role for role in self.roles if role.restless]
        while True:
            await self.clock.sleep(LOOK_S)
            for role in roles:
                taken = self._taken.get(role.name, {})
                found = await asyncio.gather(*(self._look(key, row) for key, row in taken.items()))
                taken.update({key: row for key, row in found if key in taken})
                self._settle(role)

    async def _look(self, key: str, row: Taken) -> tuple[str, Taken]:
        """A process's answer as it is now; the last one when it does not answer."""
        try:
            served = await get_served(self.paths.control_socket(key.partition("/")[0]), limit_s=LOOK_S)
        except (OSError, TimeoutError, Refused, msgspec.MsgspecError, ValueError):
            return key, row
        same = served.generation == row.contract.generation
        return key, replace(row, served=served) if same else row


def _has(taken: Mapping[str, Taken], key: str, contract: Contract) -> bool:
    row = taken.get(key)
    return row is not None and row.contract is contract
