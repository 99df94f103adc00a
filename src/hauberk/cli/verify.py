"""`hauberk verify`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hauberk.cli.common import Progress, file_option, interrupt_on_signals
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.integration.model import Integration
    from hauberk.integration.verify import Row, Wish
    from hauberk.kubeclient import Kube

CHECKS_FAILED = 3


@click.command(
    epilog="""\b
Examples:
  hauberk verify                              the whole matrix, on the cluster of the kubeconfig
  hauberk verify --name default               on an embedded cluster
  hauberk verify --only inside --only outside -o json
  hauberk verify --context prod --image REGISTRY/hello --client-image REGISTRY/curl -o junit > verify.xml
"""
)
@file_option
@cluster_options
@click.option(
    "--output", "-o", type=click.Choice(["text", "json", "junit"]), default="text", show_default=True
)
@click.option("--only", multiple=True, metavar="ID", help="This row of the matrix only; may be repeated.")
@click.option(
    "--namespace", default="", help="Where the probe service is created; the first project of `members`."
)
@click.option("--image", default="", help="An image that answers HTTP requests on $PORT with 200.")
@click.option("--client-image", default="", help="An image with `sh` and `curl`.")
@click.option("--event-image", default="", help="An image that prints the CloudEvents it receives.")
@click.option("--ca", type=click.Path(exists=True, dir_okay=False), help="The CA of the certificate, PEM.")
@click.option(
    "--connect-to", default="", metavar="HOST:PORT", help="Where the domain is reached, without DNS."
)
@click.option("--timeout", "within_s", type=click.FloatRange(min=1), default=180.0, show_default=True)
def command(
    file: str,
    name: str,
    context: str,
    kubeconfig: str,
    output: str,
    only: tuple[str, ...],
    namespace: str,
    image: str,
    client_image: str,
    event_image: str,
    ca: str | None,
    connect_to: str,
    within_s: float,
) -> None:
    """Send real traffic that must pass and real traffic that must not, and print what came of it.

    A probe service is created in a member namespace and called from outside, from inside the mesh,
    from a pod without a sidecar and from another tenant; it is rolled out and scaled down under
    load, and woken from zero. Everything created is deleted again, also after Ctrl-C. Exit status 3
    when a row does not hold; a row that cannot be asked is skipped and says why.
    """
    from hauberk.integration.load import load
    from hauberk.integration.verify import Wish

    interrupt_on_signals()
    integration = load(Path(file))
    roots = Path(ca).read_text() if ca else ""
    wish = Wish(
        image=image,
        client_image=client_image,
        event_image=event_image,
        namespace=namespace,
        only=only,
        within_s=within_s,
    )

    async def act(kube: Kube) -> Sequence[Row]:
        return await _verify(kube, integration, wish, Path(file), roots, connect_to)

    rows = on_cluster(name, kubeconfig, context, act)
    _print(rows, output)
    if any(row.verdict.outcome == "fail" for row in rows):
        raise click.exceptions.Exit(CHECKS_FAILED)


async def _verify(
    kube: Kube, integration: Integration, wish: Wish, file: Path, roots: str, address: str
) -> Sequence[Row]:
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.verify import plan_of, verify
    from hauberk.integration.verify.surroundings import fetch_edge, fetch_embedded, with_images
    from hauberk.pki.issuing import DAY_S, authority

    embedded = await fetch_embedded(kube)
    plan = plan_of(integration, with_images(wish, embedded=bool(embedded)), secrets.token_hex(3))
    edge = await fetch_edge(kube, integration, file, embedded, roots=roots, address=address)
    stranger = authority("another CA", "", now=SystemClock().now(), life_s=DAY_S).chain.decode()
    return await verify(kube, plan, edge, stranger, Progress())


def _print(rows: Sequence[Row], output: str) -> None:
    from hauberk.integration.verify import report

    forms = {"text": report.as_text, "json": report.as_json, "junit": report.as_junit}
    click.echo(forms[output](rows))
