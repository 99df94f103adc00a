"""Waiting until the cluster is as a stage wants it, with a deadline and a cause when it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.base.refs import Json, Ref
from hauberk.integration.causes import make_problem
from hauberk.integration.evidence import fetch_evidence
from hauberk.integration.plan import short
from hauberk.integration.readiness import judge
from hauberk.integration.stages import Ready
from hauberk.kubeclient import Kube, explained

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0


async def wait_until_ready(kube: Kube, wanted: Ready, tell: Teller) -> None:
    """Return when it holds. Raises Problem with the causes when it does not in `wanted.within_s`."""
    tell.start(f"{short(wanted.ref)} {wanted.condition}")
    seen: Json | None = None

    async def holds() -> bool:
        nonlocal seen
        with explained(f"read {wanted.ref}", wanted.ref):
            seen = await kube.find(wanted.ref)
        return judge(wanted, seen).holds

    try:
        within = await until(holds, wanted.within_s)
    except Problem:
        tell.failed("cannot be read")
        raise
    if not within:
        tell.failed(judge(wanted, seen).seen)
        raise make_problem(wanted, await fetch_evidence(kube, wanted, seen))
    tell.done(judge(wanted, seen).seen)


async def wait_until_gone(kube: Kube, ref: Ref, within_s: float, *, uid: str = "") -> None:
    """Return when the object is gone, or another has its name. Raises Problem that names what holds it."""
    seen: Json | None = None

    async def gone() -> bool:
        nonlocal seen
        with explained(f"read {ref}", ref):
            seen = await kube.find(ref)
        return seen is None or bool(uid and seen["metadata"].get("uid") != uid)

    if await until(gone, within_s):
        return
    assert seen is not None, "an object that is gone is not waited for"
    holding = ", ".join(seen["metadata"].get("finalizers") or (_namespace_holds(seen),))
    raise Problem(
        f"{ref} is not gone after {within_s:g} s",
        wanted="the object deleted",
        found=f"it waits for {holding}",
        fix="see that the controller of it runs, then run the same command again: it goes on here",
    )


async def until(holds: Callable[[], Awaitable[bool]], within_s: float) -> bool:
    """Ask again and again, more slowly each time; False when the time is up."""
    loop = asyncio.get_running_loop()
    deadline, pause_s = loop.time() + within_s, FIRST_PAUSE_S
    while not await holds():
        left_s = deadline - loop.time()
        if left_s <= 0:
            return False
        await asyncio.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
    return True


def _namespace_holds(obj: Json) -> str:
    told = [
        row.get("message", "")
        for row in (obj.get("status") or {}).get("conditions") or ()
        if row.get("status") == "True"
    ]
    return "; ".join(filter(None, told)) or "no finalizer: the API server has not removed it yet"
