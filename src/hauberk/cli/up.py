"""`hauberk up`."""

from __future__ import annotations

import click

from hauberk.cli.common import Progress, interrupt_on_signals, name_option
from hauberk.cluster.options import DEFAULT_ADDRESS, DEFAULT_DOMAIN


@click.command(
    epilog="""\b
Examples:
  hauberk up                             keeps its state in the XDG data directory
  hauberk up --ephemeral --name ci       leaves nothing behind after `hauberk down`
  hauberk up --domain apps.example.com   another wildcard domain
  hauberk up --kafka                     with a real Apache Kafka in namespace kafka
"""
)
@name_option
@click.option("--domain", help=f"The apps domain of Routes. [default: the last start's, or {DEFAULT_DOMAIN}]")
@click.option("--ephemeral", is_flag=True, help="Keep no state on disk beyond `hauberk down`.")
@click.option(
    "--strict/--no-strict",
    default=None,
    help="Refuse what a real cluster refuses, defects of the document included. "
    "[default: as at the last start, or not]",
)
@click.option(
    "--kafka", is_flag=True, help="Also run a real Apache Kafka; needs Java, and Maven the first time."
)
@click.option("--foreground", is_flag=True, help="Stay attached; Ctrl-C stops the cluster.")
@click.option("--address", help=f"Where to listen on the host. [default: {DEFAULT_ADDRESS}]")
@click.option("--api-port", type=click.IntRange(1, 65535), help="[default: 6443, or a free one]")
@click.option("--https-port", type=click.IntRange(1, 65535), help="[default: 443, 8443, or a free one]")
@click.option("--http-port", type=click.IntRange(1, 65535), help="[default: 80, 8080, or a free one]")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but problems.")
def command(
    name: str,
    domain: str | None,
    ephemeral: bool,
    strict: bool | None,
    kafka: bool,
    foreground: bool,
    address: str | None,
    api_port: int | None,
    https_port: int | None,
    http_port: int | None,
    quiet: bool,
) -> None:
    """Start an embedded cluster in the background; does nothing when it runs already."""
    from hauberk.cluster.launch import GRACE_S, Wish, start, stop, wait_for_end

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
    if foreground:
        interrupt_on_signals()
    if kafka:
        from hauberk.cluster.kafka import fetch, install

        fetch(tell)  # before a cluster is started that could not have it
    options = start(wish, tell=tell)
    if kafka:
        install(options, tell)
    tell.say(f"  api    {options.api_url}")
    tell.say(f"  https  {options.host}:{options.https_port}")
    tell.say(f"  http   {options.host}:{options.http_port}")
    tell.say(f"\n  export KUBECONFIG={options.paths.kubeconfig}")
    if foreground:
        try:
            wait_for_end(options)
        finally:
            stop(name, tell=tell, grace_s=GRACE_S)
