"""`hauberk mesh`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from hauberk.cli.common import output_option
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.explain.proxies import Row
    from hauberk.explain.seen import Seen
    from hauberk.explain.words import Say
    from hauberk.kubeclient import Kube

CHECKS_FAILED = 3


@click.group(
    epilog="""\b
Examples:
  hauberk mesh describe pod hello-00001-deployment-… --namespace default
  hauberk mesh describe route hello --namespace default
  hauberk mesh proxies
  hauberk mesh trace default/client http://hello.default.svc.cluster.local
"""
)
def command() -> None:
    """Say what applies to a pod, service or route, and which resource decides about a call."""


@command.command(epilog="\b\nExamples:\n  hauberk mesh describe service hello --namespace default\n")
@click.argument("kind", type=click.Choice(["pod", "service", "route"]))
@click.argument("target", metavar="NAME")
@click.option("--namespace", default="default", show_default=True, help="Where it is.")
@cluster_options
@output_option
def describe(
    kind: str, target: str, namespace: str, name: str, context: str, kubeconfig: str, output: str
) -> None:
    """Say in words what applies to NAME: identity, mTLS, policies, servers, routes, and who decides.

    `route` is a Route of OpenShift; the name of a Knative service means its Route.
    """
    from hauberk.explain import describe as words

    ask = {"pod": words.describe_pod, "service": words.describe_service, "route": words.describe_route}[kind]
    _show(_explained(name, kubeconfig, context, lambda seen: ask(seen, namespace, target)), output)


@command.command(epilog="\b\nExamples:\n  hauberk mesh trace default/client default/hello -o json\n")
@click.argument("source", metavar="NAMESPACE/POD")
@click.argument("destination", metavar="URL|NAMESPACE/SERVICE")
@cluster_options
@output_option
def trace(source: str, destination: str, name: str, context: str, kubeconfig: str, output: str) -> None:
    """Say what would become of a call, station by station; nothing is sent.

    ✓ it arrives, ✗ it is refused, ? it depends on what the configuration does not tell. Exit status 3
    when it is refused. `hauberk verify` sends real calls.
    """
    from hauberk.explain.trace import trace as walk

    rows = _explained(name, kubeconfig, context, lambda seen: walk(seen, source, destination))
    _show(rows, output)
    if any(row.mark == "refused" for row in rows):
        raise click.exceptions.Exit(CHECKS_FAILED)


@command.command(epilog="\b\nExamples:\n  hauberk mesh proxies -o json\n")
@cluster_options
@output_option
def proxies(name: str, context: str, kubeconfig: str, output: str) -> None:
    """Show whether each proxy has what the control plane published. Exit status 3 when one has not."""
    from hauberk.explain.proxies import fetch_proxies

    async def act(kube: Kube) -> tuple[Row, ...]:
        return await fetch_proxies(kube)

    rows = on_cluster(name, kubeconfig, context, act)
    if output == "json":
        click.echo(json.dumps([{"proxy": r.proxy, "status": r.status} for r in rows], indent=2))
    else:
        width = max((len(r.proxy) for r in rows), default=0)
        for row in rows:
            click.echo(f"{row.proxy.ljust(width)}  {row.status}")
        click.echo(f"{sum(r.status == 'SYNCED' for r in rows)} of {len(rows)} in sync", err=True)
    if any(row.status == "STALE" for row in rows):
        raise click.exceptions.Exit(CHECKS_FAILED)


def _explained(name: str, kubeconfig: str, context: str, say: Callable[[Seen], list[Say]]) -> Sequence[Say]:
    from hauberk.explain.seen import fetch_seen

    async def act(kube: Kube) -> Sequence[Say]:
        seen = await fetch_seen(kube)
        for kind in seen.unread:
            click.echo(f"may not list {kind}: what it decides is not known", err=True)
        return say(seen)

    return on_cluster(name, kubeconfig, context, act)


def _show(rows: Sequence[Say], output: str) -> None:
    from hauberk.explain.words import as_text

    text = json.dumps([r.as_json() for r in rows], indent=2) if output == "json" else as_text(rows)
    click.echo(text)
