"""`hauberk secrets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hauberk.cli.common import file_option, output_option
from hauberk.cli.day2 import change, change_options
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.integration.day2.secrets import Row
    from hauberk.kubeclient import Kube


@click.group(
    epilog="""\b
Examples:
  hauberk secrets list
  hauberk secrets label                       those that hauberk.yaml needs
  hauberk secrets label shop/shop-tls
  hauberk secrets filter off
"""
)
def command() -> None:
    """The label by which net-istio finds certificates, and its filter. No content is ever shown."""


@command.command(name="list", epilog="\b\nExamples:\n  hauberk secrets list -o json\n")
@file_option
@cluster_options
@output_option
def list_(file: str, name: str, context: str, kubeconfig: str, output: str) -> None:
    """Show the TLS Secrets of the mesh's namespaces: labelled or not, and what needs them.

    Exit status 3 when one that is needed is missing, or is not labelled although the filter is on.
    """
    from hauberk.integration.day2.secrets import fetch_rows
    from hauberk.integration.load import load

    integration = load(Path(file))

    async def act(kube: Kube) -> tuple[Row, ...]:
        return await fetch_rows(kube, integration)

    rows = on_cluster(name, kubeconfig, context, act)
    if output == "json":
        click.echo(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        for row in rows:
            state = "labelled" if row.labelled else "no label" if row.there else "missing"
            click.echo(f"{row.namespace}/{row.name}  {state}  {row.needed_for}".rstrip())
    on = integration.secret_filtering
    if any(row.needed_for and (not row.there or (on and not row.labelled)) for row in rows):
        raise click.exceptions.Exit(3)


@command.command(epilog="\b\nExamples:\n  hauberk secrets label shop/shop-tls\n")
@click.argument("names", metavar="[NAMESPACE/NAME]...", nargs=-1)
@file_option
@cluster_options
def label(names: tuple[str, ...], file: str, name: str, context: str, kubeconfig: str) -> None:
    """Label TLS Secrets, so that net-istio reads them although the filter is on."""
    from hauberk.integration.day2 import secrets
    from hauberk.integration.load import load

    integration = load(Path(file))

    async def act(kube: Kube) -> int:
        refs = secrets.chosen(await secrets.fetch_rows(kube, integration), names)
        for ref in await secrets.label(kube, refs):
            click.echo(f"labelled {ref.namespace}/{ref.name}", err=True)
        return len(refs)

    if not on_cluster(name, kubeconfig, context, act):
        click.echo("every Secret that hauberk.yaml needs is labelled", err=True)


@command.command(name="filter", epilog="\b\nExamples:\n  hauberk secrets filter on\n")
@click.argument("state", type=click.Choice(["on", "off"]))
@change_options
def filter_(state: str, **options: Any) -> None:
    """Set `secretFiltering` in hauberk.yaml, and carry it out."""
    from hauberk.integration.day2.changes import secret_filtering

    change(lambda _: secret_filtering(state == "on"), **options)
