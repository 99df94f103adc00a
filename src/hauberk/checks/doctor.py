"""What `hauberk doctor` does: read files or a cluster, judge, and look again. The room's only loop."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from hauberk.base.problems import Problem
from hauberk.checks import files, judge, suppress
from hauberk.checks.model import Report, Severity
from hauberk.checks.suppress import Suppression
from hauberk.checks.world import World

DEFAULT_FILE = ".hauberk-doctor.yaml"
FILES_EVERY_S, CLUSTER_EVERY_S = 1.0, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What to examine: files when there are any, else the cluster of a kubeconfig."""

    files: tuple[str, ...] = ()
    kubeconfig: str = ""
    context: str = ""
    suppressions: str | None = None
    whole: bool | None = None


def severity_of(name: str) -> Severity:
    """`warning` → Severity.WARNING."""
    return Severity[name.upper()]


def examine(subject: Subject, *, now: float, warn: Callable[[str], None] = lambda _: None) -> Report:
    """Read and judge once. `now`: seconds since the epoch; `warn` is told what could not be read.

    Raises Problem when files or cluster cannot be read at all.
    """
    world = _of_files(subject, now) if subject.files else _of_cluster(subject, now, warn)
    return judge.run(world, suppressions=_suppressions(subject.suppressions))


def _of_files(subject: Subject, now: float) -> World:
    texts = [("<stdin>", sys.stdin.read())] if "-" in subject.files else []
    texts += files.manifests(path for path in subject.files if path != "-")
    world = files.world_of(texts, now=now, whole=subject.whole)
    if not world.items and not world.faults:
        raise Problem(
            "there is nothing to judge",
            wanted=f"manifests: {', '.join(files.ENDINGS)}",
            found=f"none in {', '.join(subject.files)}",
            fix="hauberk render --help",
        )
    return world


def _of_cluster(subject: Subject, now: float, warn: Callable[[str], None]) -> World:
    from hauberk.checks.live import fetch_world
    from hauberk.kubeclient import Target, connect, explained

    async def fetch() -> World:
        async with connect(Target(kubeconfig=subject.kubeconfig, context=subject.context)) as kube:
            with explained("read the cluster"):
                seen = await fetch_world(kube, now=now)
        if not seen.world.listed:
            raise Problem(
                "nothing of this cluster may be listed",
                wanted="the permission to list what the checks judge, such as the role `cluster-reader`",
                found=f"all of {len(seen.forbidden)} kinds are forbidden",
                fix="oc adm policy add-cluster-role-to-user cluster-reader USER",
            )
        for kind in seen.forbidden:
            warn(f"may not list {kind}: the checks that need it say nothing")
        return seen.world

    return asyncio.run(fetch())


def _suppressions(name: str | None) -> tuple[Suppression, ...]:
    file = Path(name or DEFAULT_FILE)
    if name is None and not file.exists():
        return ()
    try:
        return suppress.of_file(str(file), file.read_text())
    except OSError as error:
        raise Problem(
            f"`{file}` cannot be read",
            wanted="a file of suppressions",
            found=str(error),
            fix="hauberk doctor --suppressions FILE",
        ) from error


def looks(
    subject: Subject, *, now: Callable[[], float], interval_s: float | None = None
) -> Iterator[Report | Problem]:
    """A report now and after each interval, for ever; the Problem where reading failed."""
    pause = interval_s or (FILES_EVERY_S if subject.files else CLUSTER_EVERY_S)
    while True:
        try:
            yield examine(subject, now=now())
        except Problem as problem:
            yield problem
        sleep(pause)


def differs(one: Report, other: Report) -> bool:
    """Whether something was found that was not before, or the other way round."""
    return {f.key() for f in one.findings} != {f.key() for f in other.findings}
