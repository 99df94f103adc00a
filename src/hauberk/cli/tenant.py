"""`hauberk tenant`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hauberk.cli.common import file_option, output_option
from hauberk.cli.day2 import change, change_options


@click.group(
    epilog="""\b
Examples:
  hauberk tenant add alpha team-a team-a-test
  hauberk tenant list
  hauberk tenant remove alpha
"""
)
def command() -> None:
    """Keep namespaces apart: cluster-local calls and events of other tenants are refused (403)."""


@command.command(epilog="\b\nExamples:\n  hauberk tenant add alpha team-a team-a-test\n")
@click.argument("tenant")
@click.argument("namespaces", nargs=-1, required=True)
@change_options
def add(tenant: str, namespaces: tuple[str, ...], **options: Any) -> None:
    """Add a tenant to hauberk.yaml, or namespaces to one, and apply its policies.

    The namespaces must be members of the mesh. With the first tenant everything is denied by
    default in Knative's namespaces: namespaces of no tenant can then be called through their
    external domain only.
    """
    from hauberk.integration.day2.changes import tenant_added

    change(lambda found: tenant_added(found, tenant, namespaces), **options)


@command.command(epilog="\b\nExamples:\n  hauberk tenant remove alpha\n")
@click.argument("tenant")
@change_options
def remove(tenant: str, **options: Any) -> None:
    """Take a tenant out of hauberk.yaml, and its policies out of the cluster."""
    from hauberk.integration.day2.changes import tenant_removed

    change(lambda found: tenant_removed(found, tenant), **options)


@command.command(name="list", epilog="\b\nExamples:\n  hauberk tenant list -o json\n")
@file_option
@output_option
def list_(file: str, output: str) -> None:
    """Show the tenants of hauberk.yaml and their namespaces."""
    from hauberk.integration.load import load

    tenants = load(Path(file)).tenants
    if output == "json":
        click.echo(
            json.dumps([{"name": t.name, "namespaces": list(t.namespaces)} for t in tenants], indent=2)
        )
        return
    for tenant in tenants:
        click.echo(f"{tenant.name}  {', '.join(tenant.namespaces)}")
    if not tenants:
        click.echo("no tenants: hauberk tenant add NAME NAMESPACE...", err=True)
