"""What the commands of day 2 share: edit the file, show it, then carry it out."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hauberk.base.problems import Problem
from hauberk.cli.common import Progress, file_option, interrupt_on_signals
from hauberk.cli.target import cluster_options, confirm, on_cluster, read_secrets, read_stages, yes_option

if TYPE_CHECKING:
    from hauberk.integration.day2.edit import Edit
    from hauberk.integration.model import Integration
    from hauberk.integration.plan import Change
    from hauberk.kubeclient import Kube

F = TypeVar("F", bound=Callable[..., Any])


def change_options(function: F) -> F:
    """Which file, which cluster, whether to act there."""
    only = click.option("--file-only", is_flag=True, help="Change the file, not the cluster.")
    return file_option(cluster_options(yes_option(only(function))))


def change(
    edits_of: Callable[[Integration], Sequence[Edit]],
    file: str,
    *,
    name: str,
    kubeconfig: str,
    context: str,
    yes: bool,
    file_only: bool,
) -> None:
    """Edit the file, then carry it out on the cluster as `install` does. Raises Problem.

    The file is written only when it is an Integration afterwards. When the cluster fails, the file
    keeps the change: the same command, or `hauberk install`, goes on.
    """
    from hauberk.integration.load import load

    path = Path(file)
    integration = load(path)
    before = path.read_text()
    after = _edited(before, edits_of(integration), file)
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), file, file, n=2, lineterm=""):
        click.echo(line, err=True)
    if not file_only:
        confirm(f"Write {file} and carry it out?", yes=yes)
    if after != before:
        _write(path, after)
    click.echo(f"{file}: {'changed' if after != before else 'says so already'}", err=True)
    if not file_only:
        _carry_out(file, name, kubeconfig, context)


def _edited(before: str, edits: Sequence[Edit], file: str) -> str:
    from hauberk.integration.day2.edit import Uneditable, edited
    from hauberk.integration.load import parse

    try:
        after = edited(before, *edits)
    except Uneditable as where:
        raise Problem(
            f"`{file}` cannot be edited here",
            wanted="one key or row on each line, or flow style",
            found=f"another form at `{where}`",
            fix="make this change by hand, then: hauberk install",
        ) from where
    parse(after, file)
    return after


def _write(path: Path, text: str) -> None:
    """The new text, whole or not at all, with the file's own mode."""
    mode = stat.S_IMODE(path.stat().st_mode)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(mode)
    new.rename(path)


def _carry_out(file: str, name: str, kubeconfig: str, context: str) -> None:
    from hauberk.cli.install import print_done
    from hauberk.integration.install import install

    interrupt_on_signals()
    integration, stages = read_stages(file)

    async def act(kube: Kube) -> tuple[Change, ...]:
        return await install(kube, stages, Progress(), secrets=read_secrets(integration, file))

    print_done(on_cluster(name, kubeconfig, context, act), "text")
