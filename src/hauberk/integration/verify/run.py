"""One run of the matrix: create, send, judge, take away. Each row is told as it is known."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from hauberk.base.problems import Problem
from hauberk.base.progress import Teller
from hauberk.integration.verify import clients, events, scaling, services
from hauberk.integration.verify.judges import judge_external, judge_other_ca
from hauberk.integration.verify.make import make_service
from hauberk.integration.verify.model import BY_ID, PROBES, Plan, Row, Verdict
from hauberk.integration.verify.outside import Edge, open_
from hauberk.integration.verify.traces import Traces, fetch_leftovers, remove
from hauberk.kubeclient import Kube

MARKS = {"pass": "", "skip": "skipped: ", "fail": ""}


@dataclass
class _Book:
    """The rows as they become known."""

    plan: Plan
    tell: Teller
    rows: dict[str, Row] = field(default_factory=dict)

    async def probe(self, name: str, show: Callable[[], Awaitable[Verdict]]) -> None:
        """Show one row when the plan wants it. A Problem on the way is a row that failed."""
        if not self.plan.wants(name):
            return
        began = time.monotonic()
        self.tell.start(BY_ID[name].title)
        try:
            verdict = await show()
        except Problem as problem:
            verdict = Verdict("fail", f"{problem.what}: {problem.found}")
        self.put(name, verdict, time.monotonic() - began)

    def put(self, name: str, verdict: Verdict, took_s: float = 0.0) -> None:
        """Write a row down and tell it."""
        self.rows[name] = Row(probe=BY_ID[name], verdict=verdict, took_s=took_s)
        told = self.tell.failed if verdict.outcome == "fail" else self.tell.done
        told(f"{MARKS[verdict.outcome]}{verdict.seen}")

    def skip_rest(self, why: str) -> None:
        """Every wanted row that nothing is known of."""
        for probe in PROBES:
            if self.plan.wants(probe.id) and probe.id not in self.rows:
                self.tell.start(probe.title)
                self.put(probe.id, Verdict("skip", why))

    def all(self) -> tuple[Row, ...]:
        """The rows in the matrix's order."""
        return tuple(self.rows[probe.id] for probe in PROBES if probe.id in self.rows)


async def verify(kube: Kube, plan: Plan, edge: Edge, other_roots: str, tell: Teller) -> tuple[Row, ...]:
    """Send everything and judge it. Whatever happens, what was created is deleted at the end.

    `other_roots` is a CA that did not sign the certificate. Raises Problem when the cluster cannot be used
    at all, or when something created could not be removed.
    """
    places = dict.fromkeys(n for n in (plan.namespace, plan.tenant_namespace) if n)
    await remove(kube, await fetch_leftovers(kube, places))
    book, traces = _Book(plan, tell), Traces(kube)
    try:
        await _steps(kube, plan, edge, other_roots, book, traces)
    finally:
        await traces.remove()
    return book.all()


async def _steps(kube: Kube, plan: Plan, edge: Edge, other_roots: str, book: _Book, traces: Traces) -> None:
    ready = await _ready(kube, plan, book, traces)
    if not ready:
        book.skip_rest("the probe service is not ready")
        return
    await _external(plan, edge, other_roots, book)
    await clients.show(kube, plan, traces, book.probe)
    await scaling.show(kube, plan, edge, book.probe)
    await events.show(kube, plan, traces, book.probe)


async def _ready(kube: Kube, plan: Plan, book: _Book, traces: Traces) -> bool:
    """The probe service; its row is told even when the plan wants others only, if it fails."""
    book.tell.start(BY_ID["ready"].title)
    began = time.monotonic()
    await traces.create(make_service(plan))
    verdict = await services.wait_for_service(kube, plan)
    if plan.wants("ready") or verdict.outcome == "fail":
        book.put("ready", verdict, time.monotonic() - began)
    else:
        book.tell.done()
    return verdict.outcome == "pass"


async def _external(plan: Plan, edge: Edge, other_roots: str, book: _Book) -> None:
    async def through(roots: str, judge: Callable[..., Verdict]) -> Verdict:
        async with open_(plan.host, Edge(address=edge.address, roots=roots)) as client:
            return judge(await client.get())

    await book.probe("external", lambda: through(edge.roots, judge_external))
    await book.probe("other-ca", lambda: through(other_roots, judge_other_ca))


def has_failed(rows: Iterable[Row]) -> bool:
    """Whether a row does not hold."""
    return any(row.verdict.outcome == "fail" for row in rows)
