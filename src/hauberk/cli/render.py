"""`hauberk render`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hauberk.base.problems import Problem
from hauberk.cli.common import file_option

if TYPE_CHECKING:
    from hauberk.base.refs import Json
    from hauberk.integration.model import Integration


@click.command(
    epilog="""\b
Examples:
  hauberk render                          everything, to read
  hauberk render --to manifests           one file for each step, for Git
  kubectl apply -k manifests
  hauberk render --service default/hello=docker.io/openshift/hello-openshift
"""
)
@file_option
@click.option(
    "--to", "directory", type=click.Path(file_okay=False), help="Write files for `kubectl apply -k`."
)
@click.option("--output", "-o", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@click.option(
    "--service", metavar="NS/NAME=IMAGE", help="Only a Knative service, as the document wants each."
)
def command(file: str, directory: str | None, output: str, service: str | None) -> None:
    """Write the manifests of `hauberk.yaml`: complete, in order, explained, the same each time.

    Keys are not part of them: `hauberk certs apply` makes the Secrets.
    """
    from hauberk.integration.load import load
    from hauberk.integration.profiles import stages
    from hauberk.integration.render import render, render_object, render_stream, write
    from hauberk.integration.stages import objects_of

    wanted = load(Path(file))
    name = Path(file).name
    made = stages(wanted)
    if service is not None:
        obj = _service(wanted, service)
        click.echo(json.dumps(obj, indent=2) if output == "json" else render_object(obj), nl=output == "json")
    elif directory is not None:
        files = render(made, name)
        write(Path(directory), files)
        for written, _ in files:
            click.echo(str(Path(directory) / written), err=True)
    elif output == "json":
        items = list(objects_of(made))
        click.echo(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=2))
    else:
        click.echo(render_stream(made, name), nl=False)


def _service(wanted: Integration, text: str) -> Json:
    from hauberk.integration.profiles import make_service

    place, _, image = text.partition("=")
    namespace, _, name = place.partition("/")
    if not (namespace and name and image):
        raise Problem(
            f"`{text}` does not name a service",
            wanted="NAMESPACE/NAME=IMAGE",
            found=text,
            fix="hauberk render --service default/hello=docker.io/openshift/hello-openshift",
        )
    if namespace not in wanted.projects:
        raise Problem(
            f"`{namespace}` is not a member with services",
            wanted=f"one of {', '.join(wanted.projects) or 'no namespace yet'}",
            found=namespace,
            fix=f"add `{namespace}` to `members`",
        )
    return make_service(wanted, namespace, name, image)
