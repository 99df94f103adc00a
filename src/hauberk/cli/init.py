"""`hauberk init`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hauberk.base.problems import Problem

if TYPE_CHECKING:
    from hauberk.integration.initial import Chosen
    from hauberk.integration.model import Profile, Source

PROFILES: tuple[Profile, ...] = ("sm2", "sm3", "kubernetes")
SOURCES: tuple[Source, ...] = ("generate", "secret", "ca", "cert-manager")


@click.command(
    epilog="""\b
Examples:
  hauberk init                                                  asks, writes hauberk.yaml
  hauberk init --defaults --member shop --member blog > hauberk.yaml
  hauberk init --defaults --profile sm3 --domain apps.example.com --to team.yaml
  hauberk init --defaults --kafka my-cluster-kafka-bootstrap.kafka:9092
  hauberk init --defaults --member shop --member blog --tenant alpha=shop --tenant beta=blog
"""
)
@click.option("--defaults", is_flag=True, help="Ask nothing; print what the flags and defaults say.")
@click.option("--to", "path", type=click.Path(dir_okay=False), help="The file. [default: hauberk.yaml]")
@click.option("--force", is_flag=True, help="Overwrite the file.")
@click.option("--profile", type=click.Choice(PROFILES), default="sm2", show_default=True)
@click.option("--domain", default="", help="The cluster's domain. [default: apps.openshift.example.com]")
@click.option(
    "--member", "members", multiple=True, metavar="NS", help="A namespace with services; repeatable."
)
@click.option("--certificate", type=click.Choice(SOURCES), default="generate", show_default=True)
@click.option("--issuer", default="", help="The ClusterIssuer, for the certificate source cert-manager.")
@click.option("--ca-cert", default="", help="The organisation's CA, for the certificate source ca.")
@click.option("--ca-key", default="", help="Its key.")
@click.option("--mesh-namespace", default="istio-system", show_default=True)
@click.option("--eventing/--no-eventing", default=True, show_default=True)
@click.option(
    "--kafka", multiple=True, metavar="HOST:PORT", help="A bootstrap server; repeatable. Turns Kafka on."
)
@click.option("--partitions", type=int, default=10, show_default=True)
@click.option("--replication", type=int, default=3, show_default=True)
@click.option("--metrics/--no-metrics", default=False, show_default=True)
@click.option("--tenant", "tenants", multiple=True, metavar="NAME=NS,NS", help="A tenant; repeatable.")
def command(defaults: bool, path: str | None, force: bool, **flags: Any) -> None:
    """Write `hauberk.yaml`, the one file that every command of the integration takes."""
    from hauberk.integration.initial import initial
    from hauberk.integration.load import parse

    chosen = _chosen(flags)
    if not defaults:
        _demand_terminal()
        chosen = _ask(chosen)
    text = initial(chosen)
    parse(text, path or "hauberk.yaml")
    if defaults and path is None:
        click.echo(text, nl=False)
        return
    target = Path(path or "hauberk.yaml")
    if target.exists() and not force:
        raise Problem(
            f"`{target}` is there already",
            wanted="a new file",
            found="an existing one",
            fix=f"hauberk init --force --to {target}, or another --to",
        )
    target.write_text(text)
    click.echo(f"{target}: next, hauberk certs create; hauberk plan", err=True)


def _chosen(flags: dict[str, Any]) -> Chosen:
    from hauberk.integration.initial import DOMAIN, Chosen

    return Chosen(
        profile=flags["profile"],
        domain=flags["domain"] or DOMAIN,
        certificate=flags["certificate"],
        issuer=flags["issuer"],
        ca_certificate=flags["ca_cert"],
        ca_key=flags["ca_key"],
        mesh_namespace=flags["mesh_namespace"],
        members=flags["members"] or ("default",),
        eventing=flags["eventing"],
        kafka=flags["kafka"],
        partitions=flags["partitions"],
        replication=flags["replication"],
        metrics=flags["metrics"],
        tenants=tuple(_tenant(text) for text in flags["tenants"]),
    )


def _tenant(text: str) -> tuple[str, Sequence[str]]:
    name, sign, own = text.partition("=")
    if not (name and sign and own):
        raise Problem(
            f"`{text}` is not a tenant",
            wanted="NAME=NS,NS",
            found=text,
            fix="--tenant alpha=alpha-dev,alpha-prod",
        )
    return name, tuple(n.strip() for n in own.split(",") if n.strip())


def _demand_terminal() -> None:
    if not sys.stdin.isatty():
        raise Problem(
            "`hauberk init` asks questions",
            wanted="a terminal, or `--defaults`",
            found="neither",
            fix="hauberk init --defaults --member default > hauberk.yaml",
        )


def _ask(chosen: Chosen) -> Chosen:
    """Ask for what most people change; flags are the offered answers."""
    from dataclasses import replace

    profile: Profile = click.prompt("Profile", type=click.Choice(PROFILES), default=chosen.profile, err=True)
    domain = click.prompt("The cluster's domain", default=chosen.domain, err=True)
    certificate: Source = click.prompt(
        "Certificate", type=click.Choice(SOURCES), default=chosen.certificate, err=True
    )
    chosen = replace(chosen, profile=profile, domain=domain, certificate=certificate)
    if certificate == "cert-manager":
        chosen = replace(
            chosen, issuer=click.prompt("ClusterIssuer", default=chosen.issuer or None, err=True)
        )
    if certificate == "ca":
        ca = click.prompt("The CA's certificate, a file", default=chosen.ca_certificate or "ca.crt", err=True)
        key = click.prompt("Its key, a file", default=chosen.ca_key or "ca.key", err=True)
        chosen = replace(chosen, ca_certificate=ca, ca_key=key)
    members = click.prompt("Namespaces with services", default=" ".join(chosen.members), err=True)
    servers = click.prompt("Kafka bootstrap servers", default=" ".join(chosen.kafka), err=True)
    metrics = click.confirm("Metrics for the cluster's monitoring?", default=chosen.metrics, err=True)
    return replace(
        chosen,
        members=tuple(members.replace(",", " ").split()),
        kafka=tuple(servers.replace(",", " ").split()),
        metrics=metrics,
    )
