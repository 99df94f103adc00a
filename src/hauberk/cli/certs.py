"""`hauberk certs`: the certificates for incoming traffic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hauberk.base.problems import Problem
from hauberk.base.refs import Json, Ref, ref_of
from hauberk.cli.common import file_option, output_option
from hauberk.cli.target import cluster_options, on_cluster

if TYPE_CHECKING:
    from hauberk.integration.certs import Renew, Row
    from hauberk.integration.model import Integration
    from hauberk.kubeclient import Kube

CHECKS_FAILED = 3


@click.group(
    name="certs",
    epilog="""\b
Examples:
  hauberk certs create            root and wildcard certificate in ./certs
  hauberk certs list              who, for what, until when, and what is wrong
  hauberk certs apply             make the Secret in the cluster
  curl --cacert certs/root.crt https://hello-default.apps.openshift.example.com
""",
)
def command() -> None:
    """Make, show, renew and import the certificates of `hauberk.yaml`; make their Secrets."""


@command.command(
    epilog="""\b
Examples:
  hauberk certs create
  hauberk certs create -f team.yaml
"""
)
@file_option
def create(file: str) -> None:
    """Make what is missing: root.crt, wildcard.crt and those of custom domains, with their keys (0600).

    What is there and valid stays. The files are those that the document makes with openssl, but with a
    subjectAltName. With the source `ca` your organisation's CA signs.
    """
    _create(file, leaves=False, root=False)


@command.command(
    epilog="""\b
Examples:
  hauberk certs renew             the certificates, by the same root
  hauberk certs renew --root      the root as well: clients must trust the new one
"""
)
@file_option
@click.option("--root", is_flag=True, help="The root as well.")
def renew(file: str, root: bool) -> None:
    """Make the certificates anew, with new keys; `hauberk certs apply` then brings them to the cluster."""
    _create(file, leaves=True, root=root)


@command.command(
    epilog="""\b
Examples:
  hauberk certs rotate
  hauberk certs rotate --root --context production
"""
)
@file_option
@cluster_options
@click.option("--root", is_flag=True, help="The root as well.")
def rotate(file: str, name: str, kubeconfig: str, context: str, root: bool) -> None:
    """Renew the certificates and bring them to the cluster, where the gateway takes them up by itself."""
    _create(file, leaves=True, root=root)
    _apply(file, name, kubeconfig, context)


def _create(file: str, *, leaves: bool, root: bool) -> None:
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.certs import Renew, create, directory_of
    from hauberk.integration.load import load

    wanted = load(Path(file))
    asked: Renew = Renew(leaves=leaves, root=root)
    rows = create(wanted, Path(file), SystemClock().now(), asked)
    directory = directory_of(wanted, Path(file))
    for name, told in rows:
        click.echo(f"{told:8} {directory / name}", err=True)


@command.command(
    name="list",
    epilog="""\b
Examples:
  hauberk certs list
  hauberk certs list -o json | jq '.[] | select(.daysLeft < 30)'
""",
)
@file_option
@output_option
def list_(file: str, output: str) -> None:
    """Show each certificate: hosts, key, days left, what is wrong. Exit status 3 when one is not usable."""
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.certs import directory_of, report
    from hauberk.integration.load import load

    wanted = load(Path(file))
    rows = report(wanted, directory_of(wanted, Path(file)), SystemClock().now())
    click.echo(_json(rows) if output == "json" else _table(rows))
    if any(row.problem for row in rows):
        raise click.exceptions.Exit(CHECKS_FAILED)


def _json(rows: Sequence[Row]) -> str:
    return json.dumps([{_camel(key): value for key, value in asdict(row).items()} for row in rows], indent=2)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _table(rows: Sequence[Row]) -> str:
    cells = [("FILE", "FOR", "KEY", "DAYS LEFT", "STATE")]
    for row in rows:
        hosts = ", ".join(row.hosts) or row.what
        days = str(row.days_left) if row.not_after else "-"
        cells.append((row.file, hosts, row.algorithm or "-", days, row.problem or row.advice or "ok"))
    widths = [max(len(line[i]) for line in cells) for i in range(4)]
    return "\n".join(
        "  ".join([*(c.ljust(w) for c, w in zip(line[:4], widths, strict=True)), line[4]]) for line in cells
    )


@command.command(
    name="request",
    epilog="""\b
Examples:
  hauberk certs request           certs/wildcard.key, certs/wildcard.csr
  openssl req -in certs/wildcard.csr -noout -text
""",
)
@file_option
def request_(file: str) -> None:
    """Make keys and signing requests, for a CA that is elsewhere. Then: hauberk certs import."""
    from hauberk.integration.certs import directory_of, make_requests
    from hauberk.integration.load import load

    wanted = load(Path(file))
    directory = directory_of(wanted, Path(file))
    made = make_requests(wanted, directory)
    for name in made:
        click.echo(f"made     {directory / name}", err=True)
    if not made:
        click.echo(f"nothing to do: the requests are in {directory}", err=True)


@command.command(
    name="import",
    epilog="""\b
Examples:
  hauberk certs import --cert signed.crt --ca organisation.crt     the key is that of `hauberk certs request`
  hauberk certs import --cert wildcard.crt --key wildcard.key
  hauberk certs import --host shop.example.com --cert shop.crt --key shop.key
""",
)
@file_option
@click.option(
    "--cert", type=click.Path(exists=True, dir_okay=False), required=True, help="The certificate, PEM."
)
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False), help="Its key. [default: certs/NAME.key]"
)
@click.option(
    "--ca", type=click.Path(exists=True, dir_okay=False), help="The CA's certificate, for root.crt."
)
@click.option("--host", default="", help="The custom domain that it is for. [default: the cluster's domain]")
def import_(file: str, cert: str, key: str | None, ca: str | None, host: str) -> None:
    """Take over a certificate that another CA signed, when it fits: hosts, key, validity, chain."""
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.certs import WILDCARD, directory_of, import_pair, leaves_of
    from hauberk.integration.load import load
    from hauberk.ports import KeyPair

    wanted = load(Path(file))
    directory = directory_of(wanted, Path(file))
    leaves = {leaf.stem: leaf for leaf in leaves_of(wanted)}
    leaf = leaves.get(host or WILDCARD)
    if leaf is None:
        known = ", ".join(stem for stem in leaves if stem != WILDCARD)
        raise Problem(
            f"`{host}` is not a custom domain of {file}",
            wanted=known or "a host of certificate.customDomains",
            found=host,
            fix="add it to certificate.customDomains",
        )
    private = Path(key) if key else directory / f"{leaf.stem}.key"
    pair = KeyPair(Path(cert).read_bytes(), private.read_bytes() if private.is_file() else b"")
    roots = Path(ca).read_bytes() if ca else b""
    row = import_pair(leaf, directory, pair, roots, SystemClock().now())
    click.echo(
        f"imported {directory / row.file}: {', '.join(row.hosts)}, {row.days_left} days left", err=True
    )


@command.command(
    epilog="""\b
Examples:
  hauberk certs apply
  hauberk certs apply -f team.yaml --context production
"""
)
@file_option
@cluster_options
def apply(file: str, name: str, kubeconfig: str, context: str) -> None:
    """Make or update the Secrets in the cluster. The namespace of each must exist."""
    _apply(file, name, kubeconfig, context)


def _apply(file: str, name: str, kubeconfig: str, context: str) -> None:
    from hauberk.engine.clock import SystemClock
    from hauberk.integration.certs import secrets_of
    from hauberk.integration.load import load

    wanted = load(Path(file))
    secrets = secrets_of(wanted, Path(file), SystemClock().now())
    if not secrets:
        raise Problem(
            "no Secret is made here",
            wanted="certificate.source `generate` or `ca`",
            found=f"`{wanted.certificate.source}`",
            fix=_existing(wanted),
        )
    on_cluster(name, kubeconfig, context, lambda kube: _send(kube, list(secrets.values())))


def _existing(wanted: Integration) -> str:
    return f"kubectl get secret -n {wanted.gateway_namespace} {wanted.certificate.secret_name}"


async def _send(kube: Kube, secrets: Sequence[Json]) -> None:
    from hauberk.kubeclient import explained

    for secret in secrets:
        ref = ref_of(secret)
        with explained(f"apply {ref}", ref):
            if await kube.find(Ref("Namespace", "", ref.namespace)) is None:
                raise Problem(
                    f"the namespace of {ref} is not there",
                    wanted=f"namespace `{ref.namespace}`",
                    found="none",
                    fix=f"kubectl create namespace {ref.namespace}",
                )
            await kube.apply(secret, force=True)
        click.echo(f"applied  {ref}", err=True)
