"""`hauberk image`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from hauberk.base.paths import Paths
from hauberk.base.problems import Problem
from hauberk.cli.common import Progress, name_option, output_option


@click.group(
    epilog="""\b
Examples:
  hauberk image add example.com/greeter ./greeter    a directory with a Procfile
  hauberk image load greeter.tar                     an oci-archive or docker-archive
  hauberk image ls
"""
)
def command() -> None:
    """Add, load, pull, list and remove images."""


def _paths(name: str) -> Paths:
    """The cluster's directories: of the running one, else where it will keep its state."""
    from hauberk.cluster import find
    from hauberk.cluster.options import paths_of

    return find.running(name).paths if find.is_running(name) else paths_of(name)


@contextmanager
def _names(reference: str) -> Iterator[None]:
    """A name that no image can have is the user's mistake, told as such."""
    from hauberk.node.images.model import ImageProblem

    try:
        yield
    except ImageProblem as wrong:
        raise Problem(
            f"`{reference}` cannot be an image's name",
            wanted="[HOST/]NAME[:TAG], in lower case, such as example.com/greeter:v1",
            found=wrong.message,
            fix="hauberk image ls, for names as they are written",
        ) from wrong


@command.command("add")
@name_option
@click.argument("reference", metavar="NAME")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def add(name: str, reference: str, directory: Path) -> None:
    """Register an app directory (with a Procfile) as image NAME."""
    from hauberk.node import images

    try:
        with _names(reference):
            row = images.add(reference, directory, _paths(name))
    except ValueError as wrong:
        raise Problem(
            f"`{directory}` cannot be an image",
            wanted="a directory with a Procfile such as `web: python3 server.py`",
            found=str(wrong),
            fix=f"echo 'web: ./run' > {directory}/Procfile",
            see="docs/images.md",
        ) from wrong
    click.echo(f"{row.reference}@{row.digest}")


@command.command("load")
@name_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "reference", default="", metavar="NAME", help="Another name than the archive's own.")
def load(name: str, file: Path, reference: str) -> None:
    """Load an oci-archive or docker-archive."""
    from hauberk.node import images

    tell = Progress()
    tell.start(f"unpacking {file.name}")
    with _names(reference):
        row = images.load(file, _paths(name), name=reference)
    tell.done()
    click.echo(f"{row.reference}@{row.digest}")


@command.command("pull")
@name_option
@click.argument("reference", metavar="NAME")
def pull(name: str, reference: str) -> None:
    """Pull an image from its registry with skopeo, with your credentials."""
    from hauberk.node import images

    tell = Progress()
    tell.start(f"pulling {reference}")
    try:
        row = images.pull(reference, _paths(name))
    except images.ImageProblem as wrong:
        tell.failed()
        raise Problem(
            f"`{reference}` cannot be pulled",
            wanted="skopeo and umoci, and a registry that has the image",
            found=str(wrong),
            fix=f"skopeo inspect docker://{reference}",
            see="docs/images.md",
        ) from wrong
    tell.done()
    click.echo(f"{row.reference}@{row.digest}")


@command.command("ls")
@name_option
@output_option
def ls(name: str, output: str) -> None:
    """List the images that resolve without a registry."""
    from hauberk.node import images

    rows = images.ls(_paths(name))
    if output == "json":
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    width = max(len(row.reference) for row in rows)
    for row in rows:
        click.echo(f"{row.reference:<{width}}  {row.kind:<8}  {row.digest[7:19]}  {row.source}")


@command.command("rm")
@name_option
@click.argument("reference", metavar="NAME")
def rm(name: str, reference: str) -> None:
    """Remove an image; pods that run from it go on."""
    from hauberk.node import images

    with _names(reference):
        removed = images.rm(reference, _paths(name))
    if not removed:
        raise Problem(
            f"no image `{reference}`",
            wanted="a name from `hauberk image ls` that is not built in",
            found=reference,
            fix="hauberk image ls",
        )
    click.echo(f"removed {reference}")
