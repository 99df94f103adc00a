"""`hauberk doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hauberk.base.problems import Problem
from hauberk.cli.target import cluster_options, kubeconfig_of

if TYPE_CHECKING:
    from hauberk.checks.doctor import Subject
    from hauberk.checks.model import Report, Severity

FORMS = ("table", "short", "json", "sarif", "junit")
SEVERITIES = ("error", "warning", "info", "never")
CHECKS_FAILED = 3


@click.command(
    epilog="""\b
Examples:
  hauberk doctor                                    the cluster of the current context
  hauberk doctor -f manifests/                      files only, no cluster needed
  hauberk render | hauberk doctor -f -              what `install` would apply
  hauberk doctor -f manifests/ -o sarif > doctor.sarif
  hauberk doctor --explain HBK1303
  hauberk doctor -f manifests/ --watch              again at each change

Exit status: 3 when there are findings of the severity of --fail-on, or higher.
"""
)
@click.option(
    "--file", "-f", "files", multiple=True, metavar="DIR|FILE|-",
    help="Judge these manifests instead of a cluster; repeatable.",
)  # fmt: skip
@cluster_options
@click.option(
    "--output", "-o", type=click.Choice(FORMS), default="table", show_default=True, help="How to print."
)
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default="error", show_default=True,
    help="The lowest severity for which the command fails.",
)  # fmt: skip
@click.option(
    "--suppressions", metavar="FILE",
    help="Findings that are accepted, each with a reason. [default: .hauberk-doctor.yaml when it is there]",
)  # fmt: skip
@click.option("--show-suppressed", is_flag=True, help="List what is suppressed, and why.")
@click.option(
    "--whole/--part", default=None,
    help="Whether the files are the whole integration, so that what is not there is missing. "
    "[default: they are when they hold mesh, Gateways or Serving together]",
)  # fmt: skip
@click.option("--watch", "-w", is_flag=True, help="Judge again when something changes, until Ctrl-C.")
@click.option(
    "--interval", type=click.FloatRange(0.2), help="Seconds between looks. [default: 1; a cluster 10]"
)
@click.option("--explain", metavar="CODE", help="Print the page of one check.")
@click.option("--list", "list_", is_flag=True, help="List all checks.")
def command(
    files: tuple[str, ...],
    name: str,
    kubeconfig: str,
    context: str,
    output: str,
    fail_on: str,
    suppressions: str | None,
    show_suppressed: bool,
    whole: bool | None,
    watch: bool,
    interval: float | None,
    explain: str | None,
    list_: bool,
) -> None:
    """Check the integration of mesh and Serverless: wanted, found, fix, for each finding."""
    from hauberk.checks import doctor
    from hauberk.engine.clock import SystemClock

    if explain or list_:
        click.echo(_catalogue(explain), nl=False)
        return
    _refuse(files, name or kubeconfig or context, output, watch, whole)
    kubeconfig, context = kubeconfig_of(name, kubeconfig, context)
    subject = doctor.Subject(
        files=files, kubeconfig=kubeconfig, context=context, suppressions=suppressions, whole=whole
    )
    lowest = None if fail_on == "never" else doctor.severity_of(fail_on)
    if watch:
        _watch(subject, output, interval)
        return
    report = doctor.examine(subject, now=SystemClock().now(), warn=_warn)
    click.echo(_text(report, output, lowest, show_suppressed), nl=False)
    worst = report.worst()
    if lowest is not None and worst is not None and worst >= lowest:
        raise click.exceptions.Exit(CHECKS_FAILED)


def _refuse(files: tuple[str, ...], cluster: str, output: str, watch: bool, whole: bool | None) -> None:
    if files and cluster:
        raise click.UsageError(
            "-f judges files; --name, --kubeconfig and --context a cluster: give one of them."
        )
    if whole is not None and not files:
        raise click.UsageError("--whole and --part are about files: add -f.")
    if watch and output in ("sarif", "junit"):
        raise click.UsageError(f"-o {output} is one document; --watch prints -o table, short or json.")
    if watch and "-" in files:
        raise click.UsageError("--watch cannot read standard input again: name the files.")


def _catalogue(explain: str | None) -> str:
    from hauberk.checks import page, table

    if explain:
        return page.page(table.check_of(explain))
    rows = [f"{c.code}  {c.severity!s:<8} {c.title}\n" for c in table.CHECKS]
    return "".join(rows)


def _warn(text: str) -> None:
    click.echo(text, err=True)


def _text(report: Report, form: str, lowest: Severity | None, show_suppressed: bool) -> str:
    import sys

    from hauberk.checks.output import json, junit, sarif, short, table

    match form:
        case "short":
            return short.text(report)
        case "json":
            return json.text(report)
        case "sarif":
            return sarif.text(report)
        case "junit":
            return junit.text(report, fail_on=lowest)
        case _:
            colour = sys.stdout.isatty()
            return table.text(report, colour=colour, show_suppressed=show_suppressed)


def _watch(subject: Subject, form: str, interval: float | None) -> None:
    """Print the report, then each change of it; what cannot be read is told once and tried again."""
    from hauberk.checks import doctor
    from hauberk.engine.clock import SystemClock

    before: Report | None = None
    trouble = ""
    for look in doctor.looks(subject, now=SystemClock().now, interval_s=interval):
        if isinstance(look, Problem):
            if str(look) != trouble:
                _warn(str(look))
            trouble = str(look)
            continue
        trouble = ""
        if before is None or doctor.differs(before, look):
            click.echo(_changed(before, look, form), nl=False)
        before = look


def _changed(before: Report | None, report: Report, form: str) -> str:
    import json as plain

    from hauberk.checks.output import json, short, table

    if form == "json":
        return plain.dumps(json.document(report), ensure_ascii=False) + "\n"
    if form == "table":
        return table.text(report)
    old = {f.key(): f for f in before.findings} if before else {}
    new = {f.key(): f for f in report.findings}
    lines = [f"+ {short.line(f)}\n" for key, f in new.items() if key not in old]
    return "".join([*lines, *(f"- {short.line(f)}\n" for key, f in old.items() if key not in new)])
