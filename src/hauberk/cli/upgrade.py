"""`hauberk upgrade`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hauberk.cli import plan
from hauberk.cli.common import Progress, file_option, interrupt_on_signals, output_option
from hauberk.cli.install import check, print_done
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
    from hauberk.base.refs import Ref
    from hauberk.integration.plan import Change
    from hauberk.kubeclient import Kube


@click.command(
    epilog="""\b
Examples:
  hauberk upgrade -f sm3.yaml --dry-run       from `sm2` on the cluster to the file's `sm3`
  hauberk upgrade -f sm3.yaml --yes
"""
)
@file_option
@cluster_options
@output_option
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would go and what would change.")
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
    """Go from the profile or version that is installed to that of hauberk.yaml.

    What only the old one has is removed, the new one installed, Knative's pods made anew for the new
    mesh, and Routes to the old gateway deleted. Between two meshes traffic stops; it says so before.
    """
    from hauberk.integration import upgrade as room
    from hauberk.integration.differences import fetch_ours
    from hauberk.integration.install import Options
    from hauberk.integration.preflight import preflight

    interrupt_on_signals()
    integration, stages = read_stages(file)
    options = Options(force=force_conflicts, within_s=within_s or 0)
    tell = Progress()

    async def planned(kube: Kube) -> room.Upgrade:
        found = room.plan_upgrade(integration, stages, await fetch_ours(kube))
        if not dry_run and not skip_preflight:
            tell.start("preflight")
            rows = await preflight(kube, integration, stages, this_moment())
            check(room.rows_that_count(found, rows), tell)
        return found

    async def act(kube: Kube) -> tuple[tuple[Change, ...], tuple[Ref, ...]]:
        return await room.upgrade(
            kube, integration, stages, tell, options, secrets=read_secrets(integration, file)
        )

    found = on_cluster(name, kubeconfig, context, planned)
    if dry_run:
        changes = plan.fetch(file, name, context, kubeconfig, force=force_conflicts)
        gone = {c.ref for c in found.removals}
        plan.show((*found.removals, *(c for c in changes if c.ref not in gone)), output)
        return
    stops = " Traffic stops until the new mesh is ready." if found.changes_mesh else ""
    confirm(f"Remove {len(found.removals)} objects and carry out {file}?{stops}", yes=yes)
    with resumable():
        done, left = on_cluster(name, kubeconfig, context, act)
    print_done(done, output)
    if left:
        tell.say(f"{len(left)} pods still have the sidecar of the mesh before; make them anew:")
        for ref in left:
            tell.say(f"  kubectl delete pod {ref.name} -n {ref.namespace}")
