"""One run of the doctor: every check over a world, suppressions applied, findings in a stable order. Pure.

A check whose judge fails is a finding (HBK1000) and not a crash: the doctor reports on broken clusters.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence

from hauberk.checks.model import Check, Finding, Found, Place, Report, Suppressed, field_text
from hauberk.checks.suppress import Suppression, of_annotations
from hauberk.checks.table import BY_CODE, CHECKS
from hauberk.checks.world import World

PLACEHOLDER = "HBK1004"
log = logging.getLogger(__name__)


def run(
    world: World, *, suppressions: Iterable[Suppression] = (), checks: Sequence[Check] = CHECKS
) -> Report:
    """Judge the world; what is suppressed with a reason is kept apart."""
    rules = (*suppressions, *of_annotations(world.items))
    found = _without_echoes([f for check in checks for f in _findings(check, world)])
    kept, hidden, used = _apart(found, [r for r in rules if r.reason])
    only = {check.code for check in checks}
    kept += [f for f in _about(rules, used) if f.code in only]
    kept.sort(key=_order)
    return Report(
        findings=tuple(kept),
        suppressed=tuple(hidden),
        checks=len(checks),
        objects=len(world.items) - world.promised,
    )


def _findings(check: Check, world: World) -> Iterator[Finding]:
    if not all(world.knows(kind) for kind in check.needs):
        return
    try:
        yield from [finding_of(check, found) for found in check.judge(world)]
    except Exception as error:  # a judge must not hide the others
        log.exception("check failed", extra={"code": check.code})
        said = f"{check.code} failed with {type(error).__name__}: {error}"
        yield finding_of(BY_CODE["HBK1000"], Found(item=None, found=said))


def _without_echoes(found: Sequence[Finding]) -> list[Finding]:
    """Of a field with a placeholder nothing else is said: whatever it is, it is not the value."""
    blank = {(f.ref, f.field) for f in found if f.code == PLACEHOLDER}
    return [f for f in found if f.code == PLACEHOLDER or (f.ref, f.field) not in blank]


def finding_of(check: Check, found: Found) -> Finding:
    """The finding with everything that is printed of it."""
    place = found.item.place(found.path) if found.item else _place_in(found.found)
    item, path = found.item, found.path
    maker = item.maker if item else None
    if maker is not None:
        item, path = maker[0], (*maker[1], *path[1:])
    return Finding(
        code=check.code,
        severity=check.severity,
        title=check.title,
        ref=item.ref if item else None,
        field=field_text(path),
        found=found.found,
        wanted=found.wanted or check.wanted,
        fix=found.fix or check.fix,
        place=place,
    )


def _place_in(text: str) -> Place | None:
    """The place that a finding about a file itself begins with."""
    file, colon, rest = text.partition(": ")[0].rpartition(":")
    return Place(file=file, line=int(rest)) if colon and rest.isdigit() else None


def _apart(
    found: Iterable[Finding], rules: Sequence[Suppression]
) -> tuple[list[Finding], list[Suppressed], set[int]]:
    kept: list[Finding] = []
    hidden: list[Suppressed] = []
    used: set[int] = set()
    by_code: dict[str, list[int]] = {}
    for index, rule in enumerate(rules):
        by_code.setdefault(rule.code, []).append(index)
    for finding in found:
        hits = [i for i in by_code.get(finding.code, ()) if rules[i].covers(finding)]
        used |= {id(rules[i]) for i in hits}
        if hits:
            rule = rules[hits[0]]
            hidden.append(Suppressed(finding=finding, reason=rule.reason, by=rule.by))
        else:
            kept.append(finding)
    return kept, hidden, used


def _about(rules: Iterable[Suppression], used: set[int]) -> Iterator[Finding]:
    """Findings about the suppressions themselves."""
    for rule in rules:
        if not rule.reason:
            yield _rule_finding("HBK1007", rule, f"{rule.code} in {rule.by}")
        elif id(rule) not in used:
            yield _rule_finding("HBK1008", rule, f"{rule.code} in {rule.by}")


def _rule_finding(code: str, rule: Suppression, text: str) -> Finding:
    check = BY_CODE[code]
    return Finding(
        code=code,
        severity=check.severity,
        title=check.title,
        ref=rule.item.ref if rule.item else None,
        field="",
        found=text,
        wanted=check.wanted,
        fix=check.fix,
        place=rule.place,
    )


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    place = finding.place
    return (
        -finding.severity,
        finding.code,
        place.file if place else "",
        place.line if place else 0,
        f"{finding.ref} {finding.field} {finding.found}",
    )
