"""`hauberk completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(
    epilog="""\b
Examples:
  hauberk completion bash > ~/.local/share/bash-completion/completions/hauberk
  hauberk completion zsh  > "${fpath[1]}/_hauberk"
  hauberk completion fish > ~/.config/fish/completions/hauberk.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the shell completion script."""
    from hauberk.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None, shell
    click.echo(found(cli, {}, "hauberk", "_HAUBERK_COMPLETE").source())
