"""`hauberk kubeconfig`."""

from __future__ import annotations

import click

from hauberk.base.problems import Problem
from hauberk.cli.common import name_option


@click.command(
    epilog="""\b
Examples:
  export KUBECONFIG=$(hauberk kubeconfig --path)
  hauberk kubeconfig > ~/.kube/hauberk && chmod 600 ~/.kube/hauberk
"""
)
@name_option
@click.option("--path", is_flag=True, help="Print the file's path instead of its content.")
def command(name: str, path: bool) -> None:
    """Print the kubeconfig of an embedded cluster."""
    from hauberk.cluster.find import running

    file = running(name).paths.kubeconfig
    if not file.is_file():
        raise Problem(
            f"the kubeconfig of `{name}` is gone",
            wanted=f"what `hauberk up` wrote to {file}",
            found="no such file",
            fix=f"hauberk down --name {name}; hauberk up --name {name}",
        )
    click.echo(str(file) if path else file.read_text(), nl=path)
