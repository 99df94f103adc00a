"""`hauberk down`."""

from __future__ import annotations

import click

from hauberk.cli.common import Progress, name_option


@click.command(
    epilog="""\b
Examples:
  hauberk down
  hauberk down --purge     forget the state as well
  hauberk down --grace 0   cut requests that are in flight
"""
)
@name_option
@click.option("--purge", is_flag=True, help="Also remove the stored state.")
@click.option(
    "--grace",
    "grace_s",
    type=click.FloatRange(0, 3600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long requests in flight may take to end; new ones are refused at once.",
)
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but problems.")
def command(name: str, purge: bool, grace_s: float, quiet: bool) -> None:
    """Stop an embedded cluster; no process, socket, link or rule of it stays."""
    from hauberk.cluster.launch import forget, stop

    tell = Progress(quiet=quiet)
    if not stop(name, tell=tell, grace_s=grace_s):
        tell.say(f"cluster {name} is not running")
    if purge:
        forget(name)
