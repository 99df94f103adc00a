"""`hauberk up`."""

from __future__ import annotations

import click

from hauberk.cli.common import Progress, name_option
from hauberk.cluster.options import DEFAULT_DOMAIN


@click.command(
    epilog="""\b
Examples:
  hauberk up                             keeps its state in the XDG data directory
  hauberk up --ephemeral --name ci       leaves nothing behind after `hauberk down`
  hauberk up --domain apps.example.com   another wildcard domain
"""
)
@name_option
@click.option("--domain", default=DEFAULT_DOMAIN, show_default=True, help="The apps domain of Routes.")
@click.option("--ephemeral", is_flag=True, help="Keep no state on disk beyond `hauberk down`.")
@click.option(
    "--strict", is_flag=True, help="Refuse what a real cluster refuses, defects of the document included."
)
@click.option("--foreground", is_flag=True, help="Stay attached; Ctrl-C stops the cluster.")
@click.option("--address", default="127.0.0.1", show_default=True, help="Where to listen on the host.")
@click.option("--api-port", type=click.IntRange(1, 65535), help="[default: 6443, or a free one]")
@click.option("--https-port", type=click.IntRange(1, 65535), help="[default: 443, 8443, or a free one]")
@click.option("--http-port", type=click.IntRange(1, 65535), help="[default: 80, 8080, or a free one]")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but problems.")
def command(
    name: str,
    domain: str,
    ephemeral: bool,
    strict: bool,
    foreground: bool,
    address: str,
    api_port: int | None,
    https_port: int | None,
    http_port: int | None,
    quiet: bool,
) -> None:
    """Start an embedded cluster in the background; does nothing when it runs already."""
    from hauberk.cluster.launch import Wish, start, stop, wait_for_end

    wish = Wish(
        name=name,
        domain=domain,
        ephemeral=ephemeral,
        strict=strict,
        address=address,
        api_port=api_port,
        https_port=https_port,
        http_port=http_port,
    )
    tell = Progress(quiet=quiet)
    options = start(wish, tell=tell)
    tell.say(f"  api    {options.api_url}")
    tell.say(f"  https  {options.address}:{options.https_port}")
    tell.say(f"  http   {options.address}:{options.http_port}")
    tell.say(f"\n  export KUBECONFIG={options.paths.kubeconfig}")
    if foreground:
        try:
            wait_for_end(options)
        finally:
            stop(name, tell=tell)
