"""What the commands for any cluster share: which file, which cluster, asking before acting."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hauberk.base.problems import Problem

if TYPE_CHECKING:
    import datetime

    from hauberk.base.refs import Json, Ref
    from hauberk.integration.model import Integration
    from hauberk.integration.stages import Stage
    from hauberk.kubeclient import Kube

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def cluster_options(function: F) -> F:
    """`--name`, `--context`, `--kubeconfig`: which cluster."""
    rows = (
        click.option("--kubeconfig", default="", help="A kubeconfig; as kubectl finds it when not given."),
        click.option(
            "--context", default="", help="A context of the kubeconfig; the current when not given."
        ),
        click.option("--name", "-n", default="", help="An embedded cluster, instead of a kubeconfig."),
    )
    for row in rows:
        function = row(function)
    return function


def yes_option(function: F) -> F:
    """`--yes`: do not ask."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask before changing the cluster.")(function)


def kubeconfig_of(name: str, kubeconfig: str, context: str) -> tuple[str, str]:
    """The kubeconfig and context that the options mean. Raises Problem when they contradict each other."""
    if not name:
        return kubeconfig, context
    if kubeconfig or context:
        raise Problem(
            "two clusters are named",
            wanted="either --name, for an embedded cluster, or --kubeconfig and --context",
            found=f"--name {name} with {'--kubeconfig' if kubeconfig else '--context'}",
            fix="leave one of them out",
        )
    from hauberk.cluster import find

    return str(find.running(name).paths.kubeconfig), ""


def read_stages(file: str) -> tuple[Integration, tuple[Stage, ...]]:
    """The file's Integration and its stages. Raises Problem."""
    from hauberk.integration.load import load
    from hauberk.integration.profiles import stages

    integration = load(Path(file))
    return integration, stages(integration)


def read_secrets(integration: Integration, file: str) -> dict[Ref, Json]:
    """The Secrets with the certificates in the files beside the Integration; empty when no file is there.

    Raises Problem when one is there and is not usable.
    """
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.certs import directory_of, leaves_of, read_pair, secrets_of

    directory = directory_of(integration, Path(file))
    if not any(read_pair(directory, leaf.stem) for leaf in leaves_of(integration)):
        return {}
    return secrets_of(integration, Path(file), SystemClock().now())


def this_moment() -> datetime.datetime:
    """Now, in UTC."""
    import datetime as module

    from hauberk.engine.clock import SystemClock

    return module.datetime.fromtimestamp(SystemClock().now(), module.UTC)


def on_cluster(name: str, kubeconfig: str, context: str, act: Callable[[Kube], Awaitable[T]]) -> T:
    """Connect, act, close. Raises Problem; an API error that nobody explained becomes one, too."""
    from hauberk.kubeclient import Target, connect, explained

    config, chosen = kubeconfig_of(name, kubeconfig, context)

    async def run() -> T:
        async with connect(Target(kubeconfig=config, context=chosen)) as kube:
            try:
                with explained("finish"):
                    return await act(kube)
            finally:
                for text in dict.fromkeys(kube.warnings):
                    click.echo(f"warning: {text}", err=True)

    return asyncio.run(run())


@contextmanager
def resumable() -> Iterator[None]:
    """Say at an interruption that nothing is lost by it."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("\ninterrupted: run the same command again, it goes on where it stopped", err=True)
        raise


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere only `--yes` goes on. Raises Abort or Problem."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem(
            "this changes the cluster and was not confirmed",
            wanted="--yes, or a terminal to ask on",
            found="neither",
            fix="look at it with --dry-run, then add --yes",
        )
    click.confirm(question, abort=True, err=True)
