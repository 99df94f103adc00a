"""`hauberk down`."""

from __future__ import annotations

import click

from hauberk.cli.common import Progress, name_option


@click.command(
    epilog="""\b
Examples:
  hauberk down
  hauberk down --purge     forget the state as well
"""
)
@name_option
@click.option("--purge", is_flag=True, help="Also remove the stored state.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but problems.")
def command(name: str, purge: bool, quiet: bool) -> None:
    """Stop an embedded cluster; no process, socket, link or rule of it stays."""
    from hauberk.cluster.launch import forget, stop

    tell = Progress(quiet=quiet)
    if not stop(name, tell=tell):
        tell.say(f"cluster {name} is not running")
    if purge:
        forget(name)
