"""`hauberk network-policies`."""

from __future__ import annotations

from typing import Any

import click

from hauberk.cli.day2 import change, change_options


@click.group(
    epilog="""\b
Examples:
  hauberk network-policies disable           the operator makes none of its own
  hauberk network-policies disable --mesh    nor does the control plane (sm2)
  hauberk network-policies enable
"""
)
def command() -> None:
    """Say who makes NetworkPolicies for Knative: the operators, or you."""


@command.command(epilog="\b\nExamples:\n  hauberk network-policies disable --mesh --yes\n")
@change_options
@click.option("--mesh", is_flag=True, help="sm2: those of the control plane, too.")
def disable(mesh: bool, **options: Any) -> None:
    """Set `networkPolicies.serverless: false` in hauberk.yaml, and carry it out."""
    from hauberk.integration.day2.changes import network_policies

    change(lambda found: network_policies(found, enabled=False, mesh=mesh), **options)


@command.command(epilog="\b\nExamples:\n  hauberk network-policies enable\n")
@change_options
def enable(**options: Any) -> None:
    """Set `networkPolicies.serverless: true` in hauberk.yaml, and carry it out."""
    from hauberk.integration.day2.changes import network_policies

    change(lambda found: network_policies(found, enabled=True, mesh=False), **options)
