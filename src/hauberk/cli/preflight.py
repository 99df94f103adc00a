"""`hauberk preflight`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from hauberk.cli.common import file_option, output_option
from hauberk.cli.target import cluster_options, on_cluster, read_stages, this_moment

if TYPE_CHECKING:
    from hauberk.integration.preflight import Row
    from hauberk.kubeclient import Kube

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red"), "unknown": ("?", "yellow")}


@click.command(
    epilog="""\b
Examples:
  hauberk preflight                           may `hauberk install` begin?
  hauberk preflight -f prod.yaml --context prod
  hauberk preflight -o json | jq '.[] | select(.level == "fail")'
"""
)
@file_option
@cluster_options
@output_option
def command(file: str, name: str, context: str, kubeconfig: str, output: str) -> None:
    """Check what must be true of a cluster before anything is changed there.

    Operators and their versions, kinds, permissions, other Gateways and meshes, member rolls, the
    order of installation, leftover webhooks, the domain, the certificate, Kafka. Exit status 3 when
    a check fails; `?` is what the API does not tell.
    """
    rows = fetch(file, name, context, kubeconfig)
    show(rows, output)
    if any(row.level == "fail" for row in rows):
        raise click.exceptions.Exit(3)


def fetch(file: str, name: str, context: str, kubeconfig: str) -> tuple[Row, ...]:
    """The judged rows. Raises Problem."""
    from hauberk.integration.preflight import preflight

    integration, stages = read_stages(file)

    async def act(kube: Kube) -> tuple[Row, ...]:
        return await preflight(kube, integration, stages, this_moment())

    return on_cluster(name, kubeconfig, context, act)


def show(rows: Sequence[Row], output: str, *, err: bool = False) -> None:
    """Print the rows."""
    if output == "json":
        click.echo(json.dumps([row.as_json() for row in rows], indent=2), err=err)
        return
    for row in rows:
        mark, colour = MARKS[row.level]
        click.echo(f"{click.style(mark, fg=colour)} {row.title}: {row.found}", err=err)
        if row.level != "ok":
            click.echo(f"    wanted: {row.wanted}", err=err)
            if row.fix:
                click.echo(f"    fix:    {row.fix}", err=err)
    counts = {level: sum(row.level == level for row in rows) for level in MARKS}
    words = {"ok": "fulfilled", "warn": "to look at", "unknown": "not told by the API", "fail": "failed"}
    click.echo(", ".join(f"{counts[k]} {word}" for k, word in words.items() if counts[k]), err=err)
