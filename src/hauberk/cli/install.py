"""`hauberk install`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from hauberk.base.problems import Problem
from hauberk.cli import plan
from hauberk.cli.common import Progress, file_option, interrupt_on_signals, output_option
from hauberk.cli.target import (
    cluster_options,
    confirm,
    on_cluster,
    read_secrets,
    read_stages,
    resumable,
    this_moment,
    yes_option,
)

if TYPE_CHECKING:
    from hauberk.integration.plan import Change
    from hauberk.integration.preflight import Row
    from hauberk.kubeclient import Kube


@click.command(
    epilog="""\b
Examples:
  hauberk install                             hauberk.yaml, on the cluster of the kubeconfig
  hauberk install -f prod.yaml --context prod --dry-run
  hauberk install --name default --yes        on an embedded cluster
"""
)
@file_option
@cluster_options
@output_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would change, as `hauberk plan` does.")
@click.option("--force-conflicts", is_flag=True, help="Take over fields that another manager owns.")
@click.option("--skip-preflight", is_flag=True, help="Do not run `hauberk preflight` first.")
@click.option("--timeout", "within_s", type=click.FloatRange(min=1), help="Seconds for each wait.")
def command(
    file: str,
    name: str,
    context: str,
    kubeconfig: str,
    output: str,
    yes: bool,
    dry_run: bool,
    force_conflicts: bool,
    skip_preflight: bool,
    within_s: float | None,
) -> None:
    """Carry out hauberk.yaml on a cluster: in order, waiting for each stage.

    Every object is applied (server-side, field manager `hauberk`); what is so already is not
    changed. It stops at the first problem, with its cause. After any interruption, run it again: it
    goes on where it stopped.
    """
    from hauberk.integration.install import Options, install
    from hauberk.integration.preflight import preflight

    if dry_run:
        plan.show(plan.fetch(file, name, context, kubeconfig, force=force_conflicts), output)
        return
    interrupt_on_signals()
    integration, stages = read_stages(file)
    options = Options(force=force_conflicts, within_s=within_s or 0)
    tell = Progress()

    async def act(kube: Kube) -> tuple[Change, ...]:
        if not skip_preflight:
            tell.start("preflight")
            check(await preflight(kube, integration, stages, this_moment()), tell)
        return await install(kube, stages, tell, options, secrets=read_secrets(integration, file))

    confirm_install(yes, file)
    with resumable():
        done = on_cluster(name, kubeconfig, context, act)
    print_done(done, output)


def confirm_install(yes: bool, file: str) -> None:
    """Ask on a terminal; a script that calls `install` means it."""
    if sys.stdin.isatty():
        confirm(f"Carry out {file}?", yes=yes)


def check(rows: tuple[Row, ...], tell: Progress) -> None:
    """Show the preflight, and refuse to go on when a row fails. Raises Problem."""
    failed = [row for row in rows if row.level == "fail"]
    for row in failed[1:]:
        tell.say(f"     {row.title}: {row.found}")
    if not failed:
        tell.done(f"{len(rows)} checks")
        return
    tell.failed(f"{len(failed)} failed")
    first = failed[0]
    more = f" (and {len(failed) - 1} more: hauberk preflight)" if failed[1:] else ""
    raise Problem(f"preflight: {first.title}{more}", wanted=first.wanted, found=first.found, fix=first.fix)


def print_done(done: tuple[Change, ...], output: str) -> None:
    """What was done: a line, or every object."""
    from hauberk.integration.plan import summary

    if output == "json":
        click.echo(json.dumps([change.as_json() for change in done], indent=2))
        return
    past = {
        "to create": "created",
        "to change": "changed",
        "to delete": "deleted",
        "to release": "given back",
    }
    text = summary(done)
    for before, after in past.items():
        text = text.replace(before, after)
    click.echo(text)
