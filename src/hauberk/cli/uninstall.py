"""`hauberk uninstall`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hauberk.cli import plan
from hauberk.cli.common import Progress, file_option, interrupt_on_signals, output_option
from hauberk.cli.install import print_done
from hauberk.cli.target import cluster_options, confirm, on_cluster, read_stages, resumable, yes_option

if TYPE_CHECKING:
    from hauberk.integration.plan import Change
    from hauberk.kubeclient import Kube


@click.command(
    epilog="""\b
Examples:
  hauberk uninstall --dry-run                 what would go
  hauberk uninstall --yes
  hauberk uninstall -f prod.yaml --context prod
"""
)
@file_option
@cluster_options
@output_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would go.")
@click.option(
    "--leave-services", is_flag=True, help="Go on though Knative services exist; they stop working."
)
@click.option("--adopted", is_flag=True, help="Also delete objects that were there before `install`.")
@click.option("--timeout", "within_s", type=click.FloatRange(min=1), help="Seconds for each object to go.")
def command(
    file: str,
    name: str,
    context: str,
    kubeconfig: str,
    output: str,
    yes: bool,
    dry_run: bool,
    leave_services: bool,
    adopted: bool,
    within_s: float | None,
) -> None:
    """Undo `hauberk install`: in reverse order, leaving nothing of it.

    What `install` created is deleted, with what operators leave behind. Objects that were there
    before are given back: only our fields go. A namespace in which somebody else has something stays.
    """
    from hauberk.integration import uninstall as room
    from hauberk.integration.differences import fetch_ours

    interrupt_on_signals()
    integration, stages = read_stages(file)
    tell = Progress()

    async def planned(kube: Kube) -> tuple[Change, ...]:
        found = room.plan_uninstall(stages, await fetch_ours(kube), adopted=adopted)
        if not leave_services and not dry_run:
            room.check_dependents(await room.fetch_dependents(kube))
        return found

    async def act(kube: Kube) -> tuple[Change, ...]:
        return await room.uninstall(kube, integration, stages, tell, adopted=adopted, within_s=within_s or 0)

    changes = on_cluster(name, kubeconfig, context, planned)
    if dry_run:
        plan.show(changes, output)
        return
    confirm(f"Remove {len(changes)} objects?", yes=yes)
    with resumable():
        done = on_cluster(name, kubeconfig, context, act)
    print_done(done, output)
