"""Sentences with the resource that decides, for people and as rows for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hauberk.base.problems import Problem
from hauberk.base.refs import Ref
from hauberk.explain.seen import Seen

Mark = Literal["", "passes", "refused", "unsure"]
MARKS = {"": "·", "passes": "✓", "refused": "✗", "unsure": "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """One thing that applies, and the resource that decides it."""

    about: str
    words: str
    decides: str = ""
    mark: Mark = ""

    def as_json(self) -> dict[str, Any]:
        """The row of `-o json`."""
        more = {"decides": self.decides, "verdict": self.mark}
        return {"about": self.about, "words": self.words, **{k: v for k, v in more.items() if v}}


def as_text(rows: Sequence[Say]) -> str:
    """A line each: what it is about, what applies, who decides."""
    width = max((len(row.about) for row in rows), default=0)
    lines = []
    for row in rows:
        tail = f"  [{row.decides}]" if row.decides else ""
        lines.append(f"{MARKS[row.mark]} {row.about.ljust(width)}  {row.words}{tail}")
    return "\n".join(lines)


def findings_about(seen: Seen, refs: Iterable[Ref]) -> list[Say]:
    """What the mesh says of these resources: parts that are left out or have no effect."""
    wanted = set(refs)
    return [
        Say(about="finding", words=f"{f.reason}: {f.message}", decides=str(f.ref))
        for f in seen.mesh.findings
        if f.ref in wanted
    ]


def not_there(kind: str, namespace: str, name: str, known: Iterable[str]) -> Problem:
    """The Problem of a name that nothing has."""
    import difflib

    names = list(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return Problem(
        f"there is no {kind} `{name}` in `{namespace}`",
        wanted=f"one of: {', '.join(sorted(names)[:8])}" if names else f"a {kind} in that namespace",
        found=name,
        fix=f"hauberk mesh describe {kind} {near[0]} --namespace {namespace}"
        if near
        else f"kubectl get {kind} -A",
    )
