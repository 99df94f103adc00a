"""`hauberk plan`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hauberk.cli.common import file_option, output_option
from hauberk.cli.target import cluster_options, on_cluster, read_secrets, read_stages

if TYPE_CHECKING:
    from hauberk.integration.plan import Change
    from hauberk.kubeclient import Kube

COLOURS = {"create": "green", "change": "yellow", "delete": "red", "release": "red", "refused": "red"}
WIDTH = 60


@click.command(
    epilog="""\b
Examples:
  hauberk plan                                what `hauberk install` would change
  hauberk plan -f prod.yaml --context prod
  hauberk plan --check -o json                exit status 3 when there is a difference
"""
)
@file_option
@cluster_options
@output_option
@click.option("--check", is_flag=True, help="Exit status 3 when the cluster differs from the file.")
def command(file: str, name: str, context: str, kubeconfig: str, output: str, check: bool) -> None:
    """Show the difference between hauberk.yaml and a cluster; nothing is changed.

    Every object is tried on the API server without storing it, so what the server would default,
    refuse or give to another owner shows as well.
    """
    changes = fetch(file, name, context, kubeconfig)
    show(changes, output)
    if any(c.action == "refused" for c in changes):
        raise click.exceptions.Exit(1)
    if check and any(c.action != "none" for c in changes):
        raise click.exceptions.Exit(3)


def fetch(file: str, name: str, context: str, kubeconfig: str, *, force: bool = False) -> tuple[Change, ...]:
    """What `install` would do. Raises Problem."""
    from hauberk.integration.differences import fetch_changes

    integration, stages = read_stages(file)
    secrets = read_secrets(integration, file)

    async def act(kube: Kube) -> tuple[Change, ...]:
        return await fetch_changes(kube, stages, secrets=secrets, force=force)

    return on_cluster(name, kubeconfig, context, act)


def show(changes: Sequence[Change], output: str) -> None:
    """Print the changes."""
    from hauberk.integration.plan import summary

    if output == "json":
        click.echo(json.dumps([c.as_json() for c in changes], indent=2))
        return
    for line in lines_of(changes):
        click.echo(line)
    click.echo(summary(changes))


def lines_of(changes: Sequence[Change]) -> list[str]:
    """The changes as text, by stage; objects that stay as they are are counted only."""
    from hauberk.integration.plan import MARKS

    lines: list[str] = []
    stage = ""
    for change in changes:
        if change.action == "none":
            continue
        if change.stage != stage:
            stage = change.stage
            lines.append(stage)
        mark = click.style(MARKS[change.action], fg=COLOURS[change.action])
        lines.append(f"  {mark} {change.ref}" + (f"  ({change.note})" if change.note else ""))
        lines += [f"      {f.path}: {_short(f.before)} → {_short(f.after)}" for f in change.fields]
    return lines


def _short(value: object) -> str:
    text = "(none)" if value is None else json.dumps(value)
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
