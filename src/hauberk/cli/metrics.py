"""`hauberk metrics`."""

from __future__ import annotations

from typing import Any

import click

from hauberk.cli.day2 import change, change_options


@click.group(
    epilog="""\b
Examples:
  hauberk metrics enable
  hauberk metrics disable --file-only
"""
)
def command() -> None:
    """Expose the metrics of Knative's own workloads to the cluster's monitoring, or stop."""


@command.command(epilog="\b\nExamples:\n  hauberk metrics enable --context prod --yes\n")
@change_options
def enable(**options: Any) -> None:
    """Set `metrics.enabled: true` in hauberk.yaml, and carry it out."""
    from hauberk.integration.day2.changes import metrics

    change(lambda _: metrics(True), **options)


@command.command(epilog="\b\nExamples:\n  hauberk metrics disable\n")
@change_options
def disable(**options: Any) -> None:
    """Set `metrics.enabled: false` in hauberk.yaml, and carry it out."""
    from hauberk.integration.day2.changes import metrics

    change(lambda _: metrics(False), **options)
