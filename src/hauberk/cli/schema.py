"""`hauberk schema`."""

from __future__ import annotations

import click


@click.command(
    epilog="""\b
Examples:
  hauberk schema > hauberk.schema.json     the first line of hauberk.yaml names it to editors
"""
)
def command() -> None:
    """Print the JSON schema of `hauberk.yaml`, by which editors complete and explain it."""
    from hauberk.integration.schema import text

    click.echo(text(), nl=False)
