"""`hauberk events`."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hauberk.cli.common import interrupt_on_signals, output_option
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.eventtools.send import Outcome
    from hauberk.kubeclient import Kube

F = TypeVar("F", bound=Callable[..., Any])


@click.group(
    epilog="""\b
Examples:
  hauberk events send broker/default --type com.example.hello '{"message": "hi"}'
  hauberk events send channel/orders --namespace shop --file order.json
  hauberk events watch broker/default
"""
)
def command() -> None:
    """Send events into the cluster, and look at those of a broker or channel as they come."""


def pod_options(function: F) -> F:
    """`--namespace`, `--no-sidecar`: the pod that sends or prints."""
    rows = (
        click.option("--namespace", default="default", show_default=True, help="Where the pod runs."),
        click.option("--no-sidecar", is_flag=True, help="The pod stays outside of the mesh."),
    )
    for row in rows:
        function = row(function)
    return function


@command.command(
    epilog="\b\nExamples:\n  echo hi | hauberk events send ksvc/hello --content-type text/plain -f -\n"
)
@click.argument("target", metavar="KIND/NAME|URL")
@click.argument("data", required=False, default="")
@click.option(
    "--file", "-f", "file", type=click.Path(dir_okay=False, allow_dash=True), help="Data; - is stdin."
)
@click.option("--type", "type_", default="dev.hauberk.event", show_default=True, help="Of the event.")
@click.option("--source", default="/hauberk/events", show_default=True, help="Of the event.")
@click.option("--id", "id_", default="", help="Of the event; a random one when not given.")
@click.option("--subject", default="", help="Of the event.")
@click.option("--content-type", default="application/json", show_default=True, help="Of the data.")
@click.option("--attribute", "-a", "more", multiple=True, metavar="NAME=VALUE", help="Any other attribute.")
@click.option("--structured", is_flag=True, help="Send it as one JSON document instead of headers and data.")
@click.option("--image", default="hauberk.local/curl", show_default=True, help="Has sh and curl.")
@pod_options
@cluster_options
@output_option
def send(target: str, data: str, file: str | None, output: str, **options: Any) -> None:
    """Send a CloudEvent to KIND/NAME or URL from a pod of the namespace, through its sidecar.

    KIND is broker, channel, ksvc, service, sequence, parallel, jobsink, kafkasink or a kind of channel.
    Prints the answer's status; exit status 1 when the event was not taken.
    """
    from hauberk.eventtools.send import Wish, problem_of
    from hauberk.eventtools.send import send as act

    wish = Wish(
        target=target,
        namespace=options["namespace"],
        attributes=_attributes(options),
        data=_data(data, file),
        structured=options["structured"],
        sidecar=not options["no_sidecar"],
        image=options["image"],
    )
    interrupt_on_signals()

    async def run(kube: Kube) -> Outcome:
        return await act(kube, wish, f"events-send-{secrets.token_hex(3)}")

    outcome = on_cluster(options["name"], options["kubeconfig"], options["context"], run)
    if output == "json":
        click.echo(json.dumps(outcome.as_json(), indent=2))
    elif outcome.is_taken:
        click.echo(f"{outcome.status}  {outcome.event_id}  {outcome.url}  {outcome.seconds * 1000:.0f} ms")
        if outcome.answer:
            click.echo(outcome.answer)
    problem = problem_of(outcome)
    if problem is not None:
        if output != "json":
            raise problem
        raise click.exceptions.Exit(1)


@command.command(
    epilog="\b\nExamples:\n  hauberk events watch broker/default --filter type=com.example.hello\n"
)
@click.argument("target", metavar="KIND/NAME")
@click.option(
    "--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Only events with this attribute."
)
@click.option("--image", default="hauberk.local/event-display", show_default=True, help="Prints events.")
@pod_options
@cluster_options
def watch(target: str, filters: tuple[str, ...], image: str, **options: Any) -> None:
    """Print the events of broker/NAME or channel/NAME as they come, until Ctrl-C.

    A pod and a Trigger (or Subscription) are made for it, and removed at the end.
    """
    from hauberk.eventtools.watch import Wish
    from hauberk.eventtools.watch import watch as follow

    wish = Wish(
        target=target,
        namespace=options["namespace"],
        filters=_pairs(filters, "--filter"),
        sidecar=not options["no_sidecar"],
        image=image,
    )
    interrupt_on_signals()

    async def run(kube: Kube) -> None:
        name = f"events-watch-{secrets.token_hex(3)}"
        async for line in follow(kube, wish, name, lambda text: click.echo(text, err=True)):
            click.echo(line)

    on_cluster(options["name"], options["kubeconfig"], options["context"], run)


def _attributes(options: dict[str, Any]) -> dict[str, str]:
    import uuid

    said = {
        "id": options["id_"] or str(uuid.uuid4()),
        "type": options["type_"],
        "source": options["source"],
        "subject": options["subject"],
        "datacontenttype": options["content_type"],
    }
    return {k: v for k, v in {**said, **_pairs(options["more"], "--attribute")}.items() if v}


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    for text in texts:
        if not text.partition("=")[1]:
            raise click.UsageError(f"{option} wants NAME=VALUE, not {text}")
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def _data(data: str, file: str | None) -> bytes:
    if file is None:
        return data.encode()
    if data:
        raise click.UsageError("data stands in the argument and in --file")
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror}") from error
