"""`hauberk enter`."""

from __future__ import annotations

import os
import shlex

import click

from hauberk.cli.common import name_option


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="""\b
Examples:
  hauberk enter -- ip addr                        the node's side of the pod network
  hauberk enter --pod default/hello-… -- curl -sS http://10.128.0.9:8012
  hauberk enter -- tcpdump -ni any -c 20
""",
)
@name_option
@click.option("--pod", help="NAMESPACE/POD: run in that pod's network.")
@click.argument("command_line", metavar="COMMAND...", nargs=-1, type=click.UNPROCESSED, required=True)
def command(name: str, pod: str | None, command_line: tuple[str, ...]) -> None:
    """Run a host's program on the pod network, or in one pod's network namespace."""
    from hauberk.cluster.find import pod_uid, running
    from hauberk.node import enter

    options = running(name)
    uid = pod_uid(options, pod) if pod else None
    argv = enter.argv(options.paths, uid, list(command_line))
    if os.environ.get("HAUBERK_DEBUG"):
        click.echo(shlex.join(argv), err=True)
    os.execvp(argv[0], argv)
