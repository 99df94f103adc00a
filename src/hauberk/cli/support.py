"""`hauberk support`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hauberk.cli.common import file_option
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.kubeclient import Kube


@click.group(
    epilog="""\b
Examples:
  hauberk support bundle
  hauberk support bundle --to case-1234.tar.gz --context prod
"""
)
def command() -> None:
    """Collect what somebody who helps needs to see."""


@command.command(epilog="\b\nExamples:\n  hauberk support bundle --to case-1234.tar.gz\n")
@file_option
@cluster_options
@click.option("--to", "target", default="hauberk-support.tar.gz", show_default=True, help="The archive.")
def bundle(file: str, name: str, context: str, kubeconfig: str, target: str) -> None:
    """Write objects, logs and proxies' state of the integration's namespaces to an archive (0600).

    Values of Secrets, private keys, tokens and passwords are hidden, also in logs, environment
    variables and annotations. Look through it before you send it: what an application prints in a
    form of its own cannot be known.
    """
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.day2.bundle import fetch_files, write
    from hauberk.integration.load import load

    integration = load(Path(file))

    async def act(kube: Kube) -> tuple[tuple[str, str], ...]:
        return await fetch_files(kube, integration)

    files = (*on_cluster(name, kubeconfig, context, act), ("hauberk.yaml", Path(file).read_text()))
    write(Path(target), files, SystemClock().now())
    click.echo(f"{target}: {len(files)} files", err=True)
